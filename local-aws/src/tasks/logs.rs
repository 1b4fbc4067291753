//! A container's output on its way to CloudWatch Logs, as the awslogs driver takes it there.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::caller::{Caller, Refusal};

/// How long a line waits for others to go with.
const DELAY: Duration = Duration::from_millis(500);
/// The most lines that one PutLogEvents takes here; AWS takes 10,000.
const LINES_A_CALL: usize = 1000;
/// The longest line: longer ones are cut into several. AWS takes 256 KiB, of which 26 bytes are its own.
pub(super) const LONGEST_LINE: usize = 256 * 1024 - 26;
const SERVICE: &str = "logs";

/// A log stream that takes lines. What was written is sent when it is closed.
#[derive(Debug)]
pub(super) struct LogStream {
    lines: mpsc::UnboundedSender<(u64, String)>,
    sender: JoinHandle<()>,
}

impl LogStream {
    /// Makes the stream `PREFIX/CONTAINER/TASK` that awslogs `options` ask for.
    ///
    /// # Errors
    /// Why the task can't start, in ECS's words: the log group is not there, for example.
    pub(super) async fn open(
        caller: &Caller,
        options: &HashMap<String, String>,
        container: &str,
        task: &str,
    ) -> Result<Self, String> {
        let option = |name: &str| options.get(name).map_or("", String::as_str);
        let caller = match option("awslogs-region") {
            "" => caller.clone(),
            region => caller.within(region),
        };
        let group = option("awslogs-group").to_owned();
        let stream = match option("awslogs-stream-prefix") {
            "" => task.to_owned(),
            prefix => format!("{prefix}/{container}/{task}"),
        };
        if option("awslogs-create-group") == "true" {
            ensured(&caller, "CreateLogGroup", &json!({ "logGroupName": group })).await?;
        }
        ensured(&caller, "CreateLogStream", &json!({"logGroupName": group, "logStreamName": stream})).await?;
        let (lines, received) = mpsc::unbounded_channel();
        let sender = tokio::spawn(send(caller, json!({"logGroupName": group, "logStreamName": stream}), received));
        Ok(Self { lines, sender })
    }

    /// Takes a line; an empty one is no event.
    pub(super) fn write(&self, line: String) {
        if line.is_empty() {
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let _nobody_sends_any_more = self.lines.send((u64::try_from(now.as_millis()).unwrap_or_default(), line));
    }

    /// Waits until all lines are sent.
    pub(super) async fn close(self) {
        drop(self.lines);
        let _ended_either_way = self.sender.await;
    }
}

/// Makes what may be there already.
async fn ensured(caller: &Caller, operation: &str, input: &Value) -> Result<(), String> {
    let made = caller.json(SERVICE, &format!("Logs_20140328.{operation}"), input).await;
    let Err(Refusal { code, message }) = made else { return Ok(()) };
    if code == "ResourceAlreadyExistsException" {
        return Ok(());
    }
    let what = if operation == "CreateLogStream" { "stream" } else { "group" };
    Err(format!(
        "ResourceInitializationError: failed to validate logger args: create {what} has been retried 1 times: failed to \
         create Cloudwatch log {what}: {code}: {message} : exit status 1"
    ))
}

/// Sends lines as they come, some together.
async fn send(caller: Caller, place: Value, mut lines: mpsc::UnboundedReceiver<(u64, String)>) {
    let mut batch = Vec::new();
    while lines.recv_many(&mut batch, LINES_A_CALL).await > 0 {
        let more = async {
            while batch.len() < LINES_A_CALL {
                let room = LINES_A_CALL - batch.len();
                if lines.recv_many(&mut batch, room).await == 0 {
                    break;
                }
            }
        };
        // Whether it is full, closed or late: what is there goes.
        let _full = tokio::time::timeout(DELAY, more).await;
        let events: Vec<Value> = batch.drain(..).map(|(at, line)| json!({"timestamp": at, "message": line})).collect();
        let mut input = place.clone();
        input["logEvents"] = events.into();
        // As with the driver, lines that can't be sent are lost and the container lives on.
        let _lost = caller.json(SERVICE, "Logs_20140328.PutLogEvents", &input).await;
    }
}
