//! How what runs of a stack stands, and lines of its logs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use console::{measure_text_width, pad_str};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::cli::style::{BOLD, DIM, GREEN, RED, YELLOW, count, duration, harmless, paint};
use crate::cloud::services::{DiedStatus, LogLine, ServiceStatus, Status, TaskStatus};
use crate::state::LogKey;

/// Version of the JSON; grows when a field changes its meaning or goes.
const VERSION: u32 = 1;
/// Characters of a task's id that tell it from the others of its service.
const SHORT: usize = 8;

/// For a program.
pub(in crate::cli) fn status_json(log: &LogKey, status: &Status) -> Result<Json, serde_json::Error> {
    let mut document = json!({ "version": VERSION, "stack": *log.stack, "environment": *log.environment });
    if let (Some(document), Json::Object(status)) = (document.as_object_mut(), serde_json::to_value(status)?) {
        document.extend(status);
    }
    Ok(document)
}

/// For a person.
pub(in crate::cli) fn status_text(log: &LogKey, status: &Status, now: Timestamp) -> String {
    let mut out = String::new();
    for service in &status.services {
        service_text(&mut out, service, now);
    }
    let wrong: Vec<_> = status.alarms.iter().filter(|alarm| alarm.state != "OK").collect();
    if !status.alarms.is_empty() {
        let fine = count(status.alarms.len() - wrong.len(), "alarm");
        let _ = writeln!(out, "{} {fine} OK", paint(BOLD, "Alarms:"));
        let rows = wrong.iter().map(|alarm| {
            let since = alarm.since.map(|since| age(since, now)).unwrap_or_default();
            vec![alarm.address.to_string(), alarm.state.clone(), since, alarm.reason.clone().unwrap_or_default()]
        });
        table(&mut out, &["ALARM", "STATE", "SINCE", "REASON"], rows.collect());
        out.push('\n');
    }
    if !status.queues.is_empty() {
        let _ = writeln!(out, "{}", paint(BOLD, "Queues:"));
        let rows = status.queues.iter().map(|queue| {
            let dead = queue.dead.map_or_else(|| "-".to_owned(), |dead| dead.to_string());
            let counts = [queue.visible, queue.in_flight, queue.delayed].map(|count| count.to_string());
            [queue.address.to_string()].into_iter().chain(counts).chain([dead]).collect()
        });
        table(&mut out, &["QUEUE", "WAITING", "IN FLIGHT", "DELAYED", "DEAD LETTERS"], rows.collect());
        out.push('\n');
    }
    if out.is_empty() {
        return format!("{log} has no service, alarm or queue on record.\n");
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn service_text(out: &mut String, service: &ServiceStatus, now: Timestamp) {
    let runs = service.tasks.iter().filter(|task| task.state == "RUNNING");
    let (own, others): (Vec<_>, Vec<_>) = runs.partition(|task| task.revision == service.revision);
    let own = i32::try_from(own.len()).unwrap_or(i32::MAX);
    let whole = own == service.desired && service.pending == 0;
    let style = match service.deployment.as_str() {
        "COMPLETED" | "SUCCESSFUL" if whole => GREEN,
        "FAILED" | "ROLLBACK_FAILED" | "ROLLBACK_SUCCESSFUL" | "STOPPED" => RED,
        _ => YELLOW,
    };
    let counts = format!("{own} of {} running", service.desired);
    let starting = if service.pending > 0 { format!(", {} starting", service.pending) } else { String::new() };
    let _ = writeln!(
        out,
        "{}  {}{starting}  {}  {}",
        paint(BOLD, &service.address),
        counts,
        harmless(&service.revision),
        paint(style, harmless(&service.deployment)),
    );
    let mut revisions: BTreeMap<&str, usize> = BTreeMap::new();
    for task in others {
        *revisions.entry(&task.revision).or_default() += 1;
    }
    for (revision, count) in revisions {
        let _ = writeln!(out, "  and {count} running of {}", harmless(revision));
    }
    if let Some(reason) = &service.reason {
        let _ = writeln!(out, "  {}", paint(DIM, harmless(reason)));
    }
    for image in &service.images {
        let _ = writeln!(out, "  {} {}", paint(DIM, "image"), harmless(image));
    }
    let rows = service.tasks.iter().map(|task| task_row(task, now));
    table(out, &["TASK", "REVISION", "STATE", "HEALTH", "SINCE", "ADDRESS"], rows.collect());
    let rows = service.died.iter().map(|task| died_row(task, now));
    table(out, &["DIED", "REVISION", "AGO", "CODE", "EXIT", "REASON"], rows.collect());
    let rows = service.targets.iter().map(|target| {
        let reason = target.reason.clone().unwrap_or_default();
        vec![target.target.clone(), target.group.clone(), target.state.clone(), reason]
    });
    table(out, &["TARGET", "GROUP", "HEALTH", "REASON"], rows.collect());
    out.push('\n');
}

fn task_row(task: &TaskStatus, now: Timestamp) -> Vec<String> {
    vec![
        task.id.chars().take(SHORT).collect(),
        task.revision.clone(),
        task.state.clone(),
        task.health.clone(),
        task.since.map(|since| age(since, now)).unwrap_or_default(),
        task.address.clone().unwrap_or_default(),
    ]
}

fn died_row(task: &DiedStatus, now: Timestamp) -> Vec<String> {
    let exit = task.exit_code.map_or_else(|| "-".to_owned(), |code| code.to_string());
    let container = task.container.as_ref().filter(|_| task.exit_code.is_some());
    vec![
        task.id.chars().take(SHORT).collect(),
        task.revision.clone(),
        task.at.map(|at| age(at, now)).unwrap_or_default(),
        task.code.clone().unwrap_or_default(),
        container.map_or(exit.clone(), |container| format!("{container} {exit}")),
        task.reason.clone().unwrap_or_default(),
    ]
}

/// How long ago it was.
fn age(since: Timestamp, now: Timestamp) -> String {
    duration(now.duration_since(since).try_into().unwrap_or_default())
}

/// Rows under their headings, each column as wide as what is in it; nothing where there is no row.
fn table(out: &mut String, headings: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|row| row.iter().map(|cell| harmless(cell).replace('\n', " ")).collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| measure_text_width(cell));
        cells.chain([headings[column].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &[&str]| {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| pad_str(cell, *width, console::Alignment::Left, None).into_owned());
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let _ = writeln!(out, "  {}", paint(DIM, line(headings)));
    for row in &rows {
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        let _ = writeln!(out, "  {}", line(&cells));
    }
}

/// A line of a log, for a person.
pub(in crate::cli) fn log_line(line: &LogLine) -> String {
    let task: String = line.task.chars().take(SHORT).collect();
    let from = format!("{} {task} {}", line.time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"), harmless(&line.container));
    format!("{} {}\n", paint(DIM, from), harmless(&line.message))
}

/// A line of a log, for a program.
pub(in crate::cli) fn log_line_json(line: &LogLine) -> Json {
    json!({ "time": line.time, "task": line.task, "container": line.container, "message": line.message })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::services::{AlarmStatus, QueueStatus, TargetStatus};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn status() -> Status {
        let task = |id: &str, health: &str| TaskStatus {
            id: id.to_owned(),
            revision: "api:7".to_owned(),
            state: "RUNNING".to_owned(),
            health: health.to_owned(),
            since: Some(at(1_000_000)),
            address: Some("10.0.1.5".to_owned()),
        };
        let target = TargetStatus {
            group: "api".to_owned(),
            target: "10.0.1.5:8080".to_owned(),
            state: "unhealthy".to_owned(),
            reason: Some("Target.Timeout: Request timed out\u{1b}[31m".to_owned()),
        };
        let alarm = |address: &str, state: &str| AlarmStatus {
            address: address.into(),
            state: state.to_owned(),
            reason: Some("Threshold Crossed".to_owned()),
            since: Some(at(1_000_060)),
        };
        Status {
            services: vec![ServiceStatus {
                address: "Api.Service".into(),
                revision: "api:7".to_owned(),
                images: vec!["registry/api:v2".to_owned()],
                desired: 2,
                running: 2,
                pending: 1,
                deployment: "IN_PROGRESS".to_owned(),
                reason: Some("ECS deployment ecs-svc/1 in progress.".to_owned()),
                tasks: vec![task("0a1b2c3d4e5f", "HEALTHY"), task("9f8e7d6c5b4a", "UNHEALTHY")],
                died: vec![DiedStatus {
                    id: "5c6d7e8f9a0b".to_owned(),
                    revision: "api:7".to_owned(),
                    at: Some(at(1_000_100)),
                    code: Some("EssentialContainerExited".to_owned()),
                    reason: Some("Essential container in task exited".to_owned()),
                    container: Some("app".to_owned()),
                    exit_code: Some(3),
                }],
                targets: vec![target],
            }],
            alarms: vec![alarm("Api.Errors", "ALARM"), alarm("Api.Latency", "OK")],
            queues: vec![
                QueueStatus { address: "Mail".into(), visible: 12, in_flight: 3, delayed: 0, dead: Some(1) },
                QueueStatus { address: "MailDead".into(), visible: 1, in_flight: 0, delayed: 0, dead: None },
            ],
        }
    }

    #[test]
    fn text() {
        let text = status_text(&LogKey::new("notification", "dev"), &status(), at(1_000_125));
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string());
    }

    #[test]
    fn a_line_of_a_log_has_its_time_task_and_container_and_steers_no_terminal() {
        let line = LogLine {
            time: at(1_000_000),
            task: "0a1b2c3d4e5f".to_owned(),
            container: "app".to_owned(),
            message: "GET /\u{1b}[2J".to_owned(),
            id: String::new(),
        };
        let text = anstream::adapter::strip_str(&log_line(&line)).to_string();
        assert_eq!(text, "1970-01-12T13:46:40.000Z 0a1b2c3d app GET /\\u{1b}[2J\n");
    }
}
