//! `infra schema`.

use std::process::ExitCode;

use crate::cli::error::CommandError;
use crate::cli::{cloud, terminal};
use crate::stack;

/// Print the JSON Schema of stack files
///
/// With it an editor completes and checks stacks as they are typed: yaml-language-server takes it from a stack's first
/// line, `# yaml-language-server: $schema=stack.schema.json`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra schema > stack.schema.json
  infra schema --component > component.schema.json
  infra schema --types                              the resource types, a line each")]
pub(in crate::cli) struct Args {
    /// The schema of component files instead
    #[arg(long)]
    component: bool,

    /// The names of all resource types instead
    #[arg(long, conflicts_with = "component")]
    types: bool,
}

pub(in crate::cli) fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let catalog = cloud::catalog()?;
    if args.types {
        let names: String = catalog.iter().map(|kind| format!("{}\n", kind.name)).collect();
        terminal::print_raw(&names)?;
        return Ok(ExitCode::SUCCESS);
    }
    let schema = if args.component { stack::component_schema(&catalog) } else { stack::schema(&catalog) };
    terminal::print_raw(&format!("{schema:#}\n"))?;
    Ok(ExitCode::SUCCESS)
}
