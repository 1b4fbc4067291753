//! `infra destroy`.

use std::process::ExitCode;

use crate::cli::args::{ChangeArgs, FormatArgs, StackArgs, StateArgs, TargetArgs};
use crate::cli::error::CommandError;
use crate::cli::run::{self, Change};

/// Show what would be deleted, ask, and delete it
///
/// Deletes all that is on record of the stack, what is used after what uses it. A resource that the stack protects with
/// `prevent_destroy` stands against it. What was there before, and what `existing` names, is never touched.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra destroy stacks/notification -e dev
  infra destroy stacks/notification -e dev --target Sender    only a component, and what uses it
  infra destroy stacks/notification -e dev --auto-approve     in a pipeline")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    stack: StackArgs,

    #[command(flatten)]
    state: StateArgs,

    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    change: ChangeArgs,

    #[command(flatten)]
    format: FormatArgs,
}

pub(in crate::cli) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let Args { stack, state, target, change, format } = args;
    let options = target.options(true);
    run::change(Change { command: "destroy", stack, state, options, change, format: format.format, probe: None }).await
}
