//! `infra state restore`.

use std::process::ExitCode;

use super::replace::{Replacement, replace};
use crate::cli::args::{ChangeArgs, StateArgs, WhichArgs};
use crate::cli::error::CommandError;
use crate::cli::record::Record;
use crate::cli::style::{YELLOW, paint};
use crate::cli::terminal;
use crate::state::{Damaged, Restored, State};

/// Go back to what was on record at an earlier time
///
/// AWS stays as it is: what was made since is no longer managed, what was deleted since is planned anew. Nothing is lost
/// by it: the log keeps all that was on record in between, and can be gone back to in the same way.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra state history stacks/notification -e dev              what there is to go back to
  infra state restore 120 stacks/notification -e dev
  infra state restore 120 stacks/notification -e dev --auto-approve")]
pub(super) struct Args {
    /// The entry of the log to go back to: what was on record after it
    #[arg(value_name = "SERIAL")]
    serial: u64,

    #[command(flatten)]
    which: WhichArgs,

    #[command(flatten)]
    state: StateArgs,

    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    args.change.check()?;
    let (mut record, damage) = Record::past(&args.which, &args.state).await?;
    let then = State::at(&*record.store, &record.log, args.serial).await?;
    if then.seal.is_none() {
        let message = format!("nothing was on record of {} after entry {}", record.log, args.serial);
        return Err(CommandError::usage(message).hint("`infra state history` lists what there is to go back to"));
    }
    let what = format!("what was on record after entry {}", args.serial);
    let from = Restored::Serial(args.serial);
    let mut damaged = None;
    if let Some(damage) = damage {
        let found = Damaged::look(&*record.store, &record.log).await?;
        terminal::tell(&format!(
            "{} {damage}; what was recorded after entry {} will count as never written, and is not compared\n",
            paint(YELLOW, "warning:"),
            found.sound
        ));
        record.state = found.state.clone();
        damaged = Some(found);
    }
    replace(&record, Replacement { then, from, what, command: "state restore", damaged }, &args.change).await
}
