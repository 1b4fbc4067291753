//! A plan as its reviewer reads it, and as a program does.

use std::fmt::Write as _;

use console::measure_text_width;
use indexmap::IndexMap;

use super::change::{changed, created};
use crate::address::Address;
use crate::cli::style::{BOLD, CYAN, DIM, RED, YELLOW, harmless, paint, symbol};
use crate::plan::{Action, Cause, Change, Plan, Step, Summary};

/// The plan as JSON: its own fields and `summary`; `docs/plan-format.md` describes it.
pub(in crate::cli) fn plan_json(plan: &Plan) -> Result<serde_json::Value, serde_json::Error> {
    let mut json = serde_json::to_value(plan)?;
    json["summary"] = serde_json::to_value(plan.summary())?;
    Ok(json)
}

/// The plan as text, styled, for lines of `width` characters.
pub(in crate::cli) fn plan_text(plan: &Plan, width: usize) -> String {
    let mut out = String::new();
    let total = plan.steps.len();
    if plan.is_empty() {
        let said = if plan.destroy {
            "Nothing to destroy: no resource is on record.".to_owned()
        } else {
            format!(
                "No changes. {} as the stack says.",
                if total == 1 { "1 resource is".to_owned() } else { format!("{total} resources are") }
            )
        };
        let _ = writeln!(out, "{}", paint(BOLD, said));
        if !plan.lints.is_empty() {
            out.push('\n');
            lints_text(plan, &mut out);
        }
        return out;
    }

    let what = if plan.destroy { "Destroy of" } else { "Plan for" };
    let whose = format!("{} ({}) in {}", plan.stack, plan.environment, plan.region);
    let _ = writeln!(out, "{what} {}\n", paint(BOLD, whose));

    let (drifted, rest) = split_drift(plan);
    if !drifted.is_empty() {
        let _ = writeln!(out, "{}", paint(BOLD, "Changed outside infra, and put back by an apply:"));
        for step in &drifted {
            step_text(step, width, &mut out);
        }
        out.push('\n');
    }
    for (component, steps) in by_component(rest) {
        if let Some(component) = component {
            let _ = writeln!(out, "{} {}", paint(DIM, "component"), paint(BOLD, component));
        }
        for step in steps {
            step_text(&step, width, &mut out);
        }
        out.push('\n');
    }
    if !plan.outputs.is_empty() {
        let _ = writeln!(out, "{}", paint(BOLD, "Outputs:"));
        for output in &plan.outputs {
            let change = Change {
                path: output.name.clone(),
                old: output.old.clone(),
                new: output.new.clone(),
                cause: Cause::Stack,
                replaces: false,
            };
            changed(&change, "  ", width, &mut out);
        }
        out.push('\n');
    }
    if !plan.lints.is_empty() {
        lints_text(plan, &mut out);
        out.push('\n');
    }
    let _ = writeln!(out, "{}", summary_text(&plan.summary()));
    out
}

/// What would cause downtime, each with its place and its mend.
fn lints_text(plan: &Plan, out: &mut String) {
    let _ = writeln!(out, "{}", paint(YELLOW, "May cause downtime:"));
    for lint in &plan.lints {
        let (name, address, place) = (paint(BOLD, &lint.lint), &lint.address, paint(DIM, &lint.place));
        let _ = writeln!(out, "  {} {name}  {address}  {place}", paint(YELLOW, "!"));
        let _ = writeln!(out, "      {}", harmless(&lint.message));
        let _ = writeln!(out, "      {} {}", paint(CYAN, "help:"), harmless(&lint.help));
    }
}

/// The one line at a plan's end.
fn summary_text(summary: &Summary) -> String {
    let danger = |number: usize, text: String| {
        if number > 0 { paint(RED, text).to_string() } else { text }
    };
    let mut parts = vec![
        format!("{} to create", summary.create),
        format!("{} to change", summary.update),
        danger(summary.replace, format!("{} to replace", summary.replace)),
        danger(summary.delete, format!("{} to delete", summary.delete)),
    ];
    for (number, what) in [(summary.recover, "recover"), (summary.moved, "move"), (summary.forget, "forget")] {
        if number > 0 {
            parts.push(format!("{number} to {what}"));
        }
    }
    format!("{} {}; {} unchanged.", paint(BOLD, "Plan:"), parts.join(", "), summary.keep)
}

/// The steps that mend drift, and all others; a step that does both stands in both, with its own changes in each.
fn split_drift(plan: &Plan) -> (Vec<Step>, Vec<Step>) {
    let (mut drifted, mut rest) = (Vec::new(), Vec::new());
    for step in plan.steps.iter().filter(|step| step.action != Action::Keep || step.moved_from.is_some()) {
        let (drift, own): (Vec<_>, Vec<_>) =
            step.changes.iter().cloned().partition(|change| change.cause == Cause::Drift);
        if step.deleted_outside || (own.is_empty() && !drift.is_empty()) {
            drifted.push(step.clone());
        } else {
            if !drift.is_empty() {
                drifted.push(Step {
                    changes: drift,
                    defaults: Vec::new(),
                    reason: None,
                    moved_from: None,
                    ..step.clone()
                });
            }
            rest.push(Step { changes: own, ..step.clone() });
        }
    }
    (drifted, rest)
}

/// Steps by the top-level component they stand in; in each, what destroys stands first.
fn by_component(steps: Vec<Step>) -> IndexMap<Option<Address>, Vec<Step>> {
    let mut groups = IndexMap::from([(None, Vec::new())]);
    for step in steps {
        groups.entry(top_component(&step.address)).or_default().push(step);
    }
    groups.retain(|_, steps: &mut Vec<Step>| !steps.is_empty());
    for steps in groups.values_mut() {
        steps.sort_by_key(|step| match step.action {
            Action::Delete => 0,
            Action::Replace | Action::ReplaceDeleteFirst => 1,
            Action::Recover => 2,
            Action::Update => 3,
            Action::Create => 4,
            Action::Forget => 5,
            Action::Keep => 6,
        });
    }
    groups
}

fn top_component(address: &Address) -> Option<Address> {
    let mut component = address.parent()?;
    while let Some(outer) = component.parent() {
        component = outer;
    }
    Some(component)
}

fn step_text(step: &Step, width: usize, out: &mut String) {
    let (symbol, style) = symbol(step);
    let indent = "      ";
    let mut heading = format!("  {} {}", paint(style, symbol), paint(BOLD, &step.address));
    let id = step.id.as_ref().map(|id| harmless(id.as_str()));
    let place = step.place.as_ref().map(|place| paint(DIM, place).to_string());
    for part in [Some(paint(DIM, &step.type_name).to_string()), id, place].into_iter().flatten() {
        if measure_text_width(&heading) + 2 + measure_text_width(&part) > width {
            let _ = writeln!(out, "{heading}");
            heading = format!("{indent}{part}");
        } else {
            let _ = write!(heading, "  {part}");
        }
    }
    let _ = writeln!(out, "{heading}");

    for note in notes(step) {
        let _ = writeln!(out, "{indent}{}", paint(CYAN, note));
    }
    match step.action {
        Action::Create => created(&step.changes, indent, width, out),
        _ => {
            for change in &step.changes {
                changed(change, indent, width, out);
            }
        }
    }
}

/// That infra sets a property by itself.
pub(super) fn default_note(path: &str) -> String {
    format!("{path}: infra's default, where the stack says nothing")
}

/// What the symbol and the changes do not say.
fn notes(step: &Step) -> Vec<String> {
    let mut notes = Vec::new();
    let what = match step.action {
        Action::ReplaceDeleteFirst => Some("the old one is deleted before the new one is made"),
        Action::Replace => Some("the new one is made before the old one is deleted"),
        Action::Forget => Some("stays in AWS; infra no longer manages it"),
        Action::Recover => Some("this run finishes it, or cleans up"),
        _ => None,
    };
    notes.extend(what.map(str::to_owned));
    if let Some(from) = &step.moved_from {
        notes.push(format!("moved from {from}"));
    }
    if let Some(reason) = &step.reason {
        notes.push(reason.clone());
    } else if step.deleted_outside {
        notes.push("was deleted outside infra".to_owned());
    }
    notes.extend(step.defaults.iter().map(|path| default_note(path)));
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{self, assert_page_has};

    fn shown(plan: &Plan, width: usize) -> String {
        anstream::adapter::strip_str(&plan_text(plan, width)).to_string()
    }

    #[test]
    fn every_kind_of_step() {
        insta::assert_snapshot!(shown(&samples::plan(), 100));
    }

    #[test]
    fn narrow_terminal() {
        insta::assert_snapshot!(shown(&samples::plan(), 60));
    }

    #[test]
    fn nothing_to_do() {
        let mut plan = samples::empty_plan();
        assert_eq!(shown(&plan, 100), "No changes. 1 resource is as the stack says.\n");
        plan.destroy = true;
        plan.steps.clear();
        assert_eq!(shown(&plan, 100), "Nothing to destroy: no resource is on record.\n");
    }

    #[test]
    fn the_page_of_formats_has_every_field_of_a_plan() {
        let plan = samples::plan();
        assert_page_has("## The plan", &[plan_json(&plan).expect("JSON")]);
        let read: Plan = serde_json::from_value(plan_json(&plan).expect("JSON")).expect("a plan");
        assert_eq!(read, plan, "what is written can be read");
    }

    #[test]
    fn outputs_alone_are_a_change() {
        let mut plan = samples::empty_plan();
        plan.outputs = samples::plan().outputs;
        insta::assert_snapshot!(shown(&plan, 100));
    }
}
