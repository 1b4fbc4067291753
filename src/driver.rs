//! The way from a checked stack to an apply: lookups → graph → batched reads → plan → apply.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::apply::{self, Event, Interrupt, Report, Run, Stopped};
use crate::cloud::{Cloud, CloudError, ErrorKind, Live, Lookup};
use crate::diagnostic::Diagnostic;
use crate::plan::{self, LiveResources, Options, Plan, ToRead, to_read};
use crate::stack::{Answers, Checked, Graph, Needs};
use crate::state::{self, Journal, LogKey, OpenOptions, State, Store};
use crate::value::Value;

/// How long to wait before each further look for what an interrupted run made.
const UNSEEN_PAUSES: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(6)];

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stack is wrong, or something in it stands against what would happen.
    #[error("the stack can't be planned")]
    Stack(Vec<Diagnostic>),
    /// Questions about the world have no answer.
    #[error("{} can't be looked up", listed(.0))]
    Lookup(Vec<(Lookup, CloudError)>),
    /// What exists can't be read.
    #[error("what exists can't be read: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Read(Vec<CloudError>),
    /// The state can't be read or taken.
    #[error(transparent)]
    State(#[from] state::Error),
}

fn listed(lookups: &[(Lookup, CloudError)]) -> String {
    let named = lookups.iter().map(|(lookup, error)| format!("{lookup} ({error})"));
    named.collect::<Vec<_>>().join(", ")
}

/// A plan with all that it was made from, and all that an apply of it needs.
pub struct Planned {
    /// The stack.
    pub graph: Graph,
    /// What is on record.
    pub state: State,
    /// What the cloud told.
    pub live: LiveResources,
    /// What would happen.
    pub plan: Plan,
}

/// Shows the plan alone: what the cloud told is in clear, secrets of the stack among it.
impl fmt::Debug for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planned").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// Brings a cloud and a store together.
#[derive(Clone, Debug)]
pub struct Driver<C> {
    /// Where resources are.
    pub cloud: C,
    /// Where the logs are.
    pub store: Arc<dyn Store>,
}

impl<C: Cloud> Driver<C> {
    /// A driver of `cloud` that keeps its logs in `store`.
    pub fn new(cloud: C, store: Arc<dyn Store>) -> Self {
        Self { cloud, store }
    }

    /// Expands a stack, looking up what it needs to know.
    ///
    /// # Errors
    /// [`Error::Stack`] with mistakes that show only now, [`Error::Lookup`] where there is no answer.
    pub async fn graph(&self, checked: &Checked) -> Result<Graph, Error> {
        let mut answers = Answers::new();
        loop {
            match checked.graph(&answers) {
                Ok(graph) => return Ok(graph),
                Err(Needs::Errors(errors)) => return Err(Error::Stack(errors)),
                Err(Needs::Lookups(lookups)) => {
                    let answered = answers.len();
                    self.look_up(lookups, &mut answers).await?;
                    if answers.len() == answered {
                        return Err(Error::Stack(Vec::new()));
                    }
                }
            }
        }
    }

    async fn look_up(&self, lookups: Vec<Lookup>, answers: &mut Answers) -> Result<(), Error> {
        let (stacks, others): (Vec<Lookup>, Vec<Lookup>) =
            lookups.into_iter().partition(|lookup| matches!(lookup, Lookup::Stack { .. }));
        let mut failed = Vec::new();
        if !others.is_empty() {
            let found = self.cloud.lookup(&others).await;
            for (lookup, answer) in others.into_iter().zip(found) {
                match answer {
                    Ok(value) => drop(answers.insert(lookup, value)),
                    Err(error) => failed.push((lookup, error)),
                }
            }
        }
        for lookup in stacks {
            match self.outputs_of(&lookup).await? {
                Some(outputs) => drop(answers.insert(lookup, outputs)),
                None => {
                    let message = "it was never applied from here";
                    failed.push((lookup, CloudError::new(ErrorKind::NotFound, "state", message)));
                }
            }
        }
        if failed.is_empty() { Ok(()) } else { Err(Error::Lookup(failed)) }
    }

    /// The outputs of another stack as last applied.
    async fn outputs_of(&self, lookup: &Lookup) -> Result<Option<Value>, Error> {
        let Lookup::Stack { stack, environment } = lookup else { return Ok(None) };
        let log = LogKey::new(stack.as_str(), environment.as_str());
        let state = State::load(&*self.store, &log).await?;
        Ok((state.serial > 0).then(|| state.outputs.into_iter().collect()))
    }

    /// The number of the account that the cloud is asked with.
    ///
    /// # Errors
    /// [`Error::Lookup`] where it can't be told.
    pub async fn account(&self) -> Result<String, Error> {
        let mut answers = Answers::new();
        self.look_up(vec![Lookup::Account], &mut answers).await?;
        let account = answers.get(&Lookup::Account).and_then(|account| account.get("account_id"));
        Ok(account.and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// What is on record of a stack, without taking its log.
    pub async fn state(&self, graph: &Graph) -> Result<State, Error> {
        Ok(State::load(&*self.store, &log_of(graph)).await?)
    }

    /// Takes the log of a stack.
    pub async fn open(&self, graph: &Graph, options: OpenOptions) -> Result<(Journal, State), Error> {
        Ok(Journal::open(Arc::clone(&self.store), log_of(graph), options).await?)
    }

    /// Plans: reads what exists and compares.
    ///
    /// # Errors
    /// [`Error::Read`] where the cloud can't be read, [`Error::Stack`] with all that stands against the plan.
    pub async fn plan(&self, graph: Graph, state: State, options: &Options) -> Result<Planned, Error> {
        let reads = to_read(&graph, &state, options).map_err(Error::Stack)?;
        let live = self.seen(reads, &state).await.map_err(Error::Read)?;
        let plan = plan::plan(&graph, &state, &live, options).map_err(Error::Stack)?;
        Ok(Planned { graph, state, live, plan })
    }

    /// Reads what exists. What an interrupted run made, and nobody saw ready since, may not show yet: it is looked for again
    /// before it counts as gone, for whoever makes it once more loses the first one.
    async fn seen(&self, reads: Vec<ToRead>, state: &State) -> Result<LiveResources, Vec<CloudError>> {
        let unsettled = |read: &&ToRead| state.resources.get(&read.address).is_some_and(|record| !record.settled);
        let new: Vec<ToRead> = reads.iter().filter(unsettled).cloned().collect();
        let mut live = read(&self.cloud, reads).await?;
        for pause in UNSEEN_PAUSES {
            let missing = |read: &&ToRead| live.get(&read.address).is_none_or(Option::is_none);
            let missing: Vec<ToRead> = new.iter().filter(missing).cloned().collect();
            if missing.is_empty() {
                break;
            }
            sleep(pause).await;
            live.extend(read(&self.cloud, missing).await?);
        }
        Ok(live)
    }

    /// Carries out a plan, which must have been made from the state that `journal` was opened with.
    ///
    /// # Errors
    /// [`Stopped`] where the journal was lost. What the cloud refuses is in the [`Report`].
    pub async fn apply(
        &self,
        planned: &Planned,
        journal: &Journal,
        events: &(dyn Fn(Event) + Send + Sync),
        interrupt: watch::Receiver<Interrupt>,
    ) -> Result<Report, Stopped> {
        let Planned { graph, state, live, plan } = planned;
        apply::apply(Run { plan, graph, state, live, journal, cloud: &self.cloud, events }, interrupt).await
    }
}

/// The log of a stack.
pub fn log_of(graph: &Graph) -> LogKey {
    LogKey::new(Arc::clone(graph.stack()), Arc::clone(graph.environment()))
}

/// Reads resources, as many with one call as their types allow, all types at once.
///
/// # Errors
/// All that failed, by type.
pub async fn read<C: Cloud>(cloud: &C, reads: Vec<ToRead>) -> Result<LiveResources, Vec<CloudError>> {
    let mut by_type: BTreeMap<String, Vec<ToRead>> = BTreeMap::new();
    for read in reads {
        by_type.entry(read.type_name.clone()).or_default().push(read);
    }
    let mut calls = Vec::new();
    for (type_name, reads) in &by_type {
        let Some(kind) = cloud.catalog().get(type_name) else { continue };
        for batch in reads.chunks(kind.read_batch.max(1)) {
            calls.push(async move {
                let ids: Vec<_> = batch.iter().map(|read| read.id.clone()).collect();
                (batch, cloud.read(kind, &ids).await)
            });
        }
    }
    let mut live = LiveResources::new();
    let mut errors = Vec::new();
    for (batch, answer) in join_all(calls).await {
        match answer {
            Ok(found) => {
                let mut found: HashMap<_, Live> = found.into_iter().map(|live| (live.id.clone(), live)).collect();
                live.extend(batch.iter().map(|read| (read.address.clone(), found.remove(&read.id))));
            }
            Err(error) if !errors.contains(&error) => errors.push(error),
            Err(_) => {}
        }
    }
    if errors.is_empty() { Ok(live) } else { Err(errors) }
}
