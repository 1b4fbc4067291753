//! What was done and what really struck, counted.

use std::collections::BTreeMap;
use std::fmt;

use crate::faults::{Effect, Step};

#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) seeds: usize,
    pub(crate) runs: usize,
    /// Runs that changed something while others wanted to.
    pub(crate) rivals: usize,
    pub(crate) takeovers: usize,
    /// Resources that were found again by the operation that made them.
    pub(crate) found: usize,
    /// Clean runs after which all was compared with what the stack wishes.
    pub(crate) checks: usize,
    /// Resources so compared.
    pub(crate) resources: usize,
    struck: BTreeMap<&'static str, BTreeMap<&'static str, usize>>,
}

impl Tally {
    pub(crate) fn struck(&mut self, effect: &Effect, step: Step) {
        *self.struck.entry(effect.name()).or_default().entry(step.name()).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.runs += other.runs;
        self.rivals += other.rivals;
        self.takeovers += other.takeovers;
        self.found += other.found;
        self.checks += other.checks;
        self.resources += other.resources;
        for (effect, steps) in &other.struck {
            for (step, count) in steps {
                *self.struck.entry(effect).or_default().entry(step).or_default() += count;
            }
        }
    }

    /// The faults that never struck.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        Effect::NAMES.into_iter().filter(|name| !self.struck.contains_key(name)).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, runs, rivals, takeovers, found, checks, resources, struck } = self;
        let all: usize = struck.values().flat_map(BTreeMap::values).sum();
        writeln!(f, "{seeds} seeds: {runs} runs, {rivals} of them beside another; {all} faults struck,")?;
        writeln!(f, "{takeovers} takeovers, {found} resources found again by the operation that made them;")?;
        writeln!(f, "{checks} clean runs whose {resources} resources were all as the stack wishes\n")?;
        for name in Effect::NAMES {
            let steps = struck.get(name).cloned().unwrap_or_default();
            let total: usize = steps.values().sum();
            let steps: Vec<String> = steps.iter().map(|(step, count)| format!("{step} {count}")).collect();
            writeln!(f, "{total:>8}  {name:<32} {}", steps.join(", "))?;
        }
        Ok(())
    }
}
