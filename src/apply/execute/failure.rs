//! What becomes of an operation that failed and of those that depend on it, and what is told of it.

use std::collections::HashSet;
use std::time::Duration;

use super::Execution;
use crate::address::Address;
use crate::apply::event::{Activity, Event, Failure, Related};
use crate::apply::operation::{DeleteCause, Operation, Work};
use crate::apply::redact::{redact, texts};
use crate::cloud::{Cloud, CloudError, ErrorKind};
use crate::diagnostic::Place;
use crate::plan::Shown;
use crate::state::Record;

/// Places that a failure names beside its own.
const RELATED: usize = 3;

impl<C: Cloud> Execution<'_, C> {
    /// Names what still uses a thing that can't be deleted for it.
    pub(super) fn explained(&self, operation: &Operation, mut error: CloudError) -> CloudError {
        if error.kind == ErrorKind::InUse {
            let uses =
                |managed: &Record| managed.dependencies.iter().any(|on| *self.ledger.now(on) == operation.address);
            let gone: HashSet<&Address> = self
                .report
                .done
                .iter()
                .filter(|(_, activity)| *activity == Activity::Delete)
                .map(|(address, _)| address)
                .collect();
            let records = self.ledger.records.iter().filter(|(address, _)| !gone.contains(address));
            let users = records.filter(|(_, managed)| uses(managed.record));
            let users: Vec<String> = users.map(|(address, _)| format!("`{address}`")).take(5).collect();
            if !users.is_empty() {
                error.message.push_str(&format!(" (on record as using it: {})", users.join(", ")));
            }
        }
        error
    }

    pub(super) fn fail(&mut self, index: usize, mut error: CloudError, place: Option<Place>, took: Duration) {
        let operation = self.operation(index);
        if !error.details.is_empty() {
            let details = error.details.iter_mut().flat_map(texts);
            redact(details.chain([&mut error.message]), self.run.graph, &self.known);
        }
        let (address, type_name) = (operation.address.clone(), operation.type_name.clone());
        let activity = operation.work.activity().unwrap_or(Activity::Update);
        let related = if error.details.is_empty() { Vec::new() } else { self.related(operation) };
        (self.run.events)(Event::Failed {
            address: address.clone(),
            type_name: type_name.clone(),
            activity,
            error: error.clone(),
            place: place.clone(),
            related: related.clone(),
            took,
        });
        self.report.failed.push(Failure { address: address.clone(), type_name, activity, error, place, related });
        let mut told = HashSet::from([address.clone()]);
        for given_up in self.schedule.failed(index) {
            let operation = self.operation(given_up);
            if operation.work.activity().is_none() || !told.insert(operation.address.clone()) {
                continue;
            }
            self.report.skipped.push((operation.address.clone(), Some(address.clone())));
            let made = (operation.address.clone(), Activity::Create);
            let follows = match &operation.work {
                Work::Delete { cause: DeleteCause::Unwanted, .. } => true,
                Work::Delete { cause: DeleteCause::ReplacedBy(_), .. } => self.report.done.contains(&made),
                _ => false,
            };
            if follows && !self.run.plan.destroy && self.run.graph.index(&operation.address).is_some() {
                self.report.predecessors.push(operation.address.clone());
            }
            (self.run.events)(Event::Skipped {
                address: operation.address.clone(),
                type_name: operation.type_name.clone(),
                because: address.clone(),
            });
        }
    }

    /// Where the stack changed what this one depends on: what made it fail is more often there than in itself.
    fn related(&self, operation: &Operation) -> Vec<Related> {
        let graph = self.run.graph;
        let Some(node) = operation.work.node() else { return Vec::new() };
        let depends_on = |address: &Address| {
            graph.index(address).filter(|other| graph.nodes()[node].dependencies.binary_search(other).is_ok())
        };
        let mut related = Vec::new();
        for step in &self.run.plan.steps {
            let Some(dependency) = depends_on(&step.address) else { continue };
            for change in &step.changes {
                let (Shown::Value(old), Shown::Value(new)) = (&change.old, &change.new) else { continue };
                if let Some((path, span)) = graph.blame(dependency, &change.path, old, new) {
                    let note = format!("`{path}` of {} changed", step.address);
                    related.push(Related { place: span.place(), note });
                }
            }
        }
        related.truncate(RELATED);
        related
    }
}
