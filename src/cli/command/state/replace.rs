//! Putting another record in the place of what is on record: shown first, and only if nothing came in between.

use std::process::ExitCode;
use std::sync::Arc;

use crate::cli::args::ChangeArgs;
use crate::cli::error::CommandError;
use crate::cli::record::{Record, interruptible, take};
use crate::cli::run::until_interrupted;
use crate::cli::{interrupt, render, terminal};
use crate::state::{Damaged, Error, Restored, State, differences};

/// A record that is to take the place of what is on record.
pub(super) struct Replacement {
    pub(super) then: State,
    pub(super) from: Restored,
    /// What it is, in words.
    pub(super) what: String,
    pub(super) command: &'static str,
    /// The log, where it is damaged in the middle: what came since is declared void.
    pub(super) damaged: Option<Damaged>,
}

/// Shows how the record would change, asks, and replaces it.
pub(super) async fn replace(
    record: &Record,
    replacement: Replacement,
    change: &ChangeArgs,
) -> Result<ExitCode, CommandError> {
    let Replacement { then, from, what, command, damaged } = replacement;
    let found = differences(&record.state, &then);
    if damaged.is_none()
        && found.is_empty()
        && record.state.outputs == then.outputs
        && record.state.deposed == then.deposed
    {
        terminal::print(&format!("Nothing to change: {} is {what}.\n", record.log))?;
        return Ok(ExitCode::SUCCESS);
    }
    terminal::tell(&render::differences(&found, &record.state, &then));
    let question = format!("Put {what} in the place of the record of {} (AWS keeps what is there)?", record.log);
    let interrupts = interrupt::listen();
    until_interrupted(&interrupts, change.confirm(&question)).await?;

    if let Some(damaged) = damaged {
        let (sound, last) = (damaged.sound, damaged.last);
        let options = interruptible(command, change.no_wait, &interrupts);
        damaged.replace(Arc::clone(&record.store), record.log.clone(), options, from, then).await?;
        terminal::print(&format!(
            "Replaced. What was recorded from entry {} to {last} counts as never written; `infra plan` shows what the \
             stack makes of it.\n",
            sound + 1
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (journal, now) = take(record, command, change.no_wait, &interrupts).await?;
    if now.serial != record.state.serial {
        journal.close().await?;
        return Err(Error::Changed.into());
    }
    journal.restored(from, then, &now).await?;
    let before = match now.serial {
        0 => "Nothing was on record before".to_owned(),
        serial => format!("What was on record before is at entry {serial}"),
    };
    terminal::print(&format!("Replaced. {before}; `infra plan` shows what the stack makes of it.\n"))?;
    Ok(ExitCode::SUCCESS)
}
