//! `infra state forget`.

use std::process::ExitCode;

use crate::cli::args::{ChangeArgs, StateArgs, WhichAddressArgs};
use crate::cli::error::CommandError;
use crate::cli::record::{Record, take};
use crate::cli::run::until_interrupted;
use crate::cli::style::count;
use crate::cli::{interrupt, terminal};

/// Take a resource, or all in a component, off the record without deleting it
///
/// It stays in AWS as it is; infra no longer manages it. Where the stack still asks for it, the next apply makes
/// another: the stack's own `forget: [ADDRESS]` says both at once and is reviewed with the plan.
#[derive(clap::Args, Debug)]
#[command(
    override_usage = "infra state forget [OPTIONS] [STACK] <ADDRESS>",
    after_help = "\
Examples:
  infra state forget stacks/notification -e dev 'Subnet[us-east-1c]'
  infra state forget stacks/notification -e dev Api --auto-approve    all of a component"
)]
pub(super) struct Args {
    #[command(flatten)]
    which: WhichAddressArgs,

    #[command(flatten)]
    state: StateArgs,

    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    args.change.check()?;
    let (which, address) = args.which.split()?;
    let record = Record::load(&which, &args.state).await?;
    let found = record.within(&address)?;
    let names: Vec<_> = found.iter().map(|one| format!("  × {one}  {}\n", record.state.resources[one].id)).collect();
    terminal::tell(&names.concat());
    let what = count(found.len(), "resource");
    let question = format!("Forget {what} of {} (AWS keeps what is there)?", record.log);
    let interrupts = interrupt::listen();
    until_interrupted(&interrupts, args.change.confirm(&question)).await?;

    let (journal, state) = take(&record, "state forget", args.change.no_wait, &interrupts).await?;
    let mut forgotten = 0;
    // Another run may have deleted or moved some of them since they were shown.
    for address in found.iter().filter(|one| state.resources.contains_key(*one)) {
        journal.forgot(address).await?;
        forgotten += 1;
    }
    journal.close().await?;
    terminal::print(&format!("Forgot {}.\n", count(forgotten, "resource")))?;
    Ok(ExitCode::SUCCESS)
}
