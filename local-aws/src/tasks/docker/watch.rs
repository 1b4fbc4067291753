//! Follows a container that runs: its lines, its health, its end.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::query_parameters::{EventsOptionsBuilder, LogsOptionsBuilder, WaitContainerOptionsBuilder};
use futures::StreamExt;
use tokio::sync::mpsc;

use super::engine::Engine;
use crate::tasks::logs::{LONGEST_LINE, LogStream};

/// How long the last lines of a container that has ended may take to come.
const LAST_LINES: Duration = Duration::from_secs(5);
/// Between two attempts at what the engine broke off.
const PAUSE: Duration = Duration::from_millis(200);

/// What happens to a container.
#[derive(Debug)]
pub(super) enum Happening {
    /// Its health check has another result.
    Health(bool),
    /// It has ended, and all its lines are sent.
    Ended { exit_code: Option<i64>, reason: Option<String> },
}

/// Follows the container `id`, and tells of it with its `index`, until it has ended.
pub(super) async fn follow(
    engine: Arc<Engine>,
    id: String,
    index: usize,
    checked: bool,
    log: Option<LogStream>,
    tell: mpsc::UnboundedSender<(usize, Happening)>,
) {
    let lines = tokio::spawn(copy_lines(Arc::clone(&engine), id.clone(), log));
    let health = async {
        if checked {
            watch_health(&engine, &id, index, &tell).await;
        }
        std::future::pending::<()>().await;
    };
    let (exit_code, reason) = tokio::select! {
        ended = end(&engine, &id) => ended,
        () = health => (None, None),
    };
    let _late_lines_are_lost = tokio::time::timeout(LAST_LINES, lines).await;
    let _nobody_listens = tell.send((index, Happening::Ended { exit_code, reason }));
}

/// Waits for the end of a container; returns its exit code and, where ECS has a word for it, why.
async fn end(engine: &Engine, id: &str) -> (Option<i64>, Option<String>) {
    loop {
        let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
        let mut waited = pin!(engine.docker.wait_container(id, Some(options)));
        match waited.next().await {
            Some(Ok(_) | Err(Error::DockerContainerWaitError { .. })) => break,
            Some(Err(Error::DockerResponseServerError { status_code: 404, .. })) => return (None, None),
            Some(Err(_)) | None => tokio::time::sleep(PAUSE).await,
        }
    }
    let inspected = engine.docker.inspect_container(id, None).await;
    let Some(state) = inspected.ok().and_then(|container| container.state) else { return (None, None) };
    let killed = state.oom_killed == Some(true);
    (state.exit_code, killed.then(|| "OutOfMemoryError: Container killed due to memory usage".to_owned()))
}

/// Tells of each new result of a container's health check.
async fn watch_health(engine: &Engine, id: &str, index: usize, tell: &mpsc::UnboundedSender<(usize, Happening)>) {
    let filters = HashMap::from([("container", vec![id]), ("event", vec!["health_status"])]);
    let mut last = None;
    loop {
        // In whole seconds: what comes before the engine listens is told too.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
        let options = EventsOptionsBuilder::default().since(&since).filters(&filters).build();
        let mut events = pin!(engine.docker.events(Some(options)));
        while let Some(Ok(event)) = events.next().await {
            let healthy = match event.action.as_deref().and_then(|action| action.strip_prefix("health_status: ")) {
                Some("healthy") => true,
                Some("unhealthy") => false,
                _ => continue,
            };
            if last.replace(healthy) != Some(healthy) {
                let _nobody_listens = tell.send((index, Happening::Health(healthy)));
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Takes the lines of a container to its log stream, until it has ended.
async fn copy_lines(engine: Arc<Engine>, id: String, log: Option<LogStream>) {
    let Some(log) = log else { return };
    let options = LogsOptionsBuilder::default().follow(true).stdout(true).stderr(true).build();
    let mut output = pin!(engine.docker.logs(&id, Some(options)));
    let (mut out, mut err) = (Lines::default(), Lines::default());
    while let Some(Ok(part)) = output.next().await {
        let lines = if matches!(part, LogOutput::StdErr { .. }) { &mut err } else { &mut out };
        lines.take(part.as_ref(), |line| log.write(line));
    }
    out.finish(|line| log.write(line));
    err.finish(|line| log.write(line));
    log.close().await;
}

/// Puts together what comes in parts.
#[derive(Debug, Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn take(&mut self, part: &[u8], mut each: impl FnMut(String)) {
        for piece in part.split_inclusive(|byte| *byte == b'\n') {
            self.0.extend_from_slice(piece);
            if self.0.ends_with(b"\n") || self.0.len() >= LONGEST_LINE {
                self.finish(&mut each);
            }
        }
    }

    fn finish(&mut self, mut each: impl FnMut(String)) {
        let bytes = std::mem::take(&mut self.0);
        let text = String::from_utf8_lossy(&bytes);
        each(text.trim_end_matches(['\r', '\n']).to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn lines_are_whole_however_they_come() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for part in ["one\ntw", "o", "\r\n\nlast"] {
            lines.take(part.as_bytes(), |line| seen.push(line));
        }
        lines.finish(|line| seen.push(line));
        assert_eq!(seen, ["one", "two", "", "last"]);
    }
}
