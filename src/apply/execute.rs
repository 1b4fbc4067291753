//! Runs the operations: each as soon as what it waits for allows, as many at once as there are.

mod failure;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::evaluate::{Unready, evaluate};
use super::event::{Activity, Event, Outcome, Report, Warning};
use super::job::Job;
use super::operation::{Operation, Operations, Work};
use super::outputs::{known_outputs, sealed};
use super::perform::{Effect, Fault, Made, Performer, Wanted};
use super::recover::LeftOver;
use super::redact::{redact, texts};
use super::schedule::Schedule;
use super::{Interrupt, Run, Stopped};
use crate::address::{Address, OpId};
use crate::cloud::{Cloud, ErrorKind, Live, Saying, Told};
use crate::plan::known::{Known, of_live, on_record};
use crate::plan::ledger::Ledger;
use crate::plan::shape::Shapes;
use crate::state::{self, Begun};
use crate::value::Value;

/// An operation that ended.
struct Ended {
    operation: usize,
    took: Duration,
    result: Result<Effect, Fault>,
}

/// Everything an apply knows while it runs.
pub(super) struct Execution<'a, C> {
    run: &'a Run<'a, C>,
    performer: &'a Performer<'a, C>,
    ledger: &'a Ledger<'a>,
    operations: &'a Operations,
    schedule: Schedule,
    shapes: Shapes,
    known: Known<'a>,
    /// What each node of the graph was evaluated to when its operation started.
    wanted: HashMap<usize, Value>,
    left_over: HashMap<Address, LeftOver>,
    running: FuturesUnordered<BoxFuture<'a, Ended>>,
    made: mpsc::UnboundedSender<Made>,
    /// Deletes that have nothing to delete, because what was to be replaced stays.
    needless: HashSet<usize>,
    /// Whether the credentials are no good any more: whatever starts now would fail alike.
    locked_out: bool,
    report: Report,
}

/// Carries out the plan's operations.
pub(super) async fn execute<'a, C: Cloud>(
    run: &'a Run<'a, C>,
    performer: &'a Performer<'a, C>,
    ledger: &'a Ledger<'a>,
    operations: &'a Operations,
    schedule: Schedule,
    mut told: mpsc::UnboundedReceiver<Told>,
    mut interrupt: watch::Receiver<Interrupt>,
) -> Result<Report, Stopped> {
    let (made, mut existing) = mpsc::unbounded_channel();
    let mut execution = Execution::new(run, performer, ledger, operations, schedule, made);
    let mut ended = pin!(run.journal.ended());
    let mut draining = *interrupt.borrow_and_update() != Interrupt::None;
    let mut listening = true;
    loop {
        while !draining
            && !execution.locked_out
            && let Some(operation) = execution.schedule.start()
        {
            execution.start(operation);
        }
        if execution.running.is_empty() {
            break;
        }
        let fault = tokio::select! {
            biased;
            error = &mut ended => Some(error),
            changed = interrupt.changed(), if listening => {
                listening = changed.is_ok();
                let asked = *interrupt.borrow_and_update();
                match asked {
                    Interrupt::None => {}
                    Interrupt::Drain => {
                        draining = true;
                        execution.tell_draining();
                    }
                    Interrupt::Stop => {
                        execution.report.outcome = Outcome::Interrupted;
                        return Ok(execution.finish());
                    }
                }
                None
            }
            Some(made) = existing.recv() => {
                execution.exists(made);
                None
            }
            Some(progress) = told.recv() => {
                execution.tell(progress);
                None
            }
            Some(ended) = execution.running.next() => {
                // What it said before it ended is told before its end.
                while let Ok(progress) = told.try_recv() {
                    execution.tell(progress);
                }
                execution.end(ended)
            }
        };
        if let Some(error) = fault {
            execution.report.outcome = Outcome::Failed;
            return Err(Stopped::Journal { error, report: Box::new(execution.finish()) });
        }
    }
    execution.report.outcome = match () {
        () if draining => Outcome::Interrupted,
        () if execution.report.failed.is_empty() => Outcome::Done,
        () => Outcome::Failed,
    };
    if let Err(error) = execution.record_outputs().await {
        return Err(Stopped::Journal { error, report: Box::new(execution.finish()) });
    }
    Ok(execution.finish())
}

impl<'a, C: Cloud> Execution<'a, C> {
    fn new(
        run: &'a Run<'a, C>,
        performer: &'a Performer<'a, C>,
        ledger: &'a Ledger<'a>,
        operations: &'a Operations,
        schedule: Schedule,
        made: mpsc::UnboundedSender<Made>,
    ) -> Self {
        let graph = run.graph;
        let mut known = Known::new(graph);
        for (index, node) in graph.nodes().iter().enumerate() {
            if !run.plan.destroy
                && !operations.of_node.contains_key(&index)
                && let Some(managed) = ledger.records.get(&node.address)
            {
                known.set(index, on_record(managed.record));
            }
        }
        let owned = |begun: &Vec<(&OpId, &Begun)>| {
            begun.iter().map(|(op, begun): &(&OpId, &Begun)| ((*op).clone(), (*begun).clone())).collect()
        };
        Self {
            run,
            performer,
            ledger,
            operations,
            schedule,
            shapes: Shapes::new(graph.nodes().iter().map(|node| &node.kind)),
            known,
            wanted: HashMap::new(),
            left_over: ledger.begun.iter().map(|(address, begun)| (address.clone(), owned(begun))).collect(),
            running: FuturesUnordered::new(),
            made,
            needless: HashSet::new(),
            locked_out: false,
            report: Report::new(Outcome::Done),
        }
    }

    fn operation(&self, index: usize) -> &'a Operation {
        &self.operations.list[index]
    }

    fn start(&mut self, index: usize) {
        let operation = self.operation(index);
        let address = &operation.address;
        if self.needless.contains(&index) {
            self.schedule.done(index);
            return;
        }
        let wanted = match operation.work.node() {
            None => None,
            Some(node) => match evaluate(self.run.graph, &self.shapes, &self.known, node) {
                Ok(wanted) => Some(wanted),
                Err(Unready::Unknown(_)) if self.put_off(index, node) => return,
                Err(unready) => {
                    let place = unready.place().or_else(|| operation.place.clone());
                    self.fail(index, unready.into_error(), place, Duration::ZERO);
                    return;
                }
            },
        };
        let wanted = match (&operation.work, wanted) {
            (Work::Keep { node }, Some(wanted)) => match self.stays(*node, wanted) {
                Some(wanted) => Some(wanted),
                None => {
                    self.schedule.done(index);
                    return;
                }
            },
            (_, wanted) => wanted,
        };
        if let Some(activity) = operation.work.activity() {
            (self.run.events)(Event::Started {
                address: address.clone(),
                type_name: operation.type_name.clone(),
                activity,
                holds_up: self.schedule.holds_up(index),
            });
        }
        let job = Job {
            index,
            operation,
            wanted,
            managed: self.ledger.records.get(address).map(|managed| managed.record),
            live: self.live(address),
            left_over: self.take_left_over(operation),
            deposed: self.ledger.deposed(address),
            early: self.schedule.has_early(index).then(|| self.made.clone()),
        };
        if let (Some(wanted), Some(node)) = (&job.wanted, operation.work.node()) {
            self.wanted.insert(node, wanted.properties.clone());
        }
        let performer = self.performer;
        self.running.push(Box::pin(async move {
            let began = Instant::now();
            let result = job.perform(performer).await;
            Ended { operation: index, took: began.elapsed(), result }
        }));
    }

    /// Of a resource that is kept, what is still to be done: nothing where not even its record changes.
    fn stays(&mut self, node: usize, wanted: Wanted) -> Option<Wanted> {
        let Some(managed) = self.ledger.records.get(&wanted.address) else { return Some(wanted) };
        let Some(Some(live)) = self.run.live.get(managed.recorded_at) else { return Some(wanted) };
        if !self.performer.on_record(&wanted, managed.record, live) {
            return Some(wanted);
        }
        self.known.set(node, of_live(&wanted.kind, &wanted.shape, wanted.properties, live, true));
        None
    }

    /// What is left over at an address goes to one operation: the one that makes or keeps it, or its first delete.
    fn take_left_over(&mut self, operation: &Operation) -> LeftOver {
        match operation.work {
            Work::Delete { .. }
                if self
                    .run
                    .graph
                    .index(&operation.address)
                    .is_some_and(|node| self.operations.of_node.contains_key(&node)) =>
            {
                Vec::new()
            }
            _ => self.left_over.remove(&operation.address).unwrap_or_default(),
        }
    }

    fn live(&self, address: &Address) -> Option<Live> {
        let managed = self.ledger.records.get(address)?;
        self.run.live.get(managed.recorded_at)?.clone()
    }

    /// Has an operation that started early wait until what it depends on is done.
    fn put_off(&mut self, index: usize, node: usize) -> bool {
        let of_node = &self.operations.of_node;
        let early = self.run.graph.nodes()[node].early.iter();
        self.schedule.defer(index, early.filter_map(|dependency| of_node.get(dependency)).copied())
    }

    fn exists(&mut self, Made { operation, live }: Made) {
        if let Some(node) = self.operation(operation).work.node()
            && let Some(properties) = self.wanted.get(&node).cloned()
        {
            self.learn(node, properties, &live, false);
        }
        self.schedule.made(operation);
    }

    fn learn(&mut self, node: usize, properties: Value, live: &Live, complete: bool) {
        let kind = &self.run.graph.nodes()[node].kind;
        let attributes = of_live(kind, &self.shapes.of(kind), properties, live, complete);
        self.known.set(node, attributes);
    }

    fn end(&mut self, ended: Ended) -> Option<state::Error> {
        let Ended { operation: index, took, result } = ended;
        let operation = self.operation(index);
        let effect = match result {
            Ok(effect) => effect,
            Err(Fault::Journal(error)) => return Some(error),
            Err(Fault::Cloud(error)) => {
                self.locked_out |= error.kind == ErrorKind::Credentials;
                let error = self.explained(operation, error);
                self.fail(index, error, operation.place.clone(), took);
                return None;
            }
        };
        let (mut id, mut activity) = (None, operation.work.activity());
        if let Effect::Stands { live, replaced } = effect {
            if let Some(node) = operation.work.node()
                && let Some(properties) = self.wanted.remove(&node)
            {
                self.learn(node, properties, &live, true);
            }
            if !replaced {
                self.needless.extend(self.operations.replaced.get(&index));
            }
            // An earlier incarnation may be the present one again.
            self.needless.extend(self.operations.deletes_of(&operation.address, &live.id));
            let deposed = self.ledger.deposed(&operation.address);
            if replaced && deposed.iter().any(|old| old.id == live.id) {
                activity = Some(Activity::Recover);
            }
            id = Some(live.id);
        }
        self.schedule.done(index);
        if let Some(activity) = activity {
            self.report.done.push((operation.address.clone(), activity));
            let (address, type_name) = (operation.address.clone(), operation.type_name.clone());
            (self.run.events)(Event::Finished { address, type_name, activity, id, took });
        }
        None
    }

    fn tell(&mut self, Told { address, saying }: Told) {
        match saying {
            Saying::Progress(text) => (self.run.events)(Event::Progress { address, text }),
            Saying::Warning(mut detail) => {
                redact(texts(&mut detail), self.run.graph, &self.known);
                let node = self.run.graph.index(&address).and_then(|node| self.operations.of_node.get(&node));
                let place = node.and_then(|operation| self.operation(*operation).place.clone());
                self.report.warnings.push(Warning { address, detail, place });
            }
        }
    }

    fn tell_draining(&self) {
        let under_way = self.schedule.under_way().map(|index| self.operation(index).address.clone()).collect();
        (self.run.events)(Event::Draining { under_way });
    }

    /// Records the stack's outputs as far as they are known; what is not known stays as it was.
    async fn record_outputs(&mut self) -> Result<(), state::Error> {
        let run = self.run;
        let outputs = if run.plan.destroy {
            if self.report.outcome != Outcome::Done || run.plan.outputs.is_empty() {
                return Ok(());
            }
            BTreeMap::new()
        } else {
            // What the stack says of a resource whose operation failed or was not tried is not what is there.
            for (node, operation) in &self.operations.of_node {
                if !self.schedule.is_done(*operation) {
                    self.known.set(*node, Value::Unknown);
                }
            }
            known_outputs(run.graph, &self.known, run.state)
        };
        let same = sealed(run.journal, &outputs).is_some_and(|outputs| outputs == run.state.outputs);
        if same { Ok(()) } else { run.journal.outputs(&outputs).await }
    }

    fn finish(&mut self) -> Report {
        if self.report.outcome != Outcome::Done {
            let not_started: Vec<usize> = self.schedule.not_started().collect();
            for index in not_started {
                let operation = self.operation(index);
                if operation.work.activity().is_some() {
                    self.report.skipped.push((operation.address.clone(), None));
                }
            }
        }
        let outcome = self.report.outcome;
        std::mem::replace(&mut self.report, Report::new(outcome))
    }
}
