//! Logs: one JSON object a line on standard output.

use std::backtrace::Backtrace;
use std::io;
use std::panic;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// What is logged when `LOG_LEVEL` says nothing.
pub const DEFAULT_LEVEL: &str = "info";
/// What to write for `LOG_LEVEL`.
pub const LEVEL: &str = "error, warn, info, debug or trace, also by module as in info,aws_config=debug";

/// Checks a level, for [`Environment::optional`](crate::Environment::optional).
///
/// # Errors
/// When it is none.
pub fn level(text: &str) -> Result<String, ParseError> {
    EnvFilter::builder().parse(text).map(|_| text.to_owned())
}

/// Starts to log, panics included. A second call in one process changes nothing.
pub fn start(level: &str) {
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(EnvFilter::new(level))
        .with_writer(io::stdout)
        .finish();
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        return;
    }
    // The default hook writes several lines that are no JSON.
    panic::set_hook(Box::new(|panic| {
        let backtrace = Backtrace::capture();
        tracing::error!(panic = %panic, %backtrace, "panicked");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_checked() {
        for good in ["info", "WARN", "info,aws_config=debug"] {
            assert!(level(good).is_ok(), "{good}");
        }
        assert!(level("info,=,loud=very").is_err());
    }
}
