//! The runs that changed a record, and what would become of it if another took its place.

use std::fmt::Write as _;

use super::super::style::{BOLD, DIM, GREEN, RED, YELLOW, count, harmless, paint};
use crate::address::Address;
use crate::state::{Changes, Difference, Holder, Restored, Run, State};

/// The runs, in the order given, in columns; one that has not let go of the log is under way if its holder is at work.
pub(in crate::cli) fn history(runs: &[Run], at_work: Option<&Holder>) -> String {
    let rows: Vec<[String; 4]> = runs.iter().map(|run| row(run, at_work)).collect();
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [widest(0), widest(1), widest(2)];
    rows.iter().fold(String::new(), |mut out, [serial, at, by, what]| {
        let [first, second, third] = widths;
        let _ = writeln!(out, "{serial:>first$}  {}  {by:third$}  {what}", paint(DIM, format!("{at:second$}")));
        out
    })
}

fn row(run: &Run, at_work: Option<&Holder>) -> [String; 4] {
    let by = run.by.as_ref();
    let who = by.map_or("unknown".to_owned(), |by| harmless(&format!("{}@{} {}", by.user, by.host, by.command)));
    let end = match run.ended {
        true => "",
        false if run.is_of(at_work) => " (under way)",
        false => " (was cut off)",
    };
    let what = match run.damaged {
        true => "what it did can't be told".to_owned(),
        false => changes(&run.changes),
    };
    [run.serial.to_string(), format!("{:.0}", run.at), who, format!("{what}{end}")]
}

fn changes(changes: &Changes) -> String {
    let Changes { created, updated, deleted, failed, moved, forgotten, restored } = *changes;
    let mut told: Vec<String> = match restored {
        Some(Restored::Serial(serial)) => vec![format!("back to entry {serial}")],
        Some(Restored::Pushed) => vec!["pushed".to_owned()],
        None => Vec::new(),
    };
    let counts = [
        (created, "created"),
        (updated, "updated"),
        (deleted, "deleted"),
        (failed, "failed"),
        (moved, "moved"),
        (forgotten, "forgotten"),
    ];
    told.extend(counts.into_iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")));
    if told.is_empty() { "no resource changed".to_owned() } else { told.join(", ") }
}

/// What would become of the record `now` if `then` took its place.
pub(in crate::cli) fn differences(found: &[(&Address, Difference)], now: &State, then: &State) -> String {
    let mut out = String::new();
    for (address, difference) in found {
        let id = |state: &State| state.resources.get(*address).map(|one| harmless(one.id.as_str())).unwrap_or_default();
        let _ = match difference {
            Difference::Added => writeln!(out, "  {} {address}  {} is managed again", paint(GREEN, "+"), id(then)),
            Difference::Removed => writeln!(out, "  {} {address}  {} is no longer managed", paint(RED, "×"), id(now)),
            Difference::Replaced => {
                writeln!(out, "  {} {address}  {} instead of {}", paint(YELLOW, "±"), id(then), id(now))
            }
            Difference::Changed => {
                writeln!(out, "  {} {address}  other properties or outputs", paint(YELLOW, "~"))
            }
        };
    }
    let _ = writeln!(out, "{}", paint(BOLD, format!("{} on record would differ.", count(found.len(), "resource"))));
    out
}
