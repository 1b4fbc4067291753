//! `infra status`.

use std::process::ExitCode;

use crate::cli::args::{Format, FormatArgs, StateArgs, WhichArgs};
use crate::cli::error::CommandError;
use crate::cli::record::Record;
use crate::cli::{cloud, render, terminal};
use crate::cloud::services::{Managed, Services as _};

/// Show how what runs of a stack stands
///
/// Services with their deployments, tasks and targets, alarms that are not OK, and how full queues are: as AWS tells it now,
/// of what is on record. Nothing is changed, and the record is not taken.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra status stacks/notification -e prod
  infra status stacks/notification -e prod --format json | jq '.services[].running'")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    which: WhichArgs,

    #[command(flatten)]
    state: StateArgs,

    #[command(flatten)]
    format: FormatArgs,
}

pub(in crate::cli) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let record = Record::load(&args.which, &args.state).await?;
    let provider = cloud::connect(record.region()?).await?;
    let resources: Vec<Managed> = record
        .state
        .resources
        .iter()
        .map(|(address, record)| Managed {
            address: address.clone(),
            type_name: record.type_name.clone(),
            id: record.id.clone(),
        })
        .collect();
    let status = provider.status(&resources).await?;
    terminal::print(&match args.format.format {
        Format::Text => render::status_text(&record.log, &status, jiff::Timestamp::now()),
        Format::Json => format!("{:#}\n", render::status_json(&record.log, &status)?),
    })?;
    Ok(ExitCode::SUCCESS)
}
