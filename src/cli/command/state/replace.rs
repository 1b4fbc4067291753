//! Putting another record in the place of what is on record: shown first, and only if nothing came in between.

use std::process::ExitCode;

use crate::cli::args::ChangeArgs;
use crate::cli::error::CommandError;
use crate::cli::record::{Record, take};
use crate::cli::{render, terminal};
use crate::state::{Restored, State, differences};

/// A record that is to take the place of what is on record.
pub(super) struct Replacement {
    pub(super) then: State,
    pub(super) from: Restored,
    /// What it is, in words.
    pub(super) what: String,
    pub(super) command: &'static str,
}

/// Shows how the record would change, asks, and replaces it.
pub(super) async fn replace(
    record: &Record,
    replacement: Replacement,
    change: &ChangeArgs,
) -> Result<ExitCode, CommandError> {
    let Replacement { then, from, what, command } = replacement;
    let found = differences(&record.state, &then);
    if found.is_empty() && record.state.outputs == then.outputs && record.state.deposed == then.deposed {
        terminal::print(&format!("Nothing to change: {} is {what}.\n", record.log))?;
        return Ok(ExitCode::SUCCESS);
    }
    terminal::tell(&render::differences(&found, &record.state, &then));
    let question = format!("Put {what} in the place of the record of {} (AWS keeps what is there)?", record.log);
    change.confirm(&question).await?;

    let (journal, now) = take(record, command, change.no_wait).await?;
    if now.serial != record.state.serial {
        journal.close().await?;
        let message = "the record changed while you looked at it: nothing was replaced";
        return Err(CommandError::failed(message).hint("run the command again to see how it stands now"));
    }
    journal.restored(from, then, &now).await?;
    terminal::print(&format!(
        "Replaced. What was on record before is at entry {}; `infra plan` shows what the stack makes of it.\n",
        now.serial
    ))?;
    Ok(ExitCode::SUCCESS)
}
