//! `infra show`.

use std::process::ExitCode;

use crate::cli::args::{Format, FormatArgs, StateArgs, WhichArgs};
use crate::cli::error::CommandError;
use crate::cli::record::Record;
use crate::cli::{render, terminal};

/// Show all that is on record of a stack
///
/// For each resource: what AWS calls it, the properties last applied and the outputs last read, secrets masked. AWS is
/// not asked: `infra plan` shows where the record and AWS differ.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra show stacks/notification -e dev
  infra show stacks/notification -e dev --format json | jq '.resources[].id'")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    which: WhichArgs,

    #[command(flatten)]
    state: StateArgs,

    #[command(flatten)]
    format: FormatArgs,
}

pub(in crate::cli) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let record = Record::load(&args.which, &args.state).await?;
    terminal::print(&match args.format.format {
        Format::Text => render::state_text(&record.log, &record.state),
        Format::Json => format!("{:#}\n", render::state_json(&record.log, &record.state)),
    })?;
    Ok(ExitCode::SUCCESS)
}
