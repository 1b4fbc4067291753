//! `infra rollback`.

use std::process::ExitCode;

use futures::future::join_all;
use tokio::sync::watch;

use crate::address::{Address, OpId};
use crate::apply::Interrupt;
use crate::cli::args::{ChangeArgs, Format, FormatArgs, StackArgs, StateArgs, address};
use crate::cli::error::{CommandError, Kind};
use crate::cli::run::{self, Session, until_interrupted};
use crate::cli::service::of_name;
use crate::cli::style::{GREEN, RED, YELLOW, count, harmless, paint};
use crate::cli::{interrupt, progress, render, terminal};
use crate::cloud::services::Services;
use crate::cloud::{Op, Reporter, Saying};
use crate::driver::Driver;
use crate::rollback::{left, services, unmoved};
use crate::stack::Graph;
use crate::state::{Journal, State};

/// What comes after a rollback.
const FORWARD: &str = "The next apply deploys what the stack's files and parameters ask for by then.\n";

/// Take services back to what served before
///
/// A deployment that is under way is stopped, and Amazon ECS rolls it back. Where none is, the task definition becomes again
/// what the last successful deployment before this one ran, as a plan that is shown, asked about, applied and put on record
/// like any other; nothing else of the stack is touched. What else is on record at the image that was taken back (an SSM
/// parameter, an output) is named at the end, and stays until an apply changes it. The next apply deploys what the stack's
/// files and parameters ask for by then.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra rollback stacks/notification -e prod                          all services of the stack
  infra rollback stacks/notification -e prod --service Api.Service    one
  infra rollback stacks/notification -e prod --auto-approve           in a pipeline")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    stack: StackArgs,

    /// Only this service: its address, that of the component it is in, or the last part of either
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    service: Option<Address>,

    #[command(flatten)]
    state: StateArgs,

    #[command(flatten)]
    change: ChangeArgs,

    #[command(flatten)]
    format: FormatArgs,
}

pub(in crate::cli) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let interrupts = interrupt::listen();
    let prepare = async {
        // Nothing but task definitions is looked at, so that no parameter needs a value.
        let session = Session::start(&args.stack, &args.state, true).await?;
        let graph = session.graph().await?;
        let state = session.driver.state(&graph).await;
        let state = state.map_err(|error| CommandError::from(error).at(&session.place))?;
        let chosen = chosen(args, &state)?;
        // A name that is none is told as that, whether or not somebody could be asked.
        args.change.check()?;
        let under_way = under_way(&session.driver, &state, &chosen).await?;
        Ok((session, graph, chosen, under_way))
    };
    let (session, graph, chosen, under_way) = until_interrupted(&interrupts, prepare).await?;
    if !under_way.is_empty() {
        return stop(args, &session.driver, &graph, under_way, &interrupts).await;
    }
    let (journal, state) = run::open(&session, &graph, "rollback", &args.change, &interrupts).await?;
    let result = held(args, &session.driver, graph, state, &journal, &chosen, &interrupts).await;
    run::let_go(&journal, &interrupts, result).await
}

/// The services that are asked for.
fn chosen(args: &Args, state: &State) -> Result<Vec<Address>, CommandError> {
    match &args.service {
        Some(name) => of_name(state, name),
        None => {
            let all: Vec<Address> = services(state, None).into_iter().map(|(address, _)| address.clone()).collect();
            if all.is_empty() {
                return Err(CommandError::failed(
                    "no service is on record of this stack: there is nothing to take back",
                ));
            }
            Ok(all)
        }
    }
}

/// The deployments that are under way: the service and what is deployed.
async fn under_way<C: Services>(
    driver: &Driver<C>,
    state: &State,
    chosen: &[Address],
) -> Result<Vec<(Address, String)>, CommandError> {
    let asked = chosen.iter().filter_map(|address| Some((address, state.resources.get(address)?)));
    let asked = asked.map(|(address, record)| async move { (address, driver.cloud.under_way(&record.id).await) });
    let mut found = Vec::new();
    for (address, told) in join_all(asked).await {
        found.extend(told?.map(|revision| (address.clone(), revision)));
    }
    Ok(found)
}

/// Has deployments that are under way rolled back. Their record is right already, or becomes it when whoever made them
/// hears of it.
async fn stop<C: Services>(
    args: &Args,
    driver: &Driver<C>,
    graph: &Graph,
    under_way: Vec<(Address, String)>,
    interrupts: &watch::Receiver<Interrupt>,
) -> Result<ExitCode, CommandError> {
    for (address, revision) in &under_way {
        let line = format!("{} {address}: {revision} is being deployed\n", paint(YELLOW, "!"));
        terminal::tell(&line);
    }
    let question = format!("Stop and roll back {}?", count(under_way.len(), "deployment"));
    until_interrupted(interrupts, args.change.confirm(&question)).await?;
    let state = driver.state(graph).await?;
    let (reporter, mut told) = Reporter::new();
    let json = args.format.format == Format::Json;
    let telling = tokio::spawn(async move {
        while let Some(told) = told.recv().await {
            if let (false, Saying::Progress(text)) = (json, told.saying) {
                terminal::tell(&format!("… {} {}\n", told.address, harmless(&text)));
            }
        }
    });
    let work = under_way.iter().filter_map(|(address, _)| {
        let record = state.resources.get(address)?;
        let (stack, environment) = (graph.stack().clone(), graph.environment().clone());
        let op = Op::new(OpId::generate(), address.clone(), stack, environment).reporting(reporter.clone());
        Some(async move { (address, driver.cloud.take_back(&op, &record.id).await) })
    });
    let results = join_all(work).await;
    drop(reporter);
    // It ends with the last reporter.
    let _ = telling.await;
    let mut failed = false;
    for (address, result) in &results {
        let line = match result {
            Ok(serves) => format!("{} {address}: {serves} serves again\n", paint(GREEN, "Rolled back:")),
            Err(error) => {
                failed = true;
                format!("{} {address}: {}\n", paint(RED, "Failed:"), harmless(&error.to_string()))
            }
        };
        terminal::tell(&line);
    }
    if json {
        progress::tell_stopped(&results)?;
    }
    if failed {
        return Err(CommandError::told(Kind::Failed));
    }
    if !json {
        terminal::tell("What else was applied with it stays as it is.\n");
        terminal::tell(FORWARD);
    }
    Ok(ExitCode::SUCCESS)
}

/// What is done while the log is held.
async fn held<C: Services>(
    args: &Args,
    driver: &Driver<C>,
    graph: Graph,
    state: State,
    journal: &Journal,
    chosen: &[Address],
    interrupts: &watch::Receiver<Interrupt>,
) -> Result<ExitCode, CommandError> {
    let planning = async {
        let way = driver.way_back(&graph, &state, chosen).await?;
        for (address, why) in &way.stay {
            terminal::tell(&format!("{} {address} stays: {why}\n", paint(YELLOW, "note:")));
        }
        terminal::tell(&render::lacks(&way.lacks));
        let (back, images) = (way.back.clone(), way.images.clone());
        if back.is_empty() {
            return Ok(None);
        }
        let planned = driver.plan_rollback(graph, state, way).await?;
        match back.iter().find_map(|(address, _)| Some((address, unmoved(&planned, address)?))) {
            Some((address, error)) => Err(CommandError::failed(format!("{address}: {}", error.message))),
            None => Ok(Some((planned, back, images))),
        }
    };
    let Some((planned, back, images)) = until_interrupted(interrupts, planning).await? else {
        return Err(CommandError::failed("there is nothing to go back to: nothing was changed"));
    };
    run::show(&planned.plan, args.format.format)?;
    let names: Vec<String> = back.iter().map(|(address, name)| format!("{address} to {name}")).collect();
    let question = format!("Take {} back?", names.join(", "));
    until_interrupted(interrupts, args.change.confirm(&question)).await?;
    let code = run::carry_out(args.format.format, driver, &planned, journal, interrupts).await?;
    let left = left(&driver.state(&planned.graph).await?, &images);
    match args.format.format {
        Format::Json => progress::tell_rolled_back(&back, &left)?,
        Format::Text => {
            terminal::tell(&render::left(&left).into_iter().map(|line| line + "\n").collect::<String>());
            terminal::tell(FORWARD);
        }
    }
    Ok(code)
}
