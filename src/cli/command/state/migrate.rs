//! `infra state migrate`.

use std::process::ExitCode;
use std::sync::Arc;

use crate::cli::args::{ChangeArgs, StateArgs, StatePlace, WhichArgs};
use crate::cli::error::CommandError;
use crate::cli::record::{self, holder_options};
use crate::cli::style::count;
use crate::cli::{store, terminal};
use crate::state::{LogKey, Migration};

/// Move the record to another place, history and all
///
/// The record where it is now ends with a word where it went, so that whoever still works with it is told. One that was
/// cut off is finished by running it again. Where the new place is in the stack (`state: PLACE`) everyone finds it.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra state migrate stacks/notification -e dev --to s3://acme-infra/state
  infra state migrate stacks/notification -e dev --state .infra --to s3://acme-infra/state    the stack says s3 already")]
pub(super) struct Args {
    #[command(flatten)]
    which: WhichArgs,

    #[command(flatten)]
    state: StateArgs,

    /// Where it shall be: a folder, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "PLACE")]
    to: String,

    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    args.change.check()?;
    let head = args.which.head()?;
    let from = args.state.place(&head.keeping, args.which.environment())?;
    if from.place.trim_end_matches('/') == args.to.trim_end_matches('/') {
        return Err(CommandError::usage(format!("the record is in {} already", from.place))
            .hint("where the stack names the new place already, say with --state where the record is now"));
    }
    // It stays readable where it was; the new copy is encrypted as the stack says.
    let to = StatePlace { place: args.to.clone(), encryption: from.encryption.clone() };
    let log = LogKey::new(head.name, args.which.environment());
    let stores = (store::store(&from).await?, store::store(&to).await?);
    record::present(&log, &*stores.0, &from).await?;
    args.change.confirm(&format!("Move the record of {log} from {} to {}?", from.place, to.place)).await?;

    let migration = Migration { log, from: stores.0, to: Arc::clone(&stores.1), place: to.place.clone() };
    let entries = migration.run(holder_options("state migrate", args.change.no_wait)).await?;
    terminal::print(&format!("Moved: {} are in {}.\n", count(entries, "log file"), to.place))?;
    terminal::tell(&format!("Write `state: {}` in the stack, or give it as --state or INFRA_STATE.\n", to.place));
    Ok(ExitCode::SUCCESS)
}
