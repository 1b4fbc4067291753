//! `infra validate`.

use std::process::ExitCode;

use crate::cli::args::StackArgs;
use crate::cli::error::CommandError;
use crate::cli::style::{GREEN, count, paint};
use crate::cli::{cloud, offline, render, terminal};
use crate::diagnostic::Severity;
use crate::lint::{self, Finding};

/// Find every mistake in a stack, without AWS
///
/// Reads the stack with all its components and environment, and shows each mistake with its place.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra validate stacks/notification -e dev
  infra validate stacks/notification -e dev --set min_tasks=4    with another value of a parameter
  infra validate                                              the stack in the current folder")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    stack: StackArgs,
}

pub(in crate::cli) fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let checked = args.stack.load(&cloud::catalog()?)?;
    let offline = offline::graph(&checked);
    let path = args.stack.path()?.display();
    let valid = paint(GREEN, "valid");
    let said = match offline.graph {
        Ok(graph) => {
            terminal::tell(&render::diagnostics(graph.warnings()));
            let found: Vec<_> = lint::offline(&graph).iter().map(Finding::diagnostic).collect();
            let (errors, warnings): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|diagnostic| diagnostic.severity == Severity::Error);
            terminal::tell(&render::diagnostics(&warnings));
            if !errors.is_empty() {
                return Err(CommandError::stack(errors));
            }
            let resources = count(graph.nodes().len(), "resource");
            match offline.guessed {
                false => format!("{path} is {valid}: {resources}\n"),
                true => format!("{path} is {valid}, as far as can be told without AWS: {resources}\n"),
            }
        }
        // They may come of not knowing; the plan, which knows, will tell.
        Err(_) if offline.unknown => format!("{path} is {valid}, as far as can be told without AWS\n"),
        Err(errors) => return Err(CommandError::stack(errors)),
    };
    terminal::print(&said)?;
    Ok(ExitCode::SUCCESS)
}
