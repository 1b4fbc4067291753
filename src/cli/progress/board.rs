//! What is going on in an apply right now, and how it looks: no clock and no terminal in here.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use console::{measure_text_width, truncate_str};
use indexmap::IndexMap;

use crate::address::Address;
use crate::apply::{Activity, Event};
use crate::cli::style::{BOLD, DIM, count, duration, harmless, paint, verb};
use crate::plan::{Action, Plan};

/// The state of every step of a plan that is being applied.
pub(super) struct Board {
    /// What each step that is not done waits for.
    pending: IndexMap<Address, Vec<Address>>,
    total: usize,
    running: IndexMap<Address, Running>,
    /// Steps that are over, well or not, and how many of them failed or were not tried.
    over: HashSet<Address>,
    failed: usize,
    skipped: usize,
    draining: bool,
    /// How many steps wait for each, straight or through others.
    holds_up: HashMap<Address, usize>,
}

struct Running {
    activity: Activity,
    since: Duration,
    /// How far it is, in its own words.
    said: String,
}

impl Board {
    pub(super) fn new(plan: &Plan) -> Self {
        let pending: IndexMap<_, _> = plan
            .steps
            .iter()
            // To keep and to forget are entries in the record, not work to wait for.
            .filter(|step| !matches!(step.action, Action::Keep | Action::Forget))
            .map(|step| (step.address.clone(), step.after.clone()))
            .collect();
        Self {
            total: pending.len(),
            pending,
            running: IndexMap::new(),
            over: HashSet::new(),
            failed: 0,
            skipped: 0,
            draining: false,
            holds_up: HashMap::new(),
        }
    }

    /// Takes in an event that happened `now` after the start.
    pub(super) fn event(&mut self, event: &Event, now: Duration) {
        match event {
            Event::Started { address, activity, holds_up, .. } => {
                self.pending.shift_remove(address);
                self.over.remove(address);
                self.holds_up.insert(address.clone(), *holds_up);
                self.running.insert(address.clone(), Running { activity: *activity, since: now, said: String::new() });
            }
            Event::Progress { address, text } => {
                if let Some(running) = self.running.get_mut(address) {
                    running.said = harmless(text);
                }
            }
            Event::Finished { address, .. } => self.end(address),
            Event::Failed { address, .. } => {
                self.end(address);
                self.failed += 1;
            }
            Event::Skipped { address, .. } => {
                self.end(address);
                self.skipped += 1;
            }
            Event::Draining { .. } => self.draining = true,
        }
    }

    fn end(&mut self, address: &Address) {
        self.pending.shift_remove(address);
        self.running.shift_remove(address);
        self.over.insert(address.clone());
    }

    /// The lines to show `now`, at most `rows` of `width` characters.
    pub(super) fn frame(&self, now: Duration, width: usize, rows: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let room = rows.saturating_sub(3).max(1);
        let name_width =
            self.running.keys().take(room).map(|name| measure_text_width(name.as_str())).max().unwrap_or(0);
        for (address, running) in self.running.iter().take(room) {
            let verb = verb(running.activity);
            let waits = match self.holds_up.get(address) {
                None | Some(0) => String::new(),
                Some(1) => "  1 waits for it".to_owned(),
                Some(number) => format!("  {number} wait for it"),
            };
            let pad = name_width - measure_text_width(address.as_str());
            let said = if running.said.is_empty() { String::new() } else { format!("  {}", running.said) };
            lines.push(format!(
                "  {} {address}{:pad$}  {} {}{said}{}",
                paint(verb.style, verb.symbol),
                "",
                verb.doing,
                duration(now.saturating_sub(running.since)),
                paint(DIM, waits),
            ));
        }
        if self.running.len() > room {
            lines.push(format!("    and {} more", self.running.len() - room));
        }
        if let Some(waiting) = self.waiting() {
            lines.push(format!("    {}", paint(DIM, waiting)));
        }
        lines.push(self.totals(now));
        lines.iter().map(|line| truncate_str(line, width, "…").into_owned()).collect()
    }

    /// What stands next in line, and for what: the steps that wait for what is running.
    fn waiting(&self) -> Option<String> {
        if self.draining {
            return None;
        }
        let waits: Vec<_> = self
            .pending
            .iter()
            .filter_map(|(address, after)| {
                let blockers: Vec<_> = after.iter().filter(|blocker| self.running.contains_key(*blocker)).collect();
                let ready_but_for = after.iter().filter(|blocker| !self.over.contains(*blocker)).count();
                (!blockers.is_empty() && blockers.len() == ready_but_for).then(|| {
                    format!("{address} (for {})", blockers.iter().map(|b| b.as_str()).collect::<Vec<_>>().join(", "))
                })
            })
            .collect();
        (!waits.is_empty()).then(|| format!("next: {}", waits.join(", ")))
    }

    fn totals(&self, now: Duration) -> String {
        let done = self.total.saturating_sub(self.pending.len() + self.running.len() + self.failed + self.skipped);
        let mut parts = vec![format!("{done} of {} done", count(self.total, "step"))];
        for (number, what) in [
            (self.running.len(), "under way"),
            (self.pending.len(), "waiting"),
            (self.failed, "failed"),
            (self.skipped, "not tried"),
        ] {
            if number > 0 {
                parts.push(format!("{number} {what}"));
            }
        }
        let drain = if self.draining { "stopping, " } else { "" };
        format!("  {}  {drain}{}", paint(BOLD, duration(now)), parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    #[test]
    fn shows_what_runs_what_is_next_and_totals() {
        let mut board = Board::new(&samples::plan());
        let mut shown = String::new();
        for (second, event) in samples::events().iter().enumerate() {
            board.event(event, Duration::from_secs(second as u64));
            let frame = board.frame(Duration::from_millis(second as u64 * 1000 + 500), 100, 24).join("\n");
            shown.push_str(&anstream::adapter::strip_str(&frame).to_string());
            shown.push_str("\n---\n");
        }
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn keeps_to_the_terminal() {
        let mut board = Board::new(&samples::plan());
        for number in 0..100 {
            let event = Event::Started {
                address: Address::from(format!("Resource{number}").as_str()),
                type_name: "AWS::SQS::Queue".to_owned(),
                activity: Activity::Create,
                holds_up: 0,
            };
            board.event(&event, Duration::ZERO);
        }
        let frame = board.frame(Duration::ZERO, 40, 10);
        assert!(frame.len() <= 10, "{} lines", frame.len());
        assert!(frame.iter().all(|line| measure_text_width(line) <= 40));
    }
}
