//! Where notifications go: an SQS queue, standard or FIFO.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchOutput;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use service_runtime::failure::{detail, reason};

use crate::refusal::{Fault, NotTaken};

/// The most messages that one call takes.
pub const MOST_ENTRIES: usize = 10;
/// What SQS says of a queue that is to be found by its URL.
const FIFO_SUFFIX: &str = ".fifo";

/// A message to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The message.
    pub body: String,
    /// What tells it from others: on a FIFO queue its group and its deduplication id.
    pub key: String,
}

/// Takes messages, as many as [`MOST_ENTRIES`] at once.
pub trait Queue: Send + Sync + 'static {
    /// Queues `batch`, and returns for each what became of it, in the same order.
    fn send(&self, batch: Vec<Entry>) -> impl Future<Output = Vec<Result<(), NotTaken>>> + Send;
}

/// A queue of Amazon SQS.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
    fifo: bool,
}

impl SqsQueue {
    /// The queue at `url`; it is a FIFO queue when its name says so.
    #[must_use]
    pub fn new(client: Client, url: String) -> Self {
        let fifo = url.ends_with(FIFO_SUFFIX);
        Self { client, url, fifo }
    }

    /// Asks whether the queue answers.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn reach(&self) -> Result<(), String> {
        let asked =
            self.client.get_queue_attributes().queue_url(&self.url).attribute_names(QueueAttributeName::QueueArn);
        asked.send().await.map(|_| ()).map_err(|error| {
            tracing::warn!(error = detail(&error), "the queue does not answer");
            reason(&error)
        })
    }

    fn request(&self, position: usize, entry: Entry) -> Result<SendMessageBatchRequestEntry, String> {
        // A group of its own for each: the order of notifications is of no matter, and groups are worked off in parallel.
        let key = self.fifo.then_some(entry.key);
        SendMessageBatchRequestEntry::builder()
            .id(position.to_string())
            .message_body(entry.body)
            .set_message_group_id(key.clone())
            .set_message_deduplication_id(key)
            .build()
            .map_err(|error| error.to_string())
    }
}

impl Queue for SqsQueue {
    async fn send(&self, batch: Vec<Entry>) -> Vec<Result<(), NotTaken>> {
        let size = batch.len();
        let entries: Result<Vec<_>, _> =
            batch.into_iter().enumerate().map(|(position, entry)| self.request(position, entry)).collect();
        let answer = match entries {
            Ok(entries) => {
                let call = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
                call.send().await.map_err(|error| {
                    tracing::warn!(error = detail(&error), size, "a call to SQS failed");
                    // Of several messages, nobody knows which it is about.
                    let alone = error.as_service_error().filter(|_| size == 1);
                    let fault = alone.map_or(Fault::Queue, |error| Fault::of_message(error.code(), error.message()));
                    NotTaken { reason: reason(&error), fault }
                })
            }
            Err(reason) => Err(NotTaken { reason, fault: Fault::Service }),
        };
        match answer {
            Ok(answer) => outcomes(size, &answer),
            Err(not_taken) => vec![Err(not_taken); size],
        }
    }
}

/// Tells of each message what SQS said of it. What SQS does not mention is not taken for queued.
fn outcomes(size: usize, answer: &SendMessageBatchOutput) -> Vec<Result<(), NotTaken>> {
    (0..size)
        .map(|position| {
            let id = position.to_string();
            if answer.successful().iter().any(|entry| entry.id() == id) {
                return Ok(());
            }
            match answer.failed().iter().find(|entry| entry.id() == id) {
                Some(failed) => Err(NotTaken::of_entry(failed)),
                None => Err(NotTaken { reason: "SQS said nothing of it".into(), fault: Fault::Queue }),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sqs::config::retry::RetryConfig;
    use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
    use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchResultEntry};

    fn queue(url: &str) -> SqsQueue {
        SqsQueue::new(
            Client::from_conf(Config::builder().behavior_version(BehaviorVersion::latest()).build()),
            url.into(),
        )
    }

    #[test]
    fn only_fifo_queues_get_a_group_and_a_deduplication_id() {
        let entry = Entry { body: "b".into(), key: "k".into() };
        let standard = queue("https://sqs.us-east-1.amazonaws.com/1/messages").request(3, entry.clone()).unwrap();
        assert_eq!(
            (standard.id(), standard.message_group_id(), standard.message_deduplication_id()),
            ("3", None, None)
        );
        let fifo = queue("https://sqs.us-east-1.amazonaws.com/1/messages.fifo").request(0, entry).unwrap();
        assert_eq!((fifo.message_group_id(), fifo.message_deduplication_id()), (Some("k"), Some("k")));
    }

    /// Answers one request with `answer`, and returns where.
    fn answering(answer: &'static str) -> String {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _read = stream.read(&mut [0; 65_536]).unwrap();
            let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/x-amz-json-1.0\r\nConnection: close";
            write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{answer}", answer.len()).unwrap();
        });
        url
    }

    #[tokio::test]
    async fn what_is_logged_of_an_error_holds_nothing_of_the_message() {
        let refused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let quoting =
            r#"{"__type":"com.amazonaws.sqs#InvalidMessageContents","message":"not allowed: to ada@example.org"}"#;
        let cases = [
            (answering(quoting), "InvalidMessageContents"),
            (answering("ada@example.org"), "an unknown error"),
            (format!("http://{refused}"), "it can't be reached: "),
            ("ada@example.org".into(), "it can't be reached"),
        ];
        for (url, expected) in cases {
            let config = Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(Credentials::new("test", "test", None, None, "test"))
                .retry_config(RetryConfig::disabled())
                .endpoint_url(&url)
                .build();
            let call =
                Client::from_conf(config).send_message().queue_url("u").message_body("to ada@example.org").send();
            let text = detail(&call.await.unwrap_err());
            assert!(text.starts_with(expected), "{url}: {text}");
            assert!(!text.contains("example.org"), "{text}");
        }
    }

    #[test]
    fn each_message_gets_what_was_said_of_it() {
        let taken =
            SendMessageBatchResultEntry::builder().id("0").message_id("m").md5_of_message_body("").build().unwrap();
        let failed =
            BatchResultErrorEntry::builder().id("2").code("InternalError").sender_fault(false).build().unwrap();
        let answer = SendMessageBatchOutput::builder().successful(taken).failed(failed).build().unwrap();
        let outcomes = outcomes(3, &answer);
        assert_eq!(outcomes[0], Ok(()));
        assert!(outcomes[1].is_err(), "nothing was said of it");
        assert_eq!(outcomes[2], Err(NotTaken { reason: "InternalError".into(), fault: Fault::Queue }));
    }
}
