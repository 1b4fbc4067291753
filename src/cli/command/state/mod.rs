//! `infra state`: looking into the record, and taking something off it.

mod forget;
mod list;
mod show;

use std::process::ExitCode;

use crate::cli::error::CommandError;

/// Look into what is on record of a stack, or take something off it
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra state list stacks/notification -e dev
  infra state show stacks/notification -e dev Api.Service
  infra state forget stacks/notification -e dev 'Subnet[\"us-east-1c\"]'")]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    List(list::Args),
    Show(show::Args),
    Forget(forget::Args),
}

pub(in crate::cli) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    match &args.command {
        Command::List(args) => list::run(args).await,
        Command::Show(args) => show::run(args).await,
        Command::Forget(args) => forget::run(args).await,
    }
}
