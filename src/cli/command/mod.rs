//! The commands, one file each.

mod apply;
mod completions;
mod destroy;
mod graph;
mod logs;
mod output;
mod plan;
mod rollback;
mod schema;
mod show;
mod state;
mod status;
mod validate;

use std::process::ExitCode;

use super::error::CommandError;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Validate(validate::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Destroy(destroy::Args),
    Rollback(rollback::Args),
    Status(status::Args),
    Logs(logs::Args),
    Output(output::Args),
    Show(show::Args),
    Graph(graph::Args),
    State(state::Args),
    Schema(schema::Args),
    Completions(completions::Args),
}

impl Command {
    /// Does it.
    pub(super) fn run(self) -> Result<ExitCode, CommandError> {
        match self {
            Self::Validate(args) => validate::run(&args),
            Self::Plan(args) => wait_for(plan::run(&args)),
            Self::Apply(args) => wait_for(apply::run(&args)),
            Self::Destroy(args) => wait_for(destroy::run(&args)),
            Self::Rollback(args) => wait_for(rollback::run(&args)),
            Self::Status(args) => wait_for(status::run(&args)),
            Self::Logs(args) => wait_for(logs::run(&args)),
            Self::Output(args) => wait_for(output::run(&args)),
            Self::Show(args) => wait_for(show::run(&args)),
            Self::Graph(args) => graph::run(&args),
            Self::State(args) => wait_for(state::run(&args)),
            Self::Schema(args) => schema::run(&args),
            Self::Completions(args) => completions::run(&args),
        }
    }
}

fn wait_for<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    // A question that nobody answered still waits for its line: not for that.
    runtime.shutdown_background();
    result
}
