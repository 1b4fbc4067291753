//! `infra graph`.

use std::process::ExitCode;

use crate::cli::args::StackArgs;
use crate::cli::draw::{self, Picture};
use crate::cli::error::CommandError;
use crate::cli::{cloud, offline, terminal};

/// Draw a stack's resources and what each depends on
///
/// Arrows point from a resource to what it depends on; those that follow from others are left out. AWS is not asked:
/// zones are called by the region's first letters, and what a stack looks up elsewhere is taken as unknown.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra graph stacks/notification -e dev --format svg > notification.svg
  infra graph stacks/notification -e dev                    Mermaid, for Markdown
  infra graph stacks/notification -e dev --format dot | dot -Tpdf > notification.pdf")]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    stack: StackArgs,

    /// What to write
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// A flowchart that GitHub and GitLab draw in Markdown
    #[default]
    Mermaid,
    /// For Graphviz
    Dot,
    /// For browsers and documents
    Svg,
}

pub(in crate::cli) fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let checked = args.stack.load(&cloud::catalog()?)?;
    let offline = offline::graph(&checked);
    let graph = offline.graph.map_err(|errors| {
        let error = CommandError::stack(errors);
        if offline.unknown {
            error.hint("the stack looks things up that only AWS can tell, and `infra graph` does not ask it")
        } else {
            error
        }
    })?;
    let picture = Picture::of(&graph);
    terminal::print_raw(&match args.format {
        Format::Mermaid => draw::mermaid(&picture),
        Format::Dot => draw::dot(&picture),
        Format::Svg => draw::svg(&picture),
    })?;
    Ok(ExitCode::SUCCESS)
}
