//! The colours and symbols that plans, progress and messages share.

use std::fmt;

use anstyle::{AnsiColor, Style};

use crate::apply::Activity;
use crate::plan::{Action, Step};

pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const CYAN: Style = AnsiColor::Cyan.on_default();
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();

/// Text in a style; the stream it goes to takes the style out where there is no terminal.
pub(super) fn paint<T: fmt::Display>(style: Style, text: T) -> Painted<T> {
    Painted { style, text }
}

pub(super) struct Painted<T> {
    style: Style,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.style.render(), self.text, self.style.render_reset())
    }
}

/// The symbol of a step, in its colour.
pub(super) fn symbol(step: &Step) -> (&'static str, Style) {
    match step.action {
        Action::Create => ("+", GREEN),
        Action::Update => ("~", YELLOW),
        Action::Replace | Action::ReplaceDeleteFirst => ("±", RED),
        Action::Delete => ("-", RED),
        Action::Forget => ("×", CYAN),
        Action::Recover => ("!", YELLOW),
        Action::Keep if step.moved_from.is_some() => ("→", CYAN),
        Action::Keep => ("=", DIM),
    }
}

/// How an activity is told: its symbol and colour, and the verb before, during and after.
pub(super) struct Verb {
    pub(super) symbol: &'static str,
    pub(super) style: Style,
    pub(super) infinitive: &'static str,
    pub(super) doing: &'static str,
    pub(super) done: &'static str,
}

/// How `activity` is told.
pub(super) fn verb(activity: Activity) -> Verb {
    let (symbol, style, infinitive, doing, done) = match activity {
        Activity::Create => ("+", GREEN, "create", "creating", "created"),
        Activity::Settle => ("+", GREEN, "wait for", "waiting until usable", "usable"),
        Activity::Update => ("~", YELLOW, "change", "changing", "changed"),
        Activity::Delete => ("-", RED, "delete", "deleting", "deleted"),
        Activity::Recover => ("!", YELLOW, "recover", "recovering", "recovered"),
    };
    Verb { symbol, style, infinitive, doing, done }
}

/// A duration as people read it: `0.4s`, `12.3s`, `2m 05s`, `1h 02m`.
pub(super) fn duration(took: std::time::Duration) -> String {
    let seconds = took.as_secs();
    match seconds {
        0..=59 => format!("{:.1}s", took.as_secs_f64()),
        60..=3599 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `1 resource`, `2 resources`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Text from outside without what would steer a terminal: control characters become their escapes.
pub(super) fn harmless(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => clean.push(character),
            other if other.is_control() => clean.extend(other.escape_default()),
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn durations_grow_coarser() {
        for (millis, text) in [(0, "0.0s"), (59_940, "59.9s"), (60_000, "1m 00s"), (3_725_000, "1h 02m")] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(harmless("a\u{1b}[31mb\nc\u{9b}d"), "a\\u{1b}[31mb\nc\\u{9b}d");
    }
}
