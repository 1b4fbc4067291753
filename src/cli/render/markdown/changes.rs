//! The properties of a resource as lines of a diff.
//!
//! Every line begins with a sign or with four spaces, so that none can end the block that it stands in.

use std::fmt::Write as _;

use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};

use super::super::value::{block, inline};
use super::escape::{cut, line, visible};
use crate::plan::{Change, Shown};

/// Characters of a line.
const LINE: usize = 240;
/// Characters of a list or map on one line.
const PARTS: usize = 100;
/// Characters before the first difference in a line that is too long.
const BEFORE: usize = 60;
/// Lines of one property.
const LINES: usize = 60;
/// Lines of a value that are compared; comparing more takes too long.
const COMPARED: usize = 2_000;
/// Unchanged lines shown on either side of a changed one.
const CONTEXT: usize = 2;

/// The properties of a resource that is made.
pub(super) fn creation(changes: &[Change]) -> String {
    let mut out = String::new();
    for change in changes {
        match inline(&change.new) {
            Some(text) => {
                let _ = writeln!(out, "+   {}: {}", line(&change.path), cut(&flat(&text), LINE));
            }
            None => {
                let _ = writeln!(out, "+   {}:", line(&change.path));
                let lines = lines(&change.new);
                for text in lines.iter().take(LINES) {
                    let _ = writeln!(out, "+     {}", cut(text, LINE));
                }
                more(lines.len(), &mut out);
            }
        }
    }
    out
}

/// Properties that change.
pub(super) fn changes(changes: &[Change], indent: &str) -> String {
    let mut out = String::new();
    for change in changes {
        let path = line(&change.path);
        match (short(&change.old), short(&change.new)) {
            (Some(old), Some(new)) => {
                let new = match (&change.old, &change.new) {
                    (Shown::Secret, Shown::Secret) => "(another secret)".to_owned(),
                    (_, Shown::Default) => "(AWS's default)".to_owned(),
                    _ => new,
                };
                let (old, new) = excerpts(&flat(&old), &flat(&new));
                if change.old != Shown::Absent {
                    let _ = writeln!(out, "- {indent}{path}: {old}");
                }
                if change.new != Shown::Absent {
                    let _ = writeln!(out, "+ {indent}{path}: {new}");
                }
            }
            _ => {
                let _ = writeln!(out, "!{indent} {path}:");
                compared(&lines(&change.old), &lines(&change.new), &mut out);
            }
        }
    }
    out
}

/// A value on one line, unless it has parts that are better seen one by one.
fn short(shown: &Shown) -> Option<String> {
    let parts = matches!(shown, Shown::Value(Json::Array(_) | Json::Object(_)));
    inline(shown).filter(|text| !parts || text.chars().count() <= PARTS)
}

/// The lines of a value: none for what is not there.
fn lines(shown: &Shown) -> Vec<String> {
    match shown {
        Shown::Absent => Vec::new(),
        shown => block(shown).iter().map(|line| flat(line)).collect(),
    }
}

fn flat(text: &str) -> String {
    visible(text).replace('\n', "\\n").replace('\t', "  ")
}

/// Two texts, each cut where it is too long, around where they begin to differ.
fn excerpts(old: &str, new: &str) -> (String, String) {
    let same = old.chars().zip(new.chars()).take_while(|(old, new)| old == new).count();
    let start = same.saturating_sub(BEFORE);
    let excerpt = |text: &str| {
        if text.chars().count() <= LINE {
            return text.to_owned();
        }
        let begin = text.char_indices().nth(start).map_or(0, |(at, _)| at);
        let end = text[begin..].char_indices().nth(LINE - BEFORE).map_or(text.len(), |(at, _)| begin + at);
        let before = if begin > 0 { "…" } else { "" };
        let after = if end < text.len() { "…" } else { "" };
        format!("{before}{}{after} ({} characters)", &text[begin..end], text.chars().count())
    };
    (excerpt(old), excerpt(new))
}

fn compared(old: &[String], new: &[String], out: &mut String) {
    if old.len() > COMPARED || new.len() > COMPARED {
        let _ = writeln!(out, "-     {} lines\n+     {} lines, too many to be shown here", old.len(), new.len());
        return;
    }
    if let ([old], [new]) = (old, new) {
        let (old, new) = excerpts(old, new);
        let _ = writeln!(out, "-     {old}\n+     {new}");
        return;
    }
    let (old, new): (Vec<_>, Vec<_>) =
        (old.iter().map(String::as_str).collect(), new.iter().map(String::as_str).collect());
    let diff = TextDiff::from_slices(&old, &new);
    let mut shown = Vec::new();
    for (number, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if number > 0 || group.first().is_some_and(|op| op.old_range().start > 0) {
            shown.push("      …".to_owned());
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            shown.push(format!("{sign}     {}", cut(change.value(), LINE)));
        }
    }
    for line in shown.iter().take(LINES) {
        let _ = writeln!(out, "{line}");
    }
    more(shown.len(), out);
}

fn more(lines: usize, out: &mut String) {
    if lines > LINES {
        let _ = writeln!(out, "      … {} more lines", lines - LINES);
    }
}
