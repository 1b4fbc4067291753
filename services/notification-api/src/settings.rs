//! What the API is told by its environment.

use std::time::Duration;

use email_address::EmailAddress;
use service_runtime::address::address;
use service_runtime::environment::{QUEUE_URL, queue_url};
use service_runtime::{Environment, Secret};

/// The settings, with `Default`s only in the reading.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The queue.
    pub queue_url: String,
    /// What callers of `/send-notification` present; anybody may call it when there is none.
    pub api_key: Option<Secret>,
    /// Where a notification goes that names nobody.
    pub default_recipient: Option<EmailAddress>,
    /// The bounds of a batch.
    pub batch: BatchSettings,
    /// Requests to `/send-notification` that are served at once; more are turned away.
    pub max_concurrency: usize,
    /// Bytes of notifications that are in memory at once; what comes beyond is turned away.
    pub max_bytes_in_flight: u32,
    /// How long a request may take, until it is answered one way or the other.
    pub request_timeout: Duration,
    /// How long it does not count as healthy after its start.
    pub warm_up: Duration,
    /// How long new connections are taken after the service was asked to end.
    pub drain: Duration,
}

/// How notifications are coalesced.
#[derive(Debug, Clone, Copy)]
pub struct BatchSettings {
    /// How long a notification waits for others while a call to SQS is under way.
    pub linger: Duration,
    /// Calls to SQS that may be under way at once.
    pub in_flight: usize,
    /// Bytes of a batch, and so of a message and a request's body.
    pub max_bytes: usize,
    /// Notifications that may wait; more are turned away.
    pub depth: usize,
}

impl Settings {
    /// Reads the settings; `None` only when `environment` has a fault.
    pub fn read(environment: &mut Environment) -> Option<Self> {
        let url = environment.required("QUEUE_URL", QUEUE_URL, queue_url);
        let api_key = environment.secret("API_KEY");
        let default_recipient = environment.optional("DEFAULT_RECIPIENT", "an e-mail address", address);
        // More than 5 ms are never added to a request.
        let linger = environment.milliseconds("BATCH_LINGER_MS", 0..=5, 3);
        let in_flight = environment.number("BATCHES_IN_FLIGHT", 1..=256, 32);
        // SQS takes 1 MiB since 2025, of a message and of a batch alike.
        let max_bytes = environment.number("MAX_MESSAGE_BYTES", 1024..=1_048_576, 262_144);
        let max_concurrency = environment.number("MAX_CONCURRENCY", 1..=100_000, 1000);
        // Not less than the largest message may have, so that one always fits.
        let max_bytes_in_flight = environment.number("MAX_BYTES_IN_FLIGHT", 1_048_576..=1_073_741_824, 67_108_864);
        let request_timeout = environment.seconds("REQUEST_TIMEOUT_SECONDS", 1..=60, 10);
        // The health check of the container begins to count after 10 s, and gives up after the third failure, at 40 s at the latest.
        let warm_up = environment.seconds("WARM_UP_SECONDS", 0..=30, 5);
        let drain = environment.seconds("DRAIN_SECONDS", 0..=110, 5);
        Some(Self {
            queue_url: url?,
            api_key,
            default_recipient,
            batch: BatchSettings { linger, in_flight, max_bytes, depth: max_concurrency },
            max_concurrency,
            max_bytes_in_flight,
            request_timeout,
            warm_up,
            drain,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_enough() {
        let mut environment =
            Environment::from_pairs([("QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/1/messages")]);
        let read = Settings::read(&mut environment);
        let settings = environment.finish(read).unwrap();
        assert!(settings.api_key.is_none() && settings.default_recipient.is_none());
        assert_eq!(settings.batch.linger, Duration::from_millis(3));
    }

    #[test]
    fn all_faults_are_found_at_once_and_the_key_is_not_shown() {
        let mut environment = Environment::from_pairs([
            ("API_KEY", " hunter2"),
            ("DEFAULT_RECIPIENT", "nobody"),
            ("BATCH_LINGER_MS", "6"),
            ("BATCHES_IN_FLIGHT", "0"),
            ("MAX_MESSAGE_BYTES", "1MiB"),
            ("MAX_CONCURRENCY", "-1"),
            ("MAX_BYTES_IN_FLIGHT", "1048575"),
            ("REQUEST_TIMEOUT_SECONDS", "61"),
            ("WARM_UP_SECONDS", "31"),
            ("DRAIN_SECONDS", "soon"),
        ]);
        let read = Settings::read(&mut environment);
        let faults = environment.finish(read).unwrap_err();
        let names: Vec<_> = faults.all().iter().map(|fault| fault.name).collect();
        assert_eq!(
            names,
            [
                "QUEUE_URL",
                "API_KEY",
                "DEFAULT_RECIPIENT",
                "BATCH_LINGER_MS",
                "BATCHES_IN_FLIGHT",
                "MAX_MESSAGE_BYTES",
                "MAX_CONCURRENCY",
                "MAX_BYTES_IN_FLIGHT",
                "REQUEST_TIMEOUT_SECONDS",
                "WARM_UP_SECONDS",
                "DRAIN_SECONDS"
            ]
        );
        assert!(!faults.to_string().contains("hunter2"));
    }
}
