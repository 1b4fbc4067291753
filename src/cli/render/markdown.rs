//! A plan as a comment on a pull request: what destroys first and in sight, the rest folded, never longer than GitHub
//! takes.
//!
//! All that a stack or AWS says stands in code blocks, where GitHub sees no HTML, no mentions and no references.

mod changes;
mod escape;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use self::changes::{changes, creation};
use self::escape::{code, line, marker, prose};
use super::plan::default_note;
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Place};
use crate::plan::{Action, Cause, Change, Plan, Step};

/// Characters of a comment where the user says nothing. GitHub takes 65,536; some stays free for what a bot puts around.
pub(in crate::cli) const LIMIT: usize = 60_000;
/// Characters of one resource; one that takes more is shown by its properties' names alone.
const RESOURCE: usize = 8_000;
/// Characters kept for each section that is still to come: its heading, and how many are left out of it.
const HEADING: usize = 200;
/// Characters kept for the last line, and for what stands around the warnings and what destroys.
const AROUND: usize = 400;
/// Resources that a warning names.
const NAMED: usize = 20;

/// Where a property of a resource is written.
pub(in crate::cli) type PlaceOf<'a> = &'a dyn Fn(&Address, &str) -> Option<Place>;

/// The plan as Markdown, of at most `limit` characters: the same bytes for the same plan.
pub(in crate::cli) fn plan_markdown(plan: &Plan, warnings: &[Diagnostic], place: PlaceOf<'_>, limit: usize) -> String {
    let mut head = format!("<!-- infra plan: {}/{} -->\n", marker(&plan.stack), marker(&plan.environment));
    let warnings = said(plan, warnings);
    let whose = format!("{} ({}) in {}", code(&plan.stack), code(&plan.environment), code(&plan.region));
    if plan.is_empty() {
        let resources = plan.steps.len();
        let are = if resources == 1 { "resource is" } else { "resources are" };
        let _ = writeln!(head, "**No changes** for {whose}: {resources} {are} as the stack says.");
        let room = limit.saturating_sub(length(&head) + AROUND);
        warn(&warnings, room, &mut head);
        return head;
    }
    let _ = writeln!(head, "## Plan for {whose}\n\n{}", summary(plan));
    let sections: Vec<Section> =
        sections(plan, place).into_iter().filter(|section| !section.items.is_empty()).collect();
    let kept = sections.len() * HEADING + AROUND;
    let quarter = limit.saturating_sub(length(&head) + kept) / 4;
    let destroyed = destroyed(plan, quarter);
    if !destroyed.is_empty() {
        let _ = writeln!(head, "\n> [!CAUTION]\n> {destroyed}");
    }
    warn(&warnings, quarter, &mut head);
    let mut room = limit.saturating_sub(length(&head) + kept);
    let mut texts = vec![String::new(); sections.len()];
    let mut left_out = 0;
    // The outputs are few and stand last: they take their room before what may be many.
    let last = sections.len().saturating_sub(1);
    let outputs_first = sections.last().is_some_and(|section| section.kind == Kind::Outputs);
    let order = outputs_first.then_some(last).into_iter().chain(0..sections.len() - usize::from(outputs_first));
    for index in order {
        let (text, without) = sections[index].text(&mut room);
        texts[index] = text;
        left_out += without;
    }
    head.extend(texts);
    if left_out > 0 {
        let things = if left_out == 1 { "1 is" } else { &format!("{left_out} are") };
        let _ = writeln!(
            head,
            "\n_{things} left out: a comment has no room for more. `infra plan` without `--format markdown` shows \
             everything._"
        );
    }
    head
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn summary(plan: &Plan) -> String {
    let summary = plan.summary();
    let counts = [
        (summary.delete, "to delete", true),
        (summary.replace, "to replace", true),
        (summary.update, "to change", false),
        (summary.create, "to create", false),
        (summary.recover, "to recover", false),
        (summary.moved, "to move", false),
        (summary.forget, "to forget", false),
    ];
    let mut parts: Vec<_> = counts
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, what, danger)| if danger { format!("**{number} {what}**") } else { format!("{number} {what}") })
        .collect();
    match plan.outputs.len() {
        0 => {}
        1 => parts.push("1 output changes".to_owned()),
        number => parts.push(format!("{number} outputs change")),
    }
    format!("{}; {} unchanged.", parts.join(", "), summary.keep)
}

/// Which resources are deleted or replaced, with names of at most `room` characters.
fn destroyed(plan: &Plan, room: usize) -> String {
    let mut parts = Vec::new();
    for (what, kinds) in
        [("Deletes", &[Action::Delete][..]), ("Replaces", &[Action::Replace, Action::ReplaceDeleteFirst])]
    {
        let steps: Vec<_> = plan.steps.iter().filter(|step| kinds.contains(&step.action)).collect();
        if steps.is_empty() {
            continue;
        }
        // One half for each.
        let names: Vec<_> = fitting(steps.iter().map(|step| code(step.address.as_str())), 2, room / 2);
        let more = match (names.len(), steps.len() - names.len()) {
            (_, 0) => String::new(),
            (0, 1) => "1 resource".to_owned(),
            (0, number) => format!("{number} resources"),
            (_, number) => format!(" and {number} more"),
        };
        parts.push(format!("**{what}** {}{more}.", names.join(", ")));
    }
    parts.join(" ")
}

/// The first few texts, as many as fit in `room` characters where each takes `around` besides its own.
fn fitting(texts: impl Iterator<Item = String>, around: usize, mut room: usize) -> Vec<String> {
    let mut fit = Vec::new();
    for text in texts.take(NAMED) {
        match room.checked_sub(length(&text) + around) {
            Some(rest) => room = rest,
            None => break,
        }
        fit.push(text);
    }
    fit
}

/// The warnings about the stack, and what of it would cause downtime.
fn said(plan: &Plan, warnings: &[Diagnostic]) -> Vec<String> {
    let text = |message: &str, place: Option<Place>, help: Option<&str>| {
        let place = place.map(|place| format!(" ({})", code(&short_place(&place)))).unwrap_or_default();
        let help = help.map(|help| format!(" {}", prose(help))).unwrap_or_default();
        format!("> - {}{place}{help}\n", prose(message))
    };
    let warnings = warnings
        .iter()
        .map(|warning| text(&warning.message, warning.span.as_ref().map(|span| span.place()), warning.help.as_deref()));
    let lints = plan.lints.iter().map(|lint| {
        let message = format!("{}: {}: {}", lint.address, lint.lint, lint.message);
        text(&message, Some(lint.place.clone()), Some(&lint.help))
    });
    warnings.chain(lints).collect()
}

/// Adds the warnings, of at most `room` characters.
fn warn(warnings: &[String], room: usize, out: &mut String) {
    if warnings.is_empty() {
        return;
    }
    out.push_str("\n> [!WARNING]\n");
    let shown = fitting(warnings.iter().cloned(), 0, room);
    out.push_str(&shown.concat());
    match (shown.len(), warnings.len() - shown.len()) {
        (_, 0) => {}
        (0, number) => out.push_str(&format!("> - {number}, too long to be shown here\n")),
        (_, number) => out.push_str(&format!("> - and {number} more\n")),
    }
}

/// `file:line`.
fn short_place(place: &Place) -> String {
    format!("{}:{}", place.file.display(), place.line)
}

/// What stands together under one heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Delete,
    Replace,
    Recover,
    Drift,
    Update,
    Create,
    Forget,
    Move,
    Outputs,
}

impl Kind {
    /// Where a step stands; one with drift and changes of its own stands under drift as well.
    fn of(step: &Step) -> Self {
        let drift_alone = !step.changes.is_empty() && step.changes.iter().all(|change| change.cause == Cause::Drift);
        match step.action {
            Action::Delete => Self::Delete,
            Action::Replace | Action::ReplaceDeleteFirst => Self::Replace,
            Action::Recover => Self::Recover,
            Action::Create if step.deleted_outside => Self::Drift,
            Action::Update if drift_alone => Self::Drift,
            Action::Update => Self::Update,
            Action::Create => Self::Create,
            Action::Forget => Self::Forget,
            Action::Keep => Self::Move,
        }
    }

    const ALL: [Self; 9] = [
        Self::Delete,
        Self::Replace,
        Self::Recover,
        Self::Drift,
        Self::Update,
        Self::Create,
        Self::Forget,
        Self::Move,
        Self::Outputs,
    ];

    fn heading(self, number: usize) -> String {
        match self {
            Self::Delete => format!("⚠️ {number} to delete"),
            Self::Replace => format!("⚠️ {number} to replace"),
            Self::Recover => format!("{number} to recover: begun, and not finished"),
            Self::Drift => format!("{number} changed outside infra, and put back by this plan"),
            Self::Update => format!("{number} to change"),
            Self::Create => format!("{number} to create"),
            Self::Forget => format!("{number} to forget: they stay in AWS, infra no longer manages them"),
            Self::Move => format!("{number} to move to another address"),
            Self::Outputs => "Outputs".to_owned(),
        }
    }

    /// Whether it is seen without unfolding.
    fn in_sight(self) -> bool {
        matches!(self, Self::Delete | Self::Replace)
    }
}

struct Section {
    kind: Kind,
    items: Vec<Item>,
}

/// One resource or output.
struct Item {
    /// With all that changes.
    full: String,
    /// Where there is no room for that.
    brief: String,
}

impl Section {
    /// The section as far as there is room for it, and how many of its items are left out.
    fn text(&self, room: &mut usize) -> (String, usize) {
        let mut body = String::new();
        let mut shown = 0;
        for item in &self.items {
            let fits = |text: &str| length(text) <= *room;
            let Some(text) = [&item.full, &item.brief].into_iter().find(|text| fits(text)) else { break };
            *room -= length(text);
            body.push_str(text);
            shown += 1;
        }
        let without = self.items.len() - shown;
        let heading = self.kind.heading(self.items.len());
        let mut out = match self.kind.in_sight() {
            true => format!("\n### {heading}\n\n"),
            false => format!("\n<details>\n<summary>{heading}</summary>\n\n"),
        };
        if shown > 0 {
            let _ = write!(out, "```diff\n{body}```\n");
        }
        if without > 0 {
            let _ = writeln!(out, "\n_{without} more of these are left out here._");
        }
        if !self.kind.in_sight() {
            out.push_str("\n</details>\n");
        }
        (out, without)
    }
}

fn sections(plan: &Plan, place: PlaceOf<'_>) -> Vec<Section> {
    let mut sections: Vec<_> = Kind::ALL.into_iter().map(|kind| Section { kind, items: Vec::new() }).collect();
    let mut add = |kind: Kind, item: Item| {
        if let Some(section) = sections.iter_mut().find(|section| section.kind == kind) {
            section.items.push(item);
        }
    };
    for step in plan.steps.iter().filter(|step| step.action != Action::Keep || step.moved_from.is_some()) {
        let kind = Kind::of(step);
        // What destroys stands in sight with all that changes, whatever it comes from.
        if matches!(kind, Kind::Delete | Kind::Replace | Kind::Recover | Kind::Drift) {
            add(kind, resource(step, kind, place));
            continue;
        }
        let (drift, own): (Vec<_>, Vec<_>) =
            step.changes.iter().cloned().partition(|change| change.cause == Cause::Drift);
        if !drift.is_empty() {
            add(Kind::Drift, resource(&Step { changes: drift, moved_from: None, ..step.clone() }, Kind::Drift, place));
        }
        add(kind, resource(&Step { changes: own, ..step.clone() }, kind, place));
    }
    for output in &plan.outputs {
        let change = Change {
            path: output.name.clone(),
            old: output.old.clone(),
            new: output.new.clone(),
            cause: Cause::Stack,
            replaces: false,
        };
        let full = changes(std::slice::from_ref(&change), "");
        let brief = format!("! {}: too long to be shown here\n", line(&output.name));
        add(Kind::Outputs, Item { full: if length(&full) > RESOURCE { brief.clone() } else { full }, brief });
    }
    sections
}

/// One resource: its heading, why, and what changes.
fn resource(step: &Step, kind: Kind, place: PlaceOf<'_>) -> Item {
    let mut title = format!("{}  {}", line(step.address.as_str()), line(&step.type_name));
    if let Some(id) = &step.id {
        let _ = write!(title, "  {}", line(id.as_str()));
    }
    let at = step.place.as_ref().map(|place| format!("  {}", line(&short_place(place)))).unwrap_or_default();
    let mut head = match kind {
        Kind::Delete => format!("- {title}\n"),
        Kind::Create => format!("+ {title}{at}\n"),
        Kind::Forget | Kind::Move => format!("! {title}{at}\n"),
        _ => format!("@@ {title}{at} @@\n"),
    };
    for note in notes(step, kind, place) {
        let _ = writeln!(head, "# {}", line(&note));
    }
    let body = match step.action {
        Action::Create => creation(&step.changes),
        _ => changes(&step.changes, "  "),
    };
    let mut brief = head.clone();
    if !step.changes.is_empty() {
        let number = step.changes.len();
        let properties = if number == 1 { "1 property" } else { &format!("{number} properties") };
        let _ = writeln!(brief, "# {properties}, too long to be shown here");
    }
    let full = format!("{head}{body}");
    Item { full: if length(&full) > RESOURCE { brief.clone() } else { full }, brief }
}

fn notes(step: &Step, kind: Kind, place: PlaceOf<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if kind == Kind::Drift && step.deleted_outside {
        notes.push("was deleted outside infra; it is made again".to_owned());
    } else if kind != Kind::Drift {
        notes.extend(step.reason.clone());
        notes.extend(step.defaults.iter().map(|path| default_note(path)));
    }
    for change in step.changes.iter().filter(|change| change.replaces) {
        let at = place(&step.address, &change.path).or_else(|| step.place.clone());
        let drifted = (change.cause == Cause::Drift).then(|| "changed outside infra".to_owned());
        let said: Vec<String> = at.map(|place| short_place(&place)).into_iter().chain(drifted).collect();
        if !said.is_empty() {
            notes.push(format!("{}: {}", change.path, said.join(", ")));
        }
    }
    let drifted = step.changes.iter().filter(|change| change.cause == Cause::Drift && !change.replaces);
    let drifted: Vec<_> = drifted.map(|change| change.path.as_str()).collect();
    if kind != Kind::Drift && !drifted.is_empty() {
        notes.push(format!("changed outside infra: {}", drifted.join(", ")));
    }
    notes.extend(match step.action {
        Action::ReplaceDeleteFirst if kind == Kind::Replace => {
            Some("the old one is deleted before the new one is made".to_owned())
        }
        Action::Replace if kind == Kind::Replace => {
            Some("the new one is made before the old one is deleted".to_owned())
        }
        _ => None,
    });
    notes.extend(step.moved_from.as_ref().map(|from| format!("moved from {from}")));
    notes
}
