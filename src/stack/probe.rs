//! `probe`: how the availability of what a stack serves is watched while it is applied.

use std::collections::BTreeMap;
use std::time::Duration;

use super::document;
use super::expression::{Template, Tree};
use super::suggest;
use super::units::{self, Wrong};
use crate::diagnostic::{Diagnostic, Span};
use crate::value::Value;

/// All words of `probe`.
pub(super) const KEYS: [&str; 8] = ["url", "every", "timeout", "method", "expect", "slo", "before", "after"];
const EXPECT_KEYS: [&str; 2] = ["status", "body"];
/// The methods that change nothing, so that checking may be done at any time.
pub(super) const METHODS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
/// More checks than this a second are a load, not a watch.
const SHORTEST: Duration = Duration::from_millis(10);

/// What is checked while a stack is applied, how often, and how much of it may fail.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// What is asked; `None` while it is not known.
    pub url: Option<String>,
    /// From the beginning of one check to that of the next.
    pub every: Duration,
    /// After what time a check has failed.
    pub timeout: Duration,
    /// `GET`, `HEAD` or `OPTIONS`.
    pub method: String,
    /// What the answer's status must be.
    pub status: u16,
    /// What the answer's body must hold.
    pub body: Option<String>,
    /// The availability, in percent, below which an apply has failed.
    pub slo: Option<f64>,
    /// How long is watched before anything is changed.
    pub before: Duration,
    /// How long is watched after everything is changed.
    pub after: Duration,
}

impl Probe {
    /// A probe of `url` with all else as where the stack says nothing.
    pub fn of(url: Option<String>) -> Self {
        Self {
            url,
            every: Duration::from_secs(1),
            timeout: Duration::from_secs(5),
            method: "GET".to_owned(),
            status: 200,
            body: None,
            slo: None,
            before: Duration::from_secs(10),
            after: Duration::from_secs(30),
        }
    }
}

/// Checks what can be told of `probe` without evaluating anything.
pub(super) fn check(probe: &document::Probe, errors: &mut Vec<Diagnostic>) {
    read(probe, |template| Ok(template.constant().unwrap_or(Value::Unknown)), errors);
}

/// What `probe` comes to; what is wrong is added to `errors`, and as if it were not given.
pub(super) fn read(
    probe: &document::Probe,
    evaluate: impl Fn(&Template) -> Result<Value, Diagnostic>,
    errors: &mut Vec<Diagnostic>,
) -> Probe {
    let mut words = Words { found: BTreeMap::new(), errors };
    if let Tree::Map(entries) = &probe.settings.tree {
        for (name, _, template) in entries {
            match evaluate(template) {
                Ok(Value::Null) => {}
                Ok(value) if value.has_secret() => {
                    let error = Diagnostic::error(&template.span, "`probe` can't be secret: it shows in the report");
                    words.errors.push(error);
                }
                Ok(value) => drop(words.found.insert(name, (&template.span, value))),
                Err(error) => words.errors.push(error),
            }
        }
    }
    if probe.settings.entry("url").is_none() {
        let error = Diagnostic::error(&probe.span, "`probe` has no `url`");
        words.errors.push(error.help("as in `probe: { url: \"http://${Api.dns_name}/health\", slo: 99.9 }`"));
    }
    words.probe()
}

struct Words<'t, 'e> {
    found: BTreeMap<&'t str, (&'t Span, Value)>,
    errors: &'e mut Vec<Diagnostic>,
}

impl Words<'_, '_> {
    fn probe(mut self) -> Probe {
        let default = Probe::of(None);
        let length = |what: &str, value: &Value| units::duration(what, value);
        let some_time = |what: &str, value: &Value| match units::duration(what, value)? {
            short if short < SHORTEST => {
                Err(Wrong::new(format!("`{what}` can't be {}", units::text_of(value)), "at least `10ms`"))
            }
            time => Ok(time),
        };
        let (status, body) = self.read("expect", expect).unwrap_or((None, None));
        Probe {
            url: self.read("url", url),
            every: self.read("every", some_time).unwrap_or(default.every),
            timeout: self.read("timeout", some_time).unwrap_or(default.timeout),
            method: self.read("method", method).unwrap_or(default.method),
            status: status.unwrap_or(default.status),
            body,
            slo: self.read("slo", |what, value| units::percent(what, value, 0.0, 100.0)),
            before: self.read("before", length).unwrap_or(default.before),
            after: self.read("after", length).unwrap_or(default.after),
        }
    }

    fn read<T>(&mut self, name: &str, read: impl Fn(&str, &Value) -> Result<T, Wrong>) -> Option<T> {
        let (span, value) = self.found.get(name)?;
        if !value.is_known() {
            return None;
        }
        match read(name, value) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.errors.push(Diagnostic::error(span, wrong.message).help(wrong.help));
                None
            }
        }
    }
}

fn url(what: &str, value: &Value) -> Result<String, Wrong> {
    let text = value.as_str().unwrap_or_default();
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !text.contains(char::is_whitespace) => {
            Ok(text.to_owned())
        }
        _ => {
            let help = "as in `http://${Api.dns_name}/health`";
            Err(Wrong::new(format!("`{what}` is an http or https URL, and {} is none", units::text_of(value)), help))
        }
    }
}

fn method(_: &str, value: &Value) -> Result<String, Wrong> {
    let word = value.as_str().unwrap_or_default().to_uppercase();
    if METHODS.contains(&word.as_str()) {
        return Ok(word);
    }
    let help = format!("{}, which change nothing", suggest::list(METHODS));
    Err(Wrong::new(format!("a probe can't use {}", units::text_of(value)), help))
}

fn expect(_: &str, value: &Value) -> Result<(Option<u16>, Option<String>), Wrong> {
    const HELP: &str = "a status, as in `200`, or `{ status: 200, body: ok }`";
    let status = |value: &Value| match value {
        Value::Int(status) if (100..=599).contains(status) => Ok(u16::try_from(*status).ok()),
        other => Err(Wrong::new(format!("{} is no status", units::text_of(other)), HELP)),
    };
    let Value::Map(map) = value else { return Ok((status(value)?, None)) };
    if let Some(key) = map.keys().find(|key| !EXPECT_KEYS.contains(&key.as_str())) {
        let help = suggest::help(key, EXPECT_KEYS, || Some(HELP.to_owned()));
        return Err(Wrong::new(format!("`expect` has no key `{key}`"), help.unwrap_or_default()));
    }
    let body = match map.get("body") {
        None => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => return Err(Wrong::new(format!("{} is no text of a body", units::text_of(other)), HELP)),
    };
    Ok((map.get("status").map(status).transpose()?.flatten(), body))
}
