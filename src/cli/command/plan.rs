//! `infra plan`.

use std::process::ExitCode;

use crate::cli::args::{Format, FormatArgs, StackArgs, StateArgs, TargetArgs};
use crate::cli::error::CommandError;
use crate::cli::run::Session;
use crate::cli::{render, terminal};

/// Exit code of `--detailed-exitcode` where there are changes.
const CHANGES: u8 = 2;

/// Show what an apply would do; changes nothing
///
/// Compares what the stack says, what was last applied, and what AWS says now.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra plan stacks/notification -e dev
  infra plan stacks/notification -e dev --set min_tasks=4       with another value of a parameter
  infra plan stacks/notification -e dev --target Api           only a component, and what it needs
  infra plan stacks/notification -e dev --detailed-exitcode    exits with 2 where there are changes
  infra plan stacks/notification -e dev --format json | jq .summary")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    stack: StackArgs,

    #[command(flatten)]
    state: StateArgs,

    #[command(flatten)]
    target: TargetArgs,

    /// Exits with 2 where there are changes
    #[arg(long)]
    detailed_exitcode: bool,

    #[command(flatten)]
    format: FormatArgs,
}

pub(in crate::cli) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let session = Session::start(&args.stack, &args.state, false).await?;
    let graph = session.graph().await?;
    let state = session.driver.state(&graph).await?;
    let planned = session.driver.plan(graph, state, &args.target.options(false)).await?;
    terminal::print(&match args.format.format {
        Format::Text => render::plan_text(&planned.plan, terminal::width()),
        Format::Json => format!("{:#}\n", render::plan_json(&planned.plan)?),
    })?;
    let changes = args.detailed_exitcode && !planned.plan.is_empty();
    Ok(if changes { ExitCode::from(CHANGES) } else { ExitCode::SUCCESS })
}
