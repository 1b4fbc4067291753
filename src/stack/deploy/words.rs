//! The words of `deploy` → what they come to.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{BREAKER_KEYS, Deployment, STRATEGIES};
use crate::cloud::Patience;
use crate::diagnostic::{Diagnostic, Span};
use crate::stack::document::Deploy;
use crate::stack::expression::{Template, Tree};
use crate::stack::suggest;
use crate::stack::units::{self, Wrong};
use crate::value::Value;

/// What `deploy` comes to, with `value` evaluating its words; what is wrong is added to `errors`, and left out.
pub(super) fn translate(
    deploy: &Deploy,
    value: impl Fn(&Template) -> Value,
    errors: &mut Vec<Diagnostic>,
) -> Deployment {
    let mut words = Words { found: BTreeMap::new(), errors };
    if let Tree::Map(entries) = &deploy.settings.tree {
        for (name, span, template) in entries {
            match value(template) {
                Value::Null => {}
                value => drop(words.found.insert(name, Word { span, value_span: &template.span, value })),
            }
        }
    }
    words.translate()
}

/// A word with its value.
struct Word<'t> {
    span: &'t Span,
    value_span: &'t Span,
    value: Value,
}

struct Words<'t, 'e> {
    found: BTreeMap<&'t str, Word<'t>>,
    errors: &'e mut Vec<Diagnostic>,
}

impl Words<'_, '_> {
    fn translate(mut self) -> Deployment {
        let strategy = self.strategy();
        self.fits_strategy(strategy.as_ref());
        let patience = Patience {
            wait: !matches!(self.read("wait", units::boolean), Some(Value::Bool(false))),
            timeout: self.timeout(),
        };
        let rollback = self.read("rollback", units::boolean).unwrap_or(Value::Bool(true));
        let minutes = |what: &str, value: &Value| units::minutes(what, value);
        let mut properties = Vec::new();
        let mut add = |path, value: Option<Value>| properties.extend(value.map(|value| (path, value)));
        add("Strategy", strategy);
        add(
            "MinimumHealthyPercent",
            self.read("minimum_healthy", |what, value| units::whole_percent(what, value, 0.0, 100.0)),
        );
        add(
            "MaximumPercent",
            self.read("maximum", |what, value| units::whole_percent(what, value, 100.0, f64::INFINITY)),
        );
        add("DeploymentCircuitBreaker", self.breaker(&rollback));
        add("BakeTimeInMinutes", self.read("bake_time", minutes));
        let percent = |what: &str, value: &Value| units::percent(what, value, 3.0, 100.0).map(number);
        add("LinearConfiguration.StepPercent", self.read("step", percent));
        add("LinearConfiguration.StepBakeTimeInMinutes", self.read("step_interval", minutes));
        let percent = |what: &str, value: &Value| units::percent(what, value, 0.1, 100.0).map(number);
        add("CanaryConfiguration.CanaryPercent", self.read("canary", percent));
        add("CanaryConfiguration.CanaryBakeTimeInMinutes", self.read("canary_interval", minutes));
        add("Alarms", self.alarms(&rollback));
        Deployment { patience, properties }
    }

    /// The value of a word as `read` takes it; unknown where it is, nothing where it is not given or wrong.
    fn read<T: Into<Value>>(&mut self, name: &str, read: impl Fn(&str, &Value) -> Result<T, Wrong>) -> Option<Value> {
        let word = self.found.get(name)?;
        if matches!(word.value, Value::Unknown) {
            return Some(Value::Unknown);
        }
        match read(name, &word.value) {
            Ok(value) => Some(value.into()),
            Err(wrong) => {
                self.errors.push(Diagnostic::error(word.value_span, wrong.message).help(wrong.help));
                None
            }
        }
    }

    fn timeout(&mut self) -> Option<Duration> {
        let word = self.found.get("timeout").filter(|word| !matches!(word.value, Value::Unknown))?;
        match units::duration("timeout", &word.value) {
            Ok(timeout) if !timeout.is_zero() => Some(timeout),
            Ok(_) => {
                let error = Diagnostic::error(word.value_span, "`timeout` can't be nothing");
                self.errors.push(error.help("`wait: false` does not wait at all"));
                None
            }
            Err(wrong) => {
                self.errors.push(Diagnostic::error(word.value_span, wrong.message).help(wrong.help));
                None
            }
        }
    }

    fn strategy(&mut self) -> Option<Value> {
        self.read("strategy", |_, value| {
            let word = value.as_str().unwrap_or_default();
            if STRATEGIES.contains(&word) {
                return Ok(word.to_uppercase());
            }
            let help = suggest::help(word, STRATEGIES, || Some(format!("it is {}", suggest::list(STRATEGIES))));
            Err(Wrong::new(format!("there is no strategy {}", units::text_of(value)), help.unwrap_or_default()))
        })
    }

    /// Reports words that mean nothing for the strategy.
    fn fits_strategy(&mut self, strategy: Option<&Value>) {
        let strategy = match strategy {
            Some(Value::String(strategy)) => strategy.to_lowercase(),
            // A wrong one is told as that.
            None if !self.found.contains_key("strategy") => "rolling".to_owned(),
            _ => return,
        };
        let needs: [(&str, &[&str]); 5] = [
            ("bake_time", &["blue_green", "linear", "canary"]),
            ("step", &["linear"]),
            ("step_interval", &["linear"]),
            ("canary", &["canary"]),
            ("canary_interval", &["canary"]),
        ];
        for (name, strategies) in needs {
            if let Some(word) = self.found.get(name).filter(|_| !strategies.contains(&strategy.as_str())) {
                let message = format!("`{name}` means nothing for the strategy `{strategy}`");
                let help = format!("it is for {}", suggest::list(strategies.iter().copied()));
                self.errors.push(Diagnostic::error(word.span, message).help(help));
            }
        }
    }

    fn breaker(&mut self, rollback: &Value) -> Option<Value> {
        let word = self.found.get("circuit_breaker")?;
        let mut breaker = BTreeMap::from([("Enable".to_owned(), Value::Bool(true))]);
        let mut wrong = Vec::new();
        let given = match &word.value {
            Value::Unknown => return Some(Value::Unknown),
            Value::Bool(false) => {
                breaker.insert("Enable".to_owned(), Value::Bool(false));
                breaker.insert("Rollback".to_owned(), Value::Bool(false));
                return Some(Value::Map(breaker));
            }
            Value::Bool(true) => BTreeMap::new(),
            Value::Map(map) => map.clone(),
            other => {
                let message = format!("`circuit_breaker` can't be {}", units::text_of(other));
                let help = "`true`, `false`, or as in `{ threshold: 3, rollback: true }`";
                self.errors.push(Diagnostic::error(word.value_span, message).help(help));
                return None;
            }
        };
        for key in given.keys().filter(|key| !BREAKER_KEYS.contains(&key.as_str())) {
            let help = suggest::help(key, BREAKER_KEYS, || Some(format!("it takes {}", suggest::list(BREAKER_KEYS))));
            wrong.push(Wrong::new(format!("`circuit_breaker` has no key `{key}`"), help.unwrap_or_default()));
        }
        let mut flag = |key: &str| match given.get(key) {
            None => None,
            Some(Value::Unknown) => Some(Value::Unknown),
            Some(value) => units::boolean(key, value).map_err(|problem| wrong.push(problem)).ok().map(Value::Bool),
        };
        breaker.insert("Rollback".to_owned(), flag("rollback").unwrap_or_else(|| rollback.clone()));
        breaker.extend(flag("reset_on_healthy_task").map(|reset| ("ResetOnHealthyTask".to_owned(), reset)));
        if let Some(value) = given.get("threshold") {
            match threshold(value) {
                Ok(threshold) => drop(breaker.insert("ThresholdConfiguration".to_owned(), threshold)),
                Err(problem) => wrong.push(problem),
            }
        }
        self.errors
            .extend(wrong.into_iter().map(|wrong| Diagnostic::error(word.value_span, wrong.message).help(wrong.help)));
        Some(Value::Map(breaker))
    }

    fn alarms(&mut self, rollback: &Value) -> Option<Value> {
        let names = self.read("alarms", |_, value| {
            let texts = value.as_list().is_some_and(|names| {
                !names.is_empty() && names.iter().all(|name| matches!(name, Value::String(_) | Value::Unknown))
            });
            let wrong =
                || Wrong::new("`alarms` is a list of names of alarms", "as in `[\"${ServerErrors.AlarmName}\"]`");
            texts.then(|| value.clone()).ok_or_else(wrong)
        })?;
        let entries = [("AlarmNames", names), ("Enable", Value::Bool(true)), ("Rollback", rollback.clone())];
        Some(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

fn threshold(value: &Value) -> Result<Value, Wrong> {
    let (kind, value) = match value {
        Value::Unknown => return Ok(Value::Unknown),
        Value::Int(count) if (1..=i64::from(i32::MAX)).contains(count) => ("COUNT", *count),
        Value::String(_) => ("BOUNDED_PERCENT", units::whole_percent("threshold", value, 1.0, 100.0)?),
        other => {
            let message = format!("`threshold` can't be {}", units::text_of(other));
            return Err(Wrong::new(message, "a number of failed tasks, as in `3`, or a share, as in `\"25%\"`"));
        }
    };
    Ok([("Type", Value::from(kind)), ("Value", Value::Int(value))]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect())
}

/// A number as a stack would write it, so that 10 is no other value than 10.0.
fn number(number: f64) -> Value {
    if number.fract() == 0.0 { Value::Int(number as i64) } else { Value::Float(number) }
}
