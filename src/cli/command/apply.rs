//! `infra apply`.

use std::process::ExitCode;

use crate::cli::args::{ChangeArgs, FormatArgs, StackArgs, StateArgs, TargetArgs};
use crate::cli::error::CommandError;
use crate::cli::run::{self, Change};
use crate::cli::saved::{self, SavedChange};

/// Show what would be done, ask, and do it
///
/// What is shown is what is done: the record is held from the plan on, so that nothing comes between. What fails stops
/// only what depends on it; apply again to go on. Interrupt once to finish what is under way, twice to stop at once.
///
/// Instead of a stack it takes a plan that `infra plan --out FILE` saved, and does exactly that, without asking. Where the
/// stack, the record or AWS moved on since, it says which, and changes nothing. Secret parameters are not saved: give
/// them again with --set or --set-file.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra apply stacks/notification -e dev
  infra apply stacks/notification -e dev --set min_tasks=4   with another value of a parameter
  infra apply stacks/notification -e prod --auto-approve     in a pipeline
  infra apply stacks/notification -e dev --exclude Sender    all but a component and what needs it
  infra apply stacks/notification -e dev --probe http://my.site/health
  infra apply prod.plan                                      what `infra plan --out` saved")]
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

    /// Watches this URL before, during and after the apply, in place of the stack's own `probe`
    #[arg(long, value_name = "URL", value_parser = url)]
    probe: Option<String>,
}

fn url(text: &str) -> Result<String, String> {
    match text.starts_with("http://") || text.starts_with("https://") {
        true => Ok(text.to_owned()),
        false => Err("it begins with http:// or https://".to_owned()),
    }
}

pub(in crate::cli) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let Args { stack, state, target, change, format, probe } = args;
    let (format, probe) = (format.format, probe.as_deref());
    if let Some(file) = stack.saved_plan() {
        return saved::apply(SavedChange { file, stack, state, target, change, format, probe }).await;
    }
    let options = target.options(false);
    run::change(Change { command: "apply", stack, state, options, change, format, probe }).await
}
