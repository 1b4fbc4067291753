//! Carrying out a plan: the only part that changes anything.
//!
//! [`apply`] turns the steps of a plan into operations, starts each as soon as what it waits for allows, and writes
//! ahead into the journal, so that it may be cut off at any point.

use std::sync::Arc;

use tokio::sync::watch;

use crate::cloud::{Cloud, Reporter};
use crate::diagnostic::Diagnostic;
use crate::plan::ledger::Ledger;
use crate::plan::{LiveResources, Plan};
use crate::stack::Graph;
use crate::state::{self, Journal, State};

mod evaluate;
mod event;
mod execute;
mod job;
mod operation;
mod outputs;
mod perform;
mod recover;
mod redact;
mod schedule;

pub use event::{Activity, Event, Failure, Outcome, Related, Report, Warning};

/// What the user asked of an apply under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interrupt {
    /// Nothing.
    #[default]
    None,
    /// To start nothing new, and end once what is under way is done and on record.
    Drain,
    /// To stop at once; the journal tells the next run what was under way.
    Stop,
}

/// All that an apply needs.
pub struct Run<'a, C> {
    /// What to do.
    pub plan: &'a Plan,
    /// The stack that it was planned from.
    pub graph: &'a Graph,
    /// The state that it was planned from, as the journal gave it.
    pub state: &'a State,
    /// What the cloud told when it was planned.
    pub live: &'a LiveResources,
    /// Where everything is written first.
    pub journal: &'a Journal,
    /// What is changed.
    pub cloud: &'a C,
    /// Told everything that happens.
    pub events: &'a (dyn Fn(Event) + Send + Sync),
}

/// Why an apply stopped though nobody asked for it: what it does could no longer be recorded.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The journal was lost or can't be written.
    #[error("stopped, because the state can't be written any more: {error}")]
    Journal {
        /// Why.
        #[source]
        error: state::Error,
        /// What was done until then.
        report: Box<Report>,
    },
    /// The plan does not fit the state.
    #[error("the plan does not fit the state")]
    Plan(Vec<Diagnostic>),
}

/// Carries out a plan.
///
/// A plan that changes nothing makes no call, but may bring the record up to date.
///
/// # Errors
/// [`Stopped`] where the journal was lost. What the cloud refuses is in the [`Report`].
pub async fn apply<C: Cloud>(run: Run<'_, C>, interrupt: watch::Receiver<Interrupt>) -> Result<Report, Stopped> {
    let ledger = Ledger::new(run.graph, run.state).map_err(Stopped::Plan)?;
    run.journal.moved(ledger.moves.clone()).await.map_err(Stopped::before_start)?;
    let mut operations = operation::Operations::new(run.plan, run.graph, &ledger);
    let schedule = operations.schedule();
    let (reporter, told) = Reporter::new();
    let performer = perform::Performer {
        cloud: run.cloud,
        journal: run.journal,
        stack: Arc::clone(run.graph.stack()),
        environment: Arc::clone(run.graph.environment()),
        events: run.events,
        reporter,
    };
    let work = execute::execute(&run, &performer, &ledger, &operations, schedule, told, interrupt);
    run.journal.fence().around(work).await
}

impl Stopped {
    fn before_start(error: state::Error) -> Self {
        Self::Journal { error, report: Box::new(Report::new(Outcome::Failed)) }
    }
}
