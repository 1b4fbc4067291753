//! What the sender is told by its environment.

use std::time::Duration;

use service_runtime::Environment;
use service_runtime::environment::{QUEUE_URL, queue_url};

use crate::sender::{SENDER, Sender};
use crate::sqs::is_fifo;

/// The settings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) queue_url: String,
    pub(crate) dead_letter_queue_url: String,
    pub(crate) sender_address: Sender,
    pub(crate) template_name: Option<String>,
    pub(crate) configuration_set: Option<String>,
    pub(crate) default_subject: String,
    /// Mails under way at once.
    pub(crate) concurrency: usize,
    /// Mails a second; none takes this task's share of the account's rate.
    pub(crate) send_rate: Option<f64>,
    /// Tasks that share the account's rate.
    pub(crate) workers: u32,
    /// How long a receive waits for messages.
    pub(crate) receive_wait: Duration,
    /// How long what was sent is remembered.
    pub(crate) remembered: Duration,
}

impl Settings {
    /// Reads the settings; `None` only when `environment` has a fault.
    pub(crate) fn read(environment: &mut Environment) -> Option<Self> {
        let url = environment.required("QUEUE_URL", QUEUE_URL, queue_url);
        let dead_letter_url = environment.required("DEAD_LETTER_QUEUE_URL", QUEUE_URL, queue_url);
        let sender_address = environment.required("SENDER_ADDRESS", SENDER, Sender::parse);
        let template_name = environment.optional("TEMPLATE_NAME", "the name of a template of SES", text);
        let configuration_set =
            environment.optional("CONFIGURATION_SET", "the name of a configuration set of SES", text);
        let default_subject = environment.optional("DEFAULT_SUBJECT", "one line of text", text);
        let concurrency = environment.number("CONCURRENCY", 1..=1000, 16);
        let send_rate = environment.optional("SEND_RATE", "mails a second, from 0.1 to 10000, as in 14 or 0.5", rate);
        let workers = environment.number("WORKERS", 1..=1000, 1);
        let receive_wait = environment.seconds("RECEIVE_WAIT_SECONDS", 1..=20, 20);
        let remembered = environment.seconds("DEDUPLICATION_SECONDS", 60..=86_400, 3600);
        if let (Some(url), Some(dead_letter_url)) = (&url, &dead_letter_url) {
            let expected = "the URL of another queue of the same kind (both FIFO, or both not)";
            if url == dead_letter_url {
                environment.fault("DEAD_LETTER_QUEUE_URL", "is the same as QUEUE_URL".into(), expected);
            } else if is_fifo(url) != is_fifo(dead_letter_url) {
                environment.fault("DEAD_LETTER_QUEUE_URL", "is not of the kind of QUEUE_URL".into(), expected);
            }
        }
        Some(Self {
            queue_url: url?,
            dead_letter_queue_url: dead_letter_url?,
            sender_address: sender_address?,
            template_name,
            configuration_set,
            default_subject: default_subject.unwrap_or_else(|| "Notification".into()),
            concurrency,
            send_rate,
            workers,
            receive_wait,
            remembered,
        })
    }
}

/// Returns a text that is one line.
fn text(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() || text.contains(char::is_control) {
        return Err("it is not one line of text");
    }
    Ok(text.to_owned())
}

fn rate(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(rate) if (0.1..=10_000.0).contains(&rate) => Ok(rate),
        Ok(_) => Err("it is out of range"),
        Err(_) => Err("it is not a number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: [(&str, &str); 3] = [
        ("QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/1/messages"),
        ("DEAD_LETTER_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/1/messages-dead"),
        ("SENDER_ADDRESS", "Notices <no-reply@example.org>"),
    ];

    fn read(more: &[(&'static str, &'static str)]) -> Result<Settings, Vec<&'static str>> {
        let mut environment = Environment::from_pairs(LEAST.into_iter().chain(more.iter().copied()));
        let read = Settings::read(&mut environment);
        environment.finish(read).map_err(|faults| faults.all().iter().map(|fault| fault.name).collect())
    }

    #[test]
    fn two_queues_and_a_sender_are_enough() {
        let settings = read(&[]).unwrap();
        assert_eq!((settings.concurrency, settings.workers, settings.send_rate), (16, 1, None));
        assert_eq!(settings.receive_wait.as_secs(), 20);
        assert_eq!(settings.default_subject, "Notification");
    }

    #[test]
    fn all_faults_are_found_at_once() {
        let faults = read(&[
            ("SENDER_ADDRESS", "grüße@example.org"),
            ("DEFAULT_SUBJECT", "a\r\nBcc: everybody@example.org"),
            ("CONCURRENCY", "0"),
            ("SEND_RATE", "NaN"),
            ("WORKERS", "none"),
            ("RECEIVE_WAIT_SECONDS", "21"),
            ("DEDUPLICATION_SECONDS", "1"),
            ("DEAD_LETTER_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/1/dead.fifo"),
        ]);
        let expected = [
            "SENDER_ADDRESS",
            "DEFAULT_SUBJECT",
            "CONCURRENCY",
            "SEND_RATE",
            "WORKERS",
            "RECEIVE_WAIT_SECONDS",
            "DEDUPLICATION_SECONDS",
            "DEAD_LETTER_QUEUE_URL",
        ];
        assert_eq!(faults.unwrap_err(), expected);
        assert_eq!(read(&[("DEAD_LETTER_QUEUE_URL", LEAST[0].1)]).unwrap_err(), ["DEAD_LETTER_QUEUE_URL"]);
    }
}
