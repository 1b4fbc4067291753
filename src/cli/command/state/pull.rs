//! `infra state pull`.

use std::process::ExitCode;

use crate::cli::args::{StateArgs, WhichArgs};
use crate::cli::error::CommandError;
use crate::cli::record::Record;
use crate::cli::terminal;
use crate::state::{Pulled, State};

/// Print the whole record as one JSON document
///
/// It is what `infra state push` takes. Secrets are in it as digests, together with the key of these digests: who has
/// both can try out guesses. An encrypted record is printed in clear.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra state pull stacks/notification -e dev > notification-dev.json
  infra state pull stacks/notification -e dev --serial 120    as it was after entry 120 of its log
  infra state pull stacks/notification -e dev | jq '.state.resources | keys'")]
pub(super) struct Args {
    #[command(flatten)]
    which: WhichArgs,

    #[command(flatten)]
    state: StateArgs,

    /// The record as it was after this entry of its log; `infra state history` lists them
    #[arg(long, value_name = "SERIAL")]
    serial: Option<u64>,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let (Record { log, store, state, .. }, damage) = Record::past(&args.which, &args.state).await?;
    let state = match (args.serial, damage) {
        (Some(serial), _) => State::at(&*store, &log, serial).await?,
        (None, Some(damage)) => return Err(damage.into()),
        (None, None) => state,
    };
    let bytes = Pulled { log, state }.encode().map_err(|error| CommandError::failed(error.to_string()))?;
    terminal::print_raw(&String::from_utf8_lossy(&bytes))?;
    Ok(ExitCode::SUCCESS)
}
