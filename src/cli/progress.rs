//! How an apply goes, while it goes: live lines on a terminal, else a line an event, or JSON.

mod board;
mod live;

use std::io::IsTerminal as _;

use super::args::Format;
use super::error::CommandError;
use super::render;
use super::style::{DIM, RED, YELLOW, count, duration, harmless, paint, verb};
use super::terminal;
use crate::address::Address;
use crate::apply::{Event, Report};
use crate::cloud::CloudError;
use crate::plan::Plan;
use crate::probe;
use crate::rollback::{At, Left};

/// Version of the events' JSON; grows when a field changes its meaning or goes.
const EVENTS_VERSION: u32 = 1;

/// Tells the events of an apply to whoever reads.
pub(super) enum Progress {
    /// A person at a terminal.
    Live(live::Live),
    /// A person who reads a log.
    Plain,
    /// A program.
    Json,
}

impl Progress {
    /// The progress of applying `plan`, as `format` and the terminal ask for.
    pub(super) fn new(plan: &Plan, format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Text if std::io::stderr().is_terminal() => Self::Live(live::Live::start(plan)),
            Format::Text => Self::Plain,
        }
    }

    /// Tells one event.
    pub(super) fn event(&mut self, event: &Event) {
        match self {
            Self::Live(live) => live.event(event),
            Self::Plain => terminal::tell(&format!("{}\n", line(event))),
            Self::Json => {
                // Work under way does not stop because a line can't be written.
                let _ = serde_json::to_value(event).map_err(CommandError::from).and_then(|event| json_line(&event));
            }
        }
    }

    /// Ends the live lines, and tells a program how it ended.
    pub(super) fn finish(self, report: &Report) -> Result<(), CommandError> {
        match self {
            Self::Live(live) => live.finish(),
            Self::Plain => {}
            Self::Json => {
                json_line(&report_json(report)?)?;
            }
        }
        Ok(())
    }
}

/// The first line for a program: what is about to be done.
pub(super) fn tell_plan(plan: &Plan) -> Result<(), CommandError> {
    json_line(&plan_event(plan)?)
}

fn plan_event(plan: &Plan) -> Result<serde_json::Value, serde_json::Error> {
    Ok(serde_json::json!({ "event": "plan", "plan": render::plan_json(plan)? }))
}

/// What a watch saw, for a program.
pub(super) fn tell_probe(report: &probe::Report) -> Result<(), CommandError> {
    json_line(&probe_event(report)?)
}

fn probe_event(report: &probe::Report) -> Result<serde_json::Value, serde_json::Error> {
    let mut event = serde_json::json!({ "event": "probe" });
    event["probe"] = serde_json::to_value(report)?;
    Ok(event)
}

/// What services went back to, and what is left on record at the images that were taken back, for a program.
pub(super) fn tell_rolled_back(back: &[(Address, String)], left: &[Left]) -> Result<(), CommandError> {
    json_line(&rolled_back_event(back, left))
}

fn rolled_back_event(back: &[(Address, String)], left: &[Left]) -> serde_json::Value {
    let services: Vec<_> = back
        .iter()
        .map(|(address, serves)| serde_json::json!({ "service": address, "serves": serves, "error": null }))
        .collect();
    let left = left.iter().map(|Left { at, image, serves }| {
        let (address, property, output) = match at {
            At::Property { address, path } => (Some(address), Some(path), None),
            At::Output(name) => (None, None, Some(name)),
        };
        serde_json::json!({ "address": address, "property": property, "output": output, "image": image, "serves": serves })
    });
    serde_json::json!({ "event": "rolled_back", "services": services, "left": left.collect::<Vec<_>>() })
}

/// What became of deployments that were stopped to be rolled back, for a program.
pub(super) fn tell_stopped(results: &[(&Address, Result<String, CloudError>)]) -> Result<(), CommandError> {
    let services: Vec<_> = results
        .iter()
        .map(|(address, result)| {
            serde_json::json!({ "service": address, "serves": result.as_ref().ok(), "error": result.as_ref().err() })
        })
        .collect();
    json_line(&serde_json::json!({ "event": "rolled_back", "services": services }))
}

/// How it ended, for a program.
fn report_json(report: &Report) -> Result<serde_json::Value, serde_json::Error> {
    let done: Vec<_> = report
        .done
        .iter()
        .map(|(address, activity)| serde_json::json!({ "address": address, "activity": activity }))
        .collect();
    let skipped: Vec<_> = report
        .skipped
        .iter()
        .map(|(address, because)| serde_json::json!({ "address": address, "because": because }))
        .collect();
    Ok(serde_json::json!({
        "event": "report",
        "outcome": report.outcome,
        "done": done,
        "failed": serde_json::to_value(&report.failed)?,
        "skipped": skipped,
        "warnings": serde_json::to_value(&report.warnings)?,
    }))
}

fn json_line(event: &serde_json::Value) -> Result<(), CommandError> {
    let mut line = serde_json::json!({ "version": EVENTS_VERSION });
    if let (Some(line), Some(event)) = (line.as_object_mut(), event.as_object()) {
        line.extend(event.clone());
    }
    terminal::print_raw(&format!("{line}\n"))
}

/// One event as one line.
fn line(event: &Event) -> String {
    match event {
        Event::Started { address, activity, holds_up, .. } => {
            let verb = verb(*activity);
            let waits = match holds_up {
                0 => String::new(),
                1 => " (1 waits for it)".to_owned(),
                number => format!(" ({number} wait for it)"),
            };
            format!("{} {address} {}{}", paint(verb.style, verb.symbol), verb.doing, paint(DIM, waits))
        }
        Event::Progress { address, text } => {
            format!("{} {address} {}", paint(DIM, "…"), harmless(text))
        }
        Event::Finished { address, activity, id, took, .. } => {
            let verb = verb(*activity);
            let id = id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
            format!("{} {address} {}{id} in {}", paint(verb.style, verb.symbol), verb.done, duration(*took))
        }
        Event::Failed { address, activity, error, took, .. } => format!(
            "{} {address} could not {} after {}: {}",
            paint(RED, "×"),
            verb(*activity).infinitive,
            duration(*took),
            harmless(&error.to_string())
        ),
        Event::Skipped { address, because, .. } => {
            format!("{} {address} not tried: {because} failed", paint(YELLOW, "·"))
        }
        Event::Draining { under_way } => {
            let names: Vec<_> = under_way.iter().map(ToString::to_string).collect();
            format!(
                "{} nothing new starts; {} under way{}{}. Interrupt again to stop now: the next run recovers it.",
                paint(YELLOW, "Interrupted:"),
                count(names.len(), "resource"),
                if names.is_empty() { "" } else { ": " },
                names.join(", ")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::Outcome;
    use crate::cli::samples::{self, assert_page_has};
    use crate::diagnostic::Place;

    #[test]
    fn one_plain_line_an_event() {
        let lines: Vec<_> =
            samples::events().iter().map(|event| anstream::adapter::strip_str(&line(event)).to_string()).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn the_page_of_formats_has_every_field_of_an_event() {
        let place = Place { file: "stack.yaml".into(), line: 1, column: 2 };
        let mut report = samples::report(Outcome::Failed);
        let mut events = samples::events();
        if let Some(Event::Failed { place: at, related, .. }) =
            events.iter_mut().find(|event| matches!(event, Event::Failed { .. }))
        {
            *at = Some(place.clone());
            related.clone_from(&report.failed[0].related);
        }
        report.failed[0].place = Some(place.clone());
        report.warnings[0].place = Some(place);
        let mut documents: Vec<_> = events.iter().map(|event| serde_json::to_value(event).expect("JSON")).collect();
        documents.push(report_json(&report).expect("JSON"));
        documents
            .push(serde_json::json!({ "event": plan_event(&samples::plan()).expect("JSON")["event"], "plan": {} }));
        documents.push(probe_event(&samples::probe()).expect("JSON"));
        documents.push(rolled_back_event(&[("Api".into(), "api:1".to_owned())], &samples::left()));
        documents.iter_mut().for_each(|document| document["version"] = EVENTS_VERSION.into());
        assert_page_has("## Events", &documents);
    }
}
