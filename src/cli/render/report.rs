//! How an apply ended: what is done, what failed and why, what was not tried.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use crate::apply::{Activity, Failure, Outcome, Report, Warning};
use crate::cli::style::{GREEN, RED, YELLOW, duration, harmless, paint, verb};
use crate::cloud::{CloudError, Detail, ErrorKind};
use crate::diagnostic::{Diagnostic, Place, Severity, Source, Span};

/// The failures as diagnostics, each with its place in the stack where it has one.
pub(in crate::cli) fn failures(report: &Report) -> Vec<Diagnostic> {
    let mut sources = BTreeMap::new();
    let (locked_out, others): (Vec<_>, Vec<_>) =
        report.failed.iter().partition(|failure| failure.error.kind == ErrorKind::Credentials);
    // Credentials that end fail everything under way, all alike.
    let first = locked_out.split_first().map(|(first, rest)| {
        let mut diagnostic = diagnostic(first, &mut sources);
        let what = |failure: &&Failure| format!("{} {}", verb(failure.activity).infinitive, failure.address);
        let rest: Vec<String> = rest.iter().map(what).collect();
        if !rest.is_empty() {
            diagnostic.notes.push(format!("nor could it {}", rest.join(", ")));
        }
        diagnostic
    });
    let mut diagnostics: Vec<Diagnostic> = first.into_iter().collect();
    diagnostics.extend(others.into_iter().map(|failure| diagnostic(failure, &mut sources)));
    diagnostics
}

/// What is to be known of what was done, as diagnostics.
pub(in crate::cli) fn warnings(report: &Report) -> Vec<Diagnostic> {
    let mut sources = BTreeMap::new();
    let warnings = report.warnings.iter().map(|Warning { address, detail, place }| {
        let message = format!("{address}: {}", detail.about);
        let mut diagnostic = at(place.as_ref(), &message, &mut sources);
        diagnostic.severity = Severity::Warning;
        let lines: Vec<String> = detail.lines.iter().map(|line| harmless(line)).collect();
        diagnostic.notes = if lines.is_empty() { Vec::new() } else { vec![lines.join("\n  ")] };
        diagnostic
    });
    warnings.collect()
}

/// An error at `place`, as far as its file still says something there.
fn at(place: Option<&Place>, message: &str, sources: &mut Sources) -> Diagnostic {
    let message = harmless(message);
    match place.and_then(|place| span(place, sources)) {
        Some(span) => Diagnostic::error(&span, message),
        None => {
            let mut diagnostic = Diagnostic::file_error(Path::new(""), message);
            diagnostic.file = place.map(|place| place.file.clone());
            diagnostic
        }
    }
}

fn diagnostic(failure: &Failure, sources: &mut Sources) -> Diagnostic {
    let message = format!("could not {} {}: {}", verb(failure.activity).infinitive, failure.address, failure.error);
    let mut diagnostic = at(failure.place.as_ref(), &message, sources);
    let related = failure.related.iter();
    diagnostic.related =
        related.filter_map(|related| Some((line(&related.place, sources)?, related.note.clone()))).collect();
    diagnostic.notes = failure.error.details.iter().map(note).collect();
    diagnostic.help = way_out(failure.activity, &failure.error);
    diagnostic
}

/// What to do about a failure.
fn way_out(activity: Activity, error: &CloudError) -> Option<String> {
    if activity == Activity::Delete && error.kind == ErrorKind::Invalid {
        // No property is to blame, and AWS has said what is.
        return None;
    }
    if error.kind != ErrorKind::Unsettled || error.details.is_empty() {
        return hint(error.kind, &error.operation);
    }
    let way = if error.message.starts_with("still ") {
        "the deployment goes on, and the next apply waits for it; the stack's `deploy: { timeout }` sets how long"
    } else if error.message.contains("user request") || error.message.contains("StopServiceDeployment") {
        "somebody stopped it: apply again to deploy it anew; what is on record is what is there"
    } else {
        "mend what it died of, and apply again: what is on record is what is there"
    };
    Some(way.to_owned())
}

/// A detail as lines, what it is about first.
fn note(detail: &Detail) -> String {
    let lines = detail.lines.iter().map(|line| format!("\n  {}", harmless(line)));
    std::iter::once(harmless(&detail.about)).chain(lines).collect()
}

type Sources = BTreeMap<PathBuf, Option<Arc<Source>>>;

fn source<'s>(place: &Place, sources: &'s mut Sources) -> Option<&'s Arc<Source>> {
    sources
        .entry(place.file.clone())
        .or_insert_with(|| Some(Source::new(&place.file, std::fs::read_to_string(&place.file).ok()?)))
        .as_ref()
}

/// The line from `place` on, where its file still says something there.
fn line(place: &Place, sources: &mut Sources) -> Option<Span> {
    let source = source(place, sources)?;
    let start = source.offset(place.line, place.column);
    let text = source.text.get(start..)?.lines().next()?.trim_end();
    (!text.is_empty()).then(|| Span::new(source, start..start + text.len()))
}

/// The word at `place`, where its file still says something there.
fn span(place: &Place, sources: &mut Sources) -> Option<Span> {
    let source = source(place, sources)?;
    let start = source.offset(place.line, place.column);
    let rest = source.text.get(start..)?;
    let word = rest.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(rest.len());
    (word > 0).then(|| Span::new(source, start..start + word))
}

/// What to do about a kind of failure.
pub(in crate::cli) fn hint(kind: ErrorKind, operation: &str) -> Option<String> {
    Some(match kind {
        ErrorKind::Invalid => "AWS refuses these properties: change the stack and run it again".to_owned(),
        ErrorKind::Denied => format!("the credentials in use need the permission {operation}"),
        ErrorKind::Credentials => {
            "sign in again, for example with `aws sso login`, and run it again: it goes on from here".to_owned()
        }
        ErrorKind::Quota => "ask AWS for a higher quota in the Service Quotas console, or use fewer".to_owned(),
        ErrorKind::InUse => "something outside this stack still uses it: remove that first".to_owned(),
        ErrorKind::Conflict => "something of that name is there already, or is changing: rename or wait".to_owned(),
        ErrorKind::Lost => "the next run finds out whether it was done, and goes on from there".to_owned(),
        ErrorKind::Unsettled => "it exists and is on record; the next run goes on from here".to_owned(),
        ErrorKind::Throttled | ErrorKind::Unavailable => "run it again later; it goes on from here".to_owned(),
        ErrorKind::NotFound | ErrorKind::Other => return None,
    })
}

/// What was done and what was not, as the last lines of an apply.
pub(in crate::cli) fn outcome(report: &Report, took: Duration) -> String {
    let mut out = String::new();
    let mut because: IndexMap<_, Vec<String>> = IndexMap::new();
    for (address, cause) in &report.skipped {
        let predecessor = if report.predecessors.contains(address) { " (deleting its predecessor)" } else { "" };
        because.entry(cause.clone()).or_default().push(format!("{address}{predecessor}"));
    }
    for (cause, addresses) in because {
        let why = match cause {
            Some(cause) => format!("Not tried, because of {cause}:"),
            None => "Not started:".to_owned(),
        };
        let _ = writeln!(out, "{} {}", paint(YELLOW, why), addresses.join(", "));
    }
    let done = done_text(report);
    let undone = format!("{} failed, {} not tried", report.failed.len(), report.skipped.len());
    let _ = match report.outcome {
        Outcome::Done => writeln!(out, "{} {done} in {}.", paint(GREEN, "Done:"), duration(took)),
        Outcome::Failed => writeln!(
            out,
            "{} {undone}; {done} in {}. What is done is on record: mend the cause and run it again.",
            paint(RED, "Failed:"),
            duration(took)
        ),
        Outcome::Interrupted => {
            let failed = match report.failed.len() {
                0 => String::new(),
                failed => format!("{failed} failed, "),
            };
            writeln!(
                out,
                "{} {failed}{} not started; {done} in {}. What is done is on record: run it again to go on.",
                paint(YELLOW, "Interrupted:"),
                report.skipped.len(),
                duration(took)
            )
        }
    };
    out
}

/// `3 created, 1 changed, 1 replaced, 2 deleted`.
fn done_text(report: &Report) -> String {
    let of = |wanted: Activity| -> BTreeSet<_> {
        report.done.iter().filter(|(_, activity)| *activity == wanted).map(|(address, _)| address).collect()
    };
    let (created, deleted) = (of(Activity::Create), of(Activity::Delete));
    let replaced = created.intersection(&deleted).count();
    let parts: Vec<_> = [
        (created.len() - replaced, "created"),
        (of(Activity::Update).len(), "changed"),
        (replaced, "replaced"),
        (deleted.len() - replaced, "deleted"),
        (of(Activity::Recover).len(), "recovered"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, what)| format!("{number} {what}"))
    .collect();
    if parts.is_empty() { "nothing changed".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    #[test]
    fn every_outcome() {
        let texts = [Outcome::Done, Outcome::Failed, Outcome::Interrupted]
            .map(|end| outcome(&samples::report(end), Duration::from_secs(75)))
            .map(|text| anstream::adapter::strip_str(&text).to_string());
        insta::assert_snapshot!(texts.join("---\n"));
    }

    #[test]
    fn a_failure_points_at_the_stack() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("stack.yaml");
        std::fs::write(&file, "resources:\n  Role:\n    type: AWS::IAM::Role\n").expect("write");
        let mut report = samples::report(Outcome::Failed);
        report.failed[0].place = Some(Place { file, line: 2, column: 3 });
        let diagnostics = failures(&report);
        let span = diagnostics[0].span.as_ref().expect("span");
        assert_eq!(&span.source.text[span.range.clone()], "Role");
        assert!(!diagnostics[0].message.contains('\u{1b}'), "escape sequence kept");
        assert!(diagnostics[0].help.as_ref().is_some_and(|help| help.contains("iam:UpdateRole")));
    }

    #[test]
    fn credentials_that_end_are_told_of_once() {
        let mut report = samples::report(Outcome::Failed);
        let mut locked_out = report.failed[0].clone();
        locked_out.error.kind = ErrorKind::Credentials;
        report.failed.extend([locked_out.clone(), Failure { address: "Other".into(), ..locked_out }]);
        let diagnostics = failures(&report);
        assert_eq!(diagnostics.len(), 2);
        assert_eq!(diagnostics[0].notes.last().map(String::as_str), Some("nor could it change Other"));
        assert!(diagnostics[0].help.as_ref().is_some_and(|help| help.contains("sign in again")));
    }

    #[test]
    fn a_failure_without_its_file_is_still_told() {
        let mut report = samples::report(Outcome::Failed);
        report.failed[0].place = Some(Place { file: "gone.yaml".into(), line: 2, column: 3 });
        let diagnostics = failures(&report);
        assert!(diagnostics[0].span.is_none());
        assert!(diagnostics[0].message.contains("AccessDenied"));
    }
}
