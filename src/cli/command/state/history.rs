//! `infra state history`.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::args::{Format, FormatArgs, StateArgs, WhichArgs};
use crate::cli::error::CommandError;
use crate::cli::record::Record;
use crate::cli::{render, terminal};
use crate::state::{Run, State};

/// List the runs that changed what is on record
///
/// The newest comes first. The number of a run is that of its last change: `infra state restore` goes back to what was on
/// record then, and `infra state pull --serial` shows it.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra state history stacks/notification -e dev
  infra state history stacks/notification -e dev --format json | jq '.runs[0].serial'")]
pub(super) struct Args {
    #[command(flatten)]
    which: WhichArgs,

    #[command(flatten)]
    state: StateArgs,

    #[command(flatten)]
    format: FormatArgs,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let record = Record::load(&args.which, &args.state).await?;
    let mut runs = State::history(&*record.store, &record.log, 0).await?;
    runs.reverse();
    terminal::print(&match args.format.format {
        Format::Text => render::history(&runs),
        Format::Json => {
            let runs: Vec<_> = runs.iter().map(json_of).collect();
            format!("{:#}\n", json!({ "version": 1, "runs": runs }))
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

fn json_of(run: &Run) -> serde_json::Value {
    let Run { by, at, serial, changes, ended } = run;
    let who = by.as_ref().map(|by| json!({ "user": by.user, "host": by.host, "command": by.command }));
    json!({
        "serial": serial,
        "at": at,
        "by": who,
        "ended": ended,
        "created": changes.created,
        "updated": changes.updated,
        "deleted": changes.deleted,
        "failed": changes.failed,
        "moved": changes.moved,
        "forgotten": changes.forgotten,
        "restored": changes.restored,
    })
}
