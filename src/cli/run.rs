//! A run against the cloud: from the arguments to a plan, and for what changes something on to its report.

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::args::{ChangeArgs, Format, StackArgs, StateArgs, StatePlace};
use super::error::{CommandError, Kind, NOTHING_CHANGED};
use super::progress::{Progress, tell_plan};
use super::style::{BOLD, count, paint};
use super::{cloud, interrupt, probe, record, render, store, terminal};
use crate::apply::{Interrupt, Outcome, Report, Stopped};
use crate::cloud::services::Services;
use crate::cloud::{Cloud, CloudError, ErrorKind};
use crate::driver::{self, Driver, Planned};
use crate::plan;
use crate::stack::{Checked, Graph};
use crate::state::{self, Journal, State};

/// A checked stack, and what it is planned with.
pub(super) struct Session<C> {
    checked: Checked,
    /// Where its state is kept.
    pub(super) place: StatePlace,
    pub(super) driver: Driver<C>,
}

impl Session<cloud::Provider> {
    /// Reads the stack and connects to the cloud.
    pub(super) async fn start(stack: &StackArgs, state: &StateArgs, destroy: bool) -> Result<Self, CommandError> {
        Self::of(stack.load_for(&cloud::catalog()?, destroy)?, state).await
    }

    /// Connects to the cloud for a stack that is read.
    pub(super) async fn of(checked: Checked, state: &StateArgs) -> Result<Self, CommandError> {
        let cloud = cloud::connect(checked.region()).await?;
        let place = state.place(checked.keeping(), checked.environment())?;
        let store = store::store(&place).await?;
        Ok(Self { checked, place, driver: Driver::new(cloud, store) })
    }
}

impl<C: Cloud> Session<C> {
    /// The stack's graph, its warnings told.
    pub(super) async fn graph(&self) -> Result<Graph, CommandError> {
        let graph = self.driver.graph(&self.checked).await?;
        terminal::tell(&render::diagnostics(graph.warnings()));
        Ok(graph)
    }
}

/// What an apply or a destroy was asked.
pub(super) struct Change<'a> {
    pub(super) command: &'static str,
    pub(super) stack: &'a StackArgs,
    pub(super) state: &'a StateArgs,
    pub(super) options: plan::Options,
    pub(super) change: &'a ChangeArgs,
    pub(super) format: Format,
    /// What is watched, in place of what the stack says.
    pub(super) probe: Option<&'a str>,
}

/// Plans, shows, asks and applies.
pub(super) async fn change(change: Change<'_>) -> Result<ExitCode, CommandError> {
    // A name that is none is told as that, whether or not somebody could be asked.
    if change.stack.path().is_ok_and(Path::exists) {
        change.change.check().map_err(|error| error.hint("to look first: `infra plan`"))?;
    }
    let interrupts = interrupt::listen();
    let prepare = async {
        let session = Session::start(change.stack, change.state, change.options.destroy).await?;
        let graph = session.graph().await?;
        Ok((session, graph))
    };
    let (session, graph) = until_interrupted(&interrupts, prepare).await?;
    let (journal, state) = open(&session, &graph, change.command, change.change, &interrupts).await?;

    let result = held(&change, &session.driver, graph, state, &journal, &interrupts).await;
    let_go(&journal, &interrupts, result).await
}

/// Takes the log; whoever interrupts that leaves it free.
pub(super) async fn open<C: Cloud>(
    session: &Session<C>,
    graph: &Graph,
    command: &str,
    change: &ChangeArgs,
    interrupts: &watch::Receiver<Interrupt>,
) -> Result<(Journal, State), CommandError> {
    let options = record::interruptible(command, change.no_wait, interrupts);
    let opened = session.driver.open(graph, options).await;
    let (journal, state) = opened.map_err(|error| CommandError::from(error).at(&session.place))?;
    record::warn(&state.warnings);
    Ok((journal, state))
}

/// Lets go of the log, whatever happened, so that the next run need not wait. That the log was lost explains what failed.
/// Where the user stopped it at once, what it had sent may still be carried out: then the next run waits as after a crash.
pub(super) async fn let_go(
    journal: &Journal,
    interrupts: &watch::Receiver<Interrupt>,
    result: Result<ExitCode, CommandError>,
) -> Result<ExitCode, CommandError> {
    if *interrupts.borrow() == Interrupt::Stop {
        return result;
    }
    match journal.close().await {
        Err(lost @ state::Error::LostLog { .. }) => Err(lost.into()),
        Err(error) => result.and(Err(error.into())),
        Ok(()) => result,
    }
}

/// What is done while the log is held.
async fn held<C: Services>(
    change: &Change<'_>,
    driver: &Driver<C>,
    graph: Graph,
    state: State,
    journal: &Journal,
    interrupts: &watch::Receiver<Interrupt>,
) -> Result<ExitCode, CommandError> {
    let planning = async { Ok(driver.plan(graph, state, &change.options).await?) };
    let planned = until_interrupted(interrupts, planning).await?;
    show(&planned.plan, change.format)?;
    if !planned.plan.is_empty() {
        let question = question(&planned.plan);
        until_interrupted(interrupts, change.change.confirm(&question)).await?;
    }
    probe::carry_out_watched(change.format, change.probe, driver, planned, journal, interrupts).await
}

/// Shows what is about to be done.
pub(super) fn show(plan: &plan::Plan, format: Format) -> Result<(), CommandError> {
    match format {
        Format::Text => terminal::print(&render::plan_text(plan, terminal::width())),
        Format::Json => tell_plan(plan),
    }
}

/// Does what was shown, and tells how it goes.
pub(super) async fn carry_out<C: Cloud>(
    format: Format,
    driver: &Driver<C>,
    planned: &Planned,
    journal: &Journal,
    interrupts: &watch::Receiver<Interrupt>,
) -> Result<ExitCode, CommandError> {
    let report = apply(format, driver, planned, journal, interrupts).await?;
    match report.outcome {
        Outcome::Done => Ok(ExitCode::SUCCESS),
        Outcome::Failed => Err(CommandError::told(Kind::Failed)),
        Outcome::Interrupted => Err(CommandError::told(Kind::Interrupted)),
    }
}

fn question(plan: &plan::Plan) -> String {
    let whose = format!("{} ({}) in {}", plan.stack, plan.environment, plan.region);
    match plan.destroy {
        true => format!("Delete {} of {whose}?", count(plan.summary().delete, "resource")),
        false => format!("Apply this to {whose}?"),
    }
}

async fn apply<C: Cloud>(
    format: Format,
    driver: &Driver<C>,
    planned: &Planned,
    journal: &Journal,
    interrupts: &watch::Receiver<Interrupt>,
) -> Result<Report, CommandError> {
    let started = Instant::now();
    let silent = planned.plan.is_empty() && format == Format::Text;
    let progress = Mutex::new((!silent).then(|| Progress::new(&planned.plan, format)));
    let tell = |event| {
        if let Some(progress) = progress.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            progress.event(&event);
        }
    };
    let result = driver.apply(planned, journal, &tell, interrupts.clone()).await;
    let (report, stopped) = match result {
        Ok(report) => (report, None),
        Err(Stopped::Journal { error, report }) => (*report, Some(CommandError::from(error))),
        Err(Stopped::Plan(diagnostics)) => return Err(CommandError::stack(diagnostics)),
    };
    if let Some(progress) = progress.into_inner().unwrap_or_else(PoisonError::into_inner) {
        progress.finish(&report)?;
    }
    if format == Format::Text && !silent {
        terminal::tell(&render::diagnostics(&render::failures(&report)));
        terminal::tell(&render::diagnostics(&render::warnings(&report)));
        terminal::print(&render::outcome(&report, started.elapsed()))?;
        if !planned.plan.destroy && stopped.is_none() {
            outputs(driver, planned).await?;
        }
    }
    stopped.map_or(Ok(report), Err)
}

/// Prints the outputs as they are on record now.
async fn outputs<C: Cloud>(driver: &Driver<C>, planned: &Planned) -> Result<(), CommandError> {
    let state = driver.state(&planned.graph).await?;
    if state.outputs.is_empty() {
        return Ok(());
    }
    terminal::print(&format!("\n{}\n{}", paint(BOLD, "Outputs:"), render::outputs(&state.outputs)))
}

/// The result of `work`, unless the user has had enough first; nothing is changed by it yet.
pub(super) async fn until_interrupted<T>(
    interrupts: &watch::Receiver<Interrupt>,
    work: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    tokio::select! {
        result = work => result,
        () = interrupt::heard(interrupts) => Err(CommandError::interrupted(NOTHING_CHANGED)),
    }
}

impl From<driver::Error> for CommandError {
    fn from(error: driver::Error) -> Self {
        match error {
            driver::Error::Stack(diagnostics) => Self::stack(diagnostics),
            driver::Error::State(error) => error.into(),
            driver::Error::Lookup(ref failed) => failed
                .iter()
                .filter_map(|(_, cause)| hint(cause))
                .fold(Self::failed(error.to_string()), Self::hint_once),
            driver::Error::Read(ref errors) => {
                let causes: Vec<_> = errors.iter().map(ToString::to_string).collect();
                let told = Self::failed(format!("what exists can't be read: {}", causes.join("; ")));
                errors.iter().filter_map(hint).fold(told, Self::hint_once)
            }
        }
    }
}

impl From<CloudError> for CommandError {
    fn from(error: CloudError) -> Self {
        let told = Self::failed(error.to_string());
        hint(&error).into_iter().fold(told, Self::hint_once)
    }
}

fn hint(error: &CloudError) -> Option<String> {
    match error.kind {
        ErrorKind::Denied | ErrorKind::Credentials | ErrorKind::Throttled | ErrorKind::Unavailable => {
            render::hint(error.kind, &error.operation)
        }
        _ => None,
    }
}
