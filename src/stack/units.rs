//! Values with a unit: durations such as `30m`, shares such as `50%`.

use std::time::Duration;

use super::expression::article;
use crate::value::Value;

/// What is wrong with a value, and what to write instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) help: String,
}

impl Wrong {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }

    fn kind(what: &str, wanted: &str, value: &Value, help: &str) -> Self {
        Self::new(format!("`{what}` is {wanted}, not {}", article(value.kind())), help)
    }
}

/// A length of time, `90s`, `30m`, `1h 30m`.
pub(super) fn duration(what: &str, value: &Value) -> Result<Duration, Wrong> {
    const HELP: &str = "a number with its unit, as in `90s`, `30m` or `1h 30m`";
    let Value::String(text) = value else { return Err(Wrong::kind(what, "a duration", value, HELP)) };
    let parsed = text.trim().parse::<jiff::SignedDuration>().ok();
    parsed
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| Wrong::new(format!("`{what}` is a duration, and {text:?} is none"), HELP))
}

/// A duration in whole minutes, of which AWS takes at most a day.
pub(super) fn minutes(what: &str, value: &Value) -> Result<i64, Wrong> {
    let seconds = duration(what, value)?.as_secs_f64();
    if seconds % 60.0 != 0.0 || seconds > 86_400.0 {
        return Err(Wrong::new(
            format!("`{what}` can't be {}", text_of(value)),
            "AWS takes whole minutes, at most 24h",
        ));
    }
    Ok((seconds / 60.0) as i64)
}

/// A share in percent, `50` or `50%`, within bounds.
pub(super) fn percent(what: &str, value: &Value, least: f64, most: f64) -> Result<f64, Wrong> {
    let help = match most.is_finite() {
        true => format!("a number of percent from {least} to {most}, as in `50` or `\"50%\"`"),
        false => format!("a number of percent, at least {least}"),
    };
    let number = match value {
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        Value::String(text) => {
            let number = text.trim().strip_suffix('%').and_then(|number| number.trim().parse().ok());
            number.ok_or_else(|| Wrong::new(format!("`{what}` is a share in percent, and {text:?} is none"), &help))?
        }
        other => return Err(Wrong::kind(what, "a share in percent", other, &help)),
    };
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    Err(Wrong::new(format!("`{what}` can't be {}", text_of(value)), help))
}

/// A share in whole percent.
pub(super) fn whole_percent(what: &str, value: &Value, least: f64, most: f64) -> Result<i64, Wrong> {
    let number = percent(what, value, least, most)?;
    if number.fract() == 0.0 && number <= f64::from(i32::MAX) {
        return Ok(number as i64);
    }
    Err(Wrong::new(format!("`{what}` can't be {}", text_of(value)), "AWS takes whole percent"))
}

pub(super) fn boolean(what: &str, value: &Value) -> Result<bool, Wrong> {
    match value {
        Value::Bool(value) => Ok(*value),
        other => Err(Wrong::kind(what, "a boolean", other, "`true` or `false`")),
    }
}

pub(super) fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| format!("{value:?}"), |text| format!("{text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        let seconds = |text: &str| duration("timeout", &Value::from(text)).map(|duration| duration.as_secs());
        for (text, expected) in [("90s", 90), ("30m", 1800), ("1h 30m", 5400), ("1h30m", 5400), ("0s", 0)] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["30", "soon", "-5m", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert!(duration("timeout", &Value::Int(30)).is_err(), "thirty of what?");
    }

    #[test]
    fn minutes_are_whole_and_at_most_a_day() {
        assert_eq!(minutes("bake_time", &Value::from("5m")), Ok(5));
        assert_eq!(minutes("bake_time", &Value::from("24h")), Ok(1440));
        for text in ["90s", "25h", "500ms"] {
            assert!(minutes("bake_time", &Value::from(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_stand_with_and_without_their_sign() {
        assert_eq!(percent("step", &Value::Float(12.5), 3.0, 100.0), Ok(12.5));
        assert_eq!(whole_percent("maximum", &Value::from("150 %"), 100.0, f64::INFINITY), Ok(150));
        for value in [Value::from("half"), Value::from("50"), Value::Int(101), Value::Int(-1), Value::Bool(true)] {
            assert!(percent("step", &value, 0.0, 100.0).is_err(), "{value:?}");
        }
        assert!(whole_percent("maximum", &Value::Float(150.5), 100.0, 200.0).is_err());
    }
}
