//! One property's change: `old → new` on a line, long values as a diff by line.

use similar::{ChangeTag, TextDiff};

use super::value::{block, inline};
use crate::cli::style::{BOLD, DIM, GREEN, RED, YELLOW, paint};
use crate::plan::{Change, Shown};

/// Unchanged lines shown on either side of a changed one.
const CONTEXT: usize = 2;

/// The properties of a resource that is made: short ones share lines, long ones get a block.
pub(super) fn created(changes: &[Change], indent: &str, width: usize, out: &mut String) {
    let room = width.saturating_sub(indent.len());
    let mut line = String::new();
    for change in changes {
        let fits = |text: &String| change.path.len() + 2 + text.chars().count() <= room;
        match inline(&change.new).filter(fits) {
            Some(text) => {
                let piece = format!("{}: {text}", change.path);
                if !line.is_empty() && line.chars().count() + 2 + piece.chars().count() + 1 > room {
                    push(out, indent, &std::mem::take(&mut line), ",");
                }
                line.push_str(if line.is_empty() { "" } else { ", " });
                line.push_str(&piece);
            }
            None => {
                if !line.is_empty() {
                    push(out, indent, &std::mem::take(&mut line), "");
                }
                push(out, indent, &change.path, ":");
                for text in block(&change.new) {
                    push(out, indent, "  ", &text);
                }
            }
        }
    }
    if !line.is_empty() {
        push(out, indent, &line, "");
    }
}

/// One property that changes.
pub(super) fn changed(change: &Change, indent: &str, width: usize, out: &mut String) {
    let note = if change.replaces { format!("  {}", paint(RED, "# forces replacement")) } else { String::new() };
    let (symbol, style) = match (&change.old, &change.new) {
        (Shown::Absent, _) => ("+", GREEN),
        (_, Shown::Absent) => ("-", RED),
        _ => ("~", YELLOW),
    };
    let symbol = paint(style, symbol);
    let path = paint(BOLD, &change.path);
    let room = width.saturating_sub(indent.len() + change.path.len() + 4);

    if let (Some(old), Some(new)) = (inline(&change.old), inline(&change.new)) {
        let text = match (&change.old, &change.new) {
            (Shown::Absent, _) => new,
            (_, Shown::Absent) => old,
            (Shown::Secret, Shown::Secret) => format!("(secret) {} (another secret)", paint(DIM, "→")),
            (_, Shown::Default) => format!("{old} {} {}", paint(DIM, "→"), paint(DIM, "(AWS's default)")),
            _ => format!("{old} {} {new}", paint(DIM, "→")),
        };
        if console::measure_text_width(&text) <= room {
            push(out, indent, &format!("{symbol} {path}: {text}"), &note);
            return;
        }
    }
    push(out, indent, &format!("{symbol} {path}:"), &note);
    diff(&lines(&change.old), &lines(&change.new), &format!("{indent}  "), out);
}

/// The lines to compare: none for what is not there.
fn lines(shown: &Shown) -> Vec<String> {
    if *shown == Shown::Absent { Vec::new() } else { block(shown) }
}

fn diff(old: &[String], new: &[String], indent: &str, out: &mut String) {
    let (old, new): (Vec<_>, Vec<_>) =
        (old.iter().map(String::as_str).collect(), new.iter().map(String::as_str).collect());
    let diff = TextDiff::from_slices(&old, &new);
    let mut next = 0;
    for group in diff.grouped_ops(CONTEXT) {
        let start = group.first().map_or(0, |op| op.old_range().start);
        if start > next {
            push(out, indent, "  ", &paint(DIM, "…").to_string());
        }
        for op in &group {
            for change in diff.iter_changes(op) {
                let (symbol, style) = match change.tag() {
                    ChangeTag::Equal => (" ", DIM),
                    ChangeTag::Delete => ("-", RED),
                    ChangeTag::Insert => ("+", GREEN),
                };
                push(out, indent, &paint(style, format!("{symbol} {}", change.value())).to_string(), "");
            }
            next = op.old_range().end;
        }
    }
    if next < old.len() {
        push(out, indent, "  ", &paint(DIM, "…").to_string());
    }
}

fn push(out: &mut String, indent: &str, text: &str, end: &str) {
    out.push_str(indent);
    out.push_str(text);
    out.push_str(end);
    out.push('\n');
}
