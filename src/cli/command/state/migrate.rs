//! `infra state migrate`.

use std::pin::pin;
use std::process::ExitCode;

use tokio::sync::watch;

use crate::apply::Interrupt;
use crate::cli::args::{self, ChangeArgs, StateArgs, StatePlace, WhichArgs};
use crate::cli::error::CommandError;
use crate::cli::record;
use crate::cli::run::until_interrupted;
use crate::cli::style::{YELLOW, count, paint};
use crate::cli::{elsewhere, interrupt, store, terminal};
use crate::state::{Error, LogKey, Migration, State, place};

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
    #[arg(long, value_name = "PLACE", value_parser = args::place)]
    to: String,

    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    args.change.check()?;
    let head = args.which.head()?;
    let from = args.state.place(&head.keeping, args.which.environment())?;
    let to = place::absolute(&args.to)
        .map_err(|error| CommandError::usage(format!("`{}` is no place for a record: {error}", args.to)))?;
    let log = LogKey::new(head.name, args.which.environment());
    if place::same(&from.place, &to) {
        return Err(already(&log, &from).await?);
    }
    // It stays readable where it was; the new copy is encrypted as the stack says.
    let to = StatePlace { place: to, ..from.clone() };
    let interrupts = interrupt::listen();
    let prepare = async {
        let stores = (store::store(&from).await?, store::store(&to).await?);
        record::present(&log, &*stores.0, &from).await.map_err(|error| error.at(&from))?;
        args.change.confirm(&format!("Move the record of {log} from {} to {}?", from.place, to.place)).await?;
        Ok(stores)
    };
    let stores = until_interrupted(&interrupts, prepare).await?;

    let migration = Migration { log, from: stores.0, to: stores.1, place: to.place.clone() };
    let options = record::interruptible("state migrate", args.change.no_wait, &interrupts);
    migration.end(options).await.map_err(|error| match error {
        Error::GivenUp => CommandError::interrupted("interrupted: nothing was moved")
            .hint("the same command goes on from where it stopped"),
        error => CommandError::from(error).at(&from),
    })?;
    let entries = finish(&migration, &interrupts).await.map_err(|error| error.hint(UNFINISHED))?;
    terminal::print(&format!("Moved: {} are in {}.\n", count(entries, "log file"), to.place))?;
    let next = elsewhere::named(&to.place, to.stack.as_deref());
    terminal::tell(&format!("To work with it there: {next}.\n"));
    Ok(ExitCode::SUCCESS)
}

/// What is told where the record ended and its copy can't be read yet.
const UNFINISHED: &str =
    "the record ended where it was, and can't be read in its new place yet: the same command finishes it";

/// Finishes what little is left to do once the log ended, even if the user interrupts it; not if that is done twice.
async fn finish(migration: &Migration, interrupts: &watch::Receiver<Interrupt>) -> Result<usize, CommandError> {
    let mut finishing = pin!(migration.finish());
    tokio::select! {
        entries = &mut finishing => return Ok(entries?),
        () = interrupt::heard(interrupts) => {}
    }
    terminal::tell(&format!(
        "{} the record has ended where it was, so its move is finished first.\n",
        paint(YELLOW, "Interrupted:")
    ));
    let mut interrupts = interrupts.clone();
    tokio::select! {
        entries = &mut finishing => Ok(entries?),
        Ok(_) = interrupts.wait_for(|asked| *asked == Interrupt::Stop) => {
            Err(CommandError::interrupted("interrupted: the record is not moved yet"))
        }
    }
}

/// Why nothing is moved from a place to itself: what stands there tells whether anything is still to be done.
async fn already(log: &LogKey, place: &StatePlace) -> Result<CommandError, CommandError> {
    let elsewhere = "where the stack names the new place already, say with --state where the record is now";
    let state = State::load(&*store::store(place).await?, log).await;
    let state = state.map_err(|error| CommandError::from(error).at(place))?;
    let message = match state.serial {
        0 => format!("nothing is on record of {log} in {}, which is where it would be moved to", place.place),
        _ => format!("the record is in {} already", place.place),
    };
    Ok(CommandError::usage(message).hint(elsewhere))
}
