//! `infra state history`.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::args::{Format, FormatArgs, StateArgs, WhichArgs};
use crate::cli::error::CommandError;
use crate::cli::record::{Record, warn};
use crate::cli::{render, terminal};
use crate::state::{History, Holder, Run, State};

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
    let (record, damage) = Record::past(&args.which, &args.state).await?;
    let at_work = match damage {
        Some(_) => None,
        None => State::load_at_work(&*record.store, &record.log).await?.1,
    };
    let History { mut runs, warnings } = State::history(&*record.store, &record.log, 0).await?;
    warn(&warnings);
    runs.reverse();
    terminal::print(&match args.format.format {
        Format::Text => render::history(&runs, at_work.as_ref()),
        Format::Json => {
            let runs: Vec<_> = runs.iter().map(|run| json_of(run, at_work.as_ref())).collect();
            format!("{:#}\n", json!({ "version": 1, "runs": runs }))
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

fn json_of(run: &Run, at_work: Option<&Holder>) -> serde_json::Value {
    let Run { by, at, serial, changes, ended, damaged } = run;
    let who = by.as_ref().map(|by| json!({ "user": by.user, "host": by.host, "command": by.command }));
    json!({
        "serial": serial,
        "at": at,
        "by": who,
        "ended": ended,
        "under_way": run.is_of(at_work),
        "damaged": damaged,
        "created": changes.created,
        "updated": changes.updated,
        "deleted": changes.deleted,
        "failed": changes.failed,
        "moved": changes.moved,
        "forgotten": changes.forgotten,
        "restored": changes.restored,
    })
}
