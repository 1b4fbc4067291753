//! `infra state`: looking into the record, going back in it, and taking something off it.

mod forget;
mod history;
mod list;
mod migrate;
mod pull;
mod push;
mod replace;
mod restore;
mod show;

use std::process::ExitCode;

use crate::cli::error::CommandError;

/// Look into what is on record, go back in it, or move it
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra state list stacks/notification -e dev
  infra state show stacks/notification -e dev Api.Service
  infra state forget stacks/notification -e dev 'Subnet[\"us-east-1c\"]'
  infra state history stacks/notification -e dev
  infra state restore 120 stacks/notification -e dev
  infra state migrate stacks/notification -e dev --to s3://acme-infra/state")]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    List(list::Args),
    Show(show::Args),
    Forget(forget::Args),
    History(history::Args),
    Restore(restore::Args),
    Pull(pull::Args),
    Push(push::Args),
    Migrate(migrate::Args),
}

pub(in crate::cli) async fn run(args: &Args) -> Result<ExitCode, CommandError> {
    match &args.command {
        Command::List(args) => list::run(args).await,
        Command::Show(args) => show::run(args).await,
        Command::Forget(args) => forget::run(args).await,
        Command::History(args) => history::run(args).await,
        Command::Restore(args) => restore::run(args).await,
        Command::Pull(args) => pull::run(args).await,
        Command::Push(args) => push::run(args).await,
        Command::Migrate(args) => migrate::run(args).await,
    }
}
