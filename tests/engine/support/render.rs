//! Plans and reports as short text.

use std::fmt::Write;

use infra::apply::Report;
use infra::plan::{Action, Cause, Plan, Shown};

fn sign(action: Action) -> &'static str {
    match action {
        Action::Keep => "=",
        Action::Create => "+",
        Action::Update => "~",
        Action::Replace => "±",
        Action::ReplaceDeleteFirst => "∓",
        Action::Delete => "-",
        Action::Forget => "forget",
        Action::Recover => "!",
    }
}

fn text(shown: &Shown) -> String {
    match shown {
        Shown::Absent => "absent".to_owned(),
        Shown::Default => "default".to_owned(),
        Shown::Unknown => "unknown".to_owned(),
        Shown::Secret => "secret".to_owned(),
        Shown::Value(value) => value.to_string(),
    }
}

/// A plan, one line a step and a change; what is kept is left out.
pub(crate) fn plan_text(plan: &Plan) -> String {
    let mut lines = String::new();
    for step in &plan.steps {
        if step.action == Action::Keep && step.moved_from.is_none() {
            continue;
        }
        write!(lines, "{} {}", sign(step.action), step.address).unwrap();
        if let Some(from) = &step.moved_from {
            write!(lines, " from {from}").unwrap();
        }
        if let Some(reason) = &step.reason {
            write!(lines, " ({reason})").unwrap();
        }
        if !step.after.is_empty() {
            let after: Vec<String> = step.after.iter().map(ToString::to_string).collect();
            write!(lines, " after {}", after.join(", ")).unwrap();
        }
        lines.push('\n');
        if step.action == Action::Create {
            continue;
        }
        for change in &step.changes {
            let cause = if change.cause == Cause::Drift { " [drift]" } else { "" };
            let replaces = if change.replaces { "!" } else { "" };
            writeln!(lines, "    {}{replaces}: {} → {}{cause}", change.path, text(&change.old), text(&change.new))
                .unwrap();
        }
    }
    for output in &plan.outputs {
        writeln!(lines, "output {}: {} → {}", output.name, text(&output.old), text(&output.new)).unwrap();
    }
    lines
}

/// A report, one line an operation, what is done by address.
pub(crate) fn report_text(report: &Report) -> String {
    let mut lines = format!("{:?}\n", report.outcome);
    let mut done = report.done.clone();
    done.sort_by(|left, right| left.0.cmp(&right.0));
    for (address, activity) in &done {
        writeln!(lines, "done {activity:?} {address}").unwrap();
    }
    for failure in &report.failed {
        let place = failure.place.as_ref().map(|place| format!(" at {}:{}", place.line, place.column));
        let (activity, address) = (failure.activity, &failure.address);
        writeln!(lines, "failed {activity:?} {address}{}: {}", place.unwrap_or_default(), failure.error).unwrap();
    }
    for (address, because) in &report.skipped {
        let because = because.as_ref().map(|because| format!(" because of {because}"));
        writeln!(lines, "skipped {address}{}", because.unwrap_or_default()).unwrap();
    }
    lines
}
