//! `infra state show`.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::args::{Format, FormatArgs, StateArgs, WhichAddressArgs};
use crate::cli::error::CommandError;
use crate::cli::record::Record;
use crate::cli::{render, terminal};

/// Show what is on record of a resource, or of all in a component
#[derive(clap::Args, Debug)]
#[command(
    override_usage = "infra state show [OPTIONS] [STACK] <ADDRESS>",
    after_help = "\
Examples:
  infra state show stacks/notification -e dev Api.Service
  infra state show stacks/notification -e dev 'Subnet[us-east-1a]'    keys need no quotes
  infra state show . Api                                              all of a component"
)]
pub(super) struct Args {
    #[command(flatten)]
    which: WhichAddressArgs,

    #[command(flatten)]
    state: StateArgs,

    #[command(flatten)]
    format: FormatArgs,
}

pub(super) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let (which, address) = args.which.split()?;
    let record = Record::load(&which, &args.state).await?;
    let found = record.within(&address)?;
    let chosen = record.state.resources.iter().filter(|(address, _)| found.contains(address));
    terminal::print(&match args.format.format {
        Format::Text => chosen.map(|(address, one)| render::resource_text(address, one)).collect::<Vec<_>>().join("\n"),
        Format::Json => {
            let list: Vec<_> = chosen.map(|(address, one)| render::resource_json(address, one)).collect();
            format!("{:#}\n", json!({ "version": 1, "resources": list }))
        }
    })?;
    Ok(ExitCode::SUCCESS)
}
