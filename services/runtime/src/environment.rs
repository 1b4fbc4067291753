//! Configuration from the environment, read whole: every fault is found before anything starts.

use std::collections::BTreeMap;
use std::env;
use std::fmt::{self, Display, Formatter};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use axum::http::Uri;

use crate::secret::Secret;

/// The exit code of a service whose configuration is bad: `EX_USAGE` of sysexits.h.
pub const EXIT_USAGE: u8 = 64;

/// One variable that does not say what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}; write {expected}")]
pub struct Fault {
    /// The variable.
    pub name: &'static str,
    /// What is wrong with it, as a fragment that follows the name.
    pub problem: String,
    /// What to write.
    pub expected: String,
}

/// Everything that is wrong with the environment; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Returns the faults, in the order in which the variables were read.
    #[must_use]
    pub fn all(&self) -> &[Fault] {
        &self.0
    }
}

impl Display for Faults {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(f, "the environment has 1 fault:")?,
            count => write!(f, "the environment has {count} faults:")?,
        }
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

/// The environment of the process, and what was found wrong while it was read.
///
/// A variable that is set to nothing counts as not set, unless it is a secret.
#[derive(Debug)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    faults: Vec<Fault>,
}

impl Environment {
    /// Takes the environment of this process.
    #[must_use]
    pub fn from_process() -> Self {
        Self::from_pairs(
            env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok())),
        )
    }

    /// Takes the variables given, in place of those of this process.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let variables = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, faults: Vec::new() }
    }

    /// Reads a variable that must be set. `expected` says what to write; `parse` says what is wrong.
    ///
    /// `None` is a fault, which [`finish`](Self::finish) returns.
    pub fn required<T, E: Display>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if self.text(name).is_none() {
            self.fault(name, "is not set".into(), expected);
        }
        self.optional(name, expected, parse)
    }

    /// Reads a variable that may be set; one that is wrong is a fault, and `None` as well.
    pub fn optional<T, E: Display>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name)?.to_owned();
        match parse(&text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.fault(name, format!("is {text:?}: {problem}"), expected);
                None
            }
        }
    }

    /// Reads a whole number within `range`, or takes the default.
    pub fn number<T>(&mut self, name: &'static str, range: RangeInclusive<T>, default: T) -> T
    where
        T: FromStr<Err: Display> + PartialOrd + Display,
    {
        let expected = format!("a whole number from {} to {}, or nothing for {default}", range.start(), range.end());
        let parsed = self.optional(name, &expected, |text| {
            let number = text.parse::<T>().map_err(|error| error.to_string())?;
            if range.contains(&number) { Ok(number) } else { Err("it is out of range".to_owned()) }
        });
        parsed.unwrap_or(default)
    }

    /// Reads a whole number of seconds within `range`, or takes the default.
    pub fn seconds(&mut self, name: &'static str, range: RangeInclusive<u64>, default: u64) -> Duration {
        Duration::from_secs(self.number(name, range, default))
    }

    /// Reads a whole number of milliseconds within `range`, or takes the default.
    pub fn milliseconds(&mut self, name: &'static str, range: RangeInclusive<u64>, default: u64) -> Duration {
        Duration::from_millis(self.number(name, range, default))
    }

    /// Reads a secret, which may be left out. A fault in it does not show it.
    pub fn secret(&mut self, name: &'static str) -> Option<Secret> {
        let text = self.variables.get(name)?;
        // An empty secret is a mistake wherever it comes from, and must not pass for the choice to have none.
        let problem = match text.trim() {
            "" => "is empty",
            trimmed if trimmed.len() < text.len() => "begins or ends with white space",
            _ => return Some(Secret::new(text.clone())),
        };
        self.fault(name, problem.into(), "the secret alone, without a line's end; or leave the variable out");
        None
    }

    /// Adds a fault that only shows when variables are compared.
    pub fn fault(&mut self, name: &'static str, problem: String, expected: &str) {
        self.faults.push(Fault { name, problem, expected: expected.to_owned() });
    }

    /// Returns what was read, unless something is wrong with the environment.
    ///
    /// # Errors
    /// All faults at once.
    pub fn finish<T>(self, read: Option<T>) -> Result<T, Faults> {
        match read {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(Faults(self.faults)),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }
}

/// Checks that a text is the URL of an SQS queue, for [`Environment::required`].
///
/// # Errors
/// What is wrong with it.
pub fn queue_url(text: &str) -> Result<String, &'static str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else { return Err("it does not begin with https:// or http://") };
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    match path.rsplit_once('/') {
        Some((account, name)) if !account.is_empty() && !name.is_empty() => Ok(text.to_owned()),
        _ => Err("it does not end in an account and a queue"),
    }
}

/// What to write for the URL of a queue.
pub const QUEUE_URL: &str = "the URL of a queue, as in https://sqs.us-east-1.amazonaws.com/123456789012/messages";

/// Checks that a text is the URL of an endpoint, for [`Environment::optional`].
///
/// # Errors
/// What is wrong with it.
pub fn endpoint_url(text: &str) -> Result<String, &'static str> {
    let uri: Uri = text.parse().map_err(|_| "it is not a URL")?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("it does not begin with https:// or http://");
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err("it names no host");
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) || uri.query().is_some() {
        return Err("it has more than a host, a port and a path");
    }
    Ok(text.to_owned())
}

/// What to write for the URL of an endpoint.
pub const ENDPOINT_URL: &str = "the URL of an endpoint, as in http://127.0.0.1:4566, or nothing for AWS";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_listed_with_what_to_write() {
        let mut environment = Environment::from_pairs([
            ("QUEUE_URL", "messages"),
            ("PORT", "70000"),
            ("LIMIT", "0"),
            ("API_KEY", "hunter2\n"),
        ]);
        let queue = environment.required("QUEUE_URL", QUEUE_URL, queue_url);
        let sender = environment.required("SENDER", "an address", |text| Ok::<_, &str>(text.to_owned()));
        environment.number("PORT", 1_u16..=65535, 8080);
        environment.number("LIMIT", 1_u32..=10, 5);
        environment.secret("API_KEY");
        let faults = environment.finish(queue.zip(sender)).unwrap_err();
        let text = faults.to_string();
        assert!(
            text.starts_with("the environment has 5 faults:\n  QUEUE_URL is \"messages\": it does not begin"),
            "{text}"
        );
        assert!(text.contains("\n  SENDER is not set; write an address\n"), "{text}");
        assert!(text.contains("PORT is \"70000\": "), "{text}");
        assert!(
            text.contains("LIMIT is \"0\": it is out of range; write a whole number from 1 to 10, or nothing for 5"),
            "{text}"
        );
        assert!(text.contains("API_KEY begins or ends with white space"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn nothing_counts_as_not_set() {
        let mut environment = Environment::from_pairs([("PORT", "")]);
        assert_eq!(environment.number("PORT", 1_u16..=65535, 8080), 8080);
        assert_eq!(environment.secret("API_KEY"), None);
        assert_eq!(environment.finish(Some(1)).unwrap(), 1);
    }

    #[test]
    fn an_empty_secret_is_a_fault() {
        let mut environment = Environment::from_pairs([("API_KEY", "")]);
        assert_eq!(environment.secret("API_KEY"), None);
        assert!(environment.finish(Some(())).unwrap_err().to_string().contains("API_KEY is empty"));
    }

    #[test]
    fn endpoints_are_urls_of_http() {
        for good in ["http://127.0.0.1:4566", "https://sqs.eu-west-1.amazonaws.com", "http://[::1]:4566/", "http://a/b"]
        {
            assert_eq!(endpoint_url(good).unwrap(), good);
        }
        for bad in [
            "localhost:4566",
            "127.0.0.1",
            "ftp://a",
            "http://",
            "http:// a",
            "not a url",
            "http://u:p@a",
            "http://a?b",
        ] {
            assert!(endpoint_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn queues_are_told_by_their_urls() {
        for good in ["https://sqs.eu-west-1.amazonaws.com/1/a.fifo", "http://127.0.0.1:4566/000000000000/a"] {
            assert_eq!(queue_url(good).unwrap(), good);
        }
        for bad in ["", "arn:aws:sqs:us-east-1:1:a", "https://sqs", "https://sqs/", "https://sqs/1", "https://sqs/1/"] {
            assert!(queue_url(bad).is_err(), "{bad}");
        }
    }
}
