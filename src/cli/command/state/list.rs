//! `infra state list`.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::args::{Format, FormatArgs, StateArgs, WhichArgs};
use crate::cli::error::CommandError;
use crate::cli::record::Record;
use crate::cli::{render, terminal};

/// List the resources on record: address, type and AWS's id
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra state list stacks/notification -e dev
  infra state list stacks/notification -e dev | grep AWS::ECS")]
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
    terminal::print(&match args.format.format {
        Format::Text => render::state_list(&record.state),
        Format::Json => {
            let entry = |(address, one): (&crate::address::Address, &crate::state::Record)| json!({ "address": address, "type": one.type_name, "id": one.id });
            let list: Vec<_> = record.state.resources.iter().map(entry).collect();
            format!("{:#}\n", json!({ "version": 1, "resources": list }))
        }
    })?;
    Ok(ExitCode::SUCCESS)
}
