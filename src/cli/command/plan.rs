//! `infra plan`.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::address::Address;
use crate::cli::args::{StackArgs, StateArgs, TargetArgs};
use crate::cli::error::CommandError;
use crate::cli::run::Session;
use crate::cli::{record, render, saved, terminal};
use crate::plan;

/// Exit code of `--detailed-exitcode` where there are changes.
const CHANGES: u8 = 2;

/// Show what an apply would do; changes nothing
///
/// Compares what the stack says, what was last applied, and what AWS says now.
///
/// With --out the plan is saved as well: `infra apply FILE` then does exactly that, or says what moved on since. With
/// --format markdown it is written as a comment for a pull request, never longer than GitHub takes.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra plan stacks/notification -e dev
  infra plan stacks/notification -e dev --set min_tasks=4      with another value of a parameter
  infra plan stacks/notification -e dev --target Api           only a component, and what it needs
  infra plan stacks/notification -e dev --detailed-exitcode    exits with 2 where there are changes
  infra plan stacks/notification -e dev --format json | jq .summary
  infra plan stacks/notification -e prod --out prod.plan       saves it, for `infra apply prod.plan`
  infra plan stacks/notification -e prod --format markdown > plan.md
  gh pr comment --body-file plan.md")]
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

    /// Saves the plan in a file, for `infra apply FILE` to do exactly that
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// For whom the output is
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,

    /// Characters of Markdown at most; what does not fit is counted. GitHub takes 65536 in a comment
    #[arg(long, value_name = "N", default_value_t = render::MARKDOWN_LIMIT, value_parser = length)]
    max_length: usize,
}

/// Fewer have no room for the headings.
const SHORTEST: usize = 4_000;

fn length(text: &str) -> Result<usize, String> {
    let wrong = || format!("it is a number, at least {SHORTEST}");
    text.parse().ok().filter(|length| *length >= SHORTEST).ok_or_else(wrong)
}

/// Who reads the plan.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// People at a terminal
    #[default]
    Text,
    /// Programs
    Json,
    /// Reviewers of a pull request
    Markdown,
}

pub(in crate::cli) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let session = Session::start(&args.stack, &args.state, false).await?;
    let graph = session.graph().await?;
    let read = session.driver.state_at_work(&graph).await;
    let (mut state, at_work) = read.map_err(|error| CommandError::from(error).at(&session.place))?;
    record::warn(&state.warnings);
    if let Some(holder) = &at_work {
        record::at_work(holder);
    }
    if args.out.is_some() && state.seal.is_none() {
        state = saved::begin(&session.driver, &graph).await?;
    }
    let options = plan::Options { at_work: at_work.is_some(), ..args.target.options(false) };
    let planned = session.driver.plan(graph, state, &options).await?;
    if let Some(file) = &args.out {
        saved::save(file, &session.driver, &planned, &args.stack, &session.place.place, &args.target).await?;
    }
    match args.format {
        Format::Text => terminal::print(&render::plan_text(&planned.plan, terminal::width()))?,
        Format::Json => terminal::print(&format!("{:#}\n", render::plan_json(&planned.plan)?))?,
        Format::Markdown => {
            let place = |address: &Address, path: &str| planned.graph.property_place(address, path);
            let warnings = planned.graph.warnings();
            terminal::print_raw(&render::plan_markdown(&planned.plan, warnings, &place, args.max_length))?;
        }
    }
    if let Some(file) = &args.out {
        terminal::tell(&format!("Saved. To do exactly this: infra apply {}\n", file.display()));
    }
    let changes = args.detailed_exitcode && !planned.plan.is_empty();
    Ok(if changes { ExitCode::from(CHANGES) } else { ExitCode::SUCCESS })
}
