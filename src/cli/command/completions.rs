//! `infra completions`.

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::error::CommandError;
use crate::cli::{Cli, terminal};

/// Print the completions of a shell
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  infra completions bash > /etc/bash_completion.d/infra
  infra completions zsh > ~/.zfunc/_infra
  infra completions fish > ~/.config/fish/completions/infra.fish")]
pub(in crate::cli) struct Args {
    /// The shell
    shell: Shell,
}

pub(in crate::cli) fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "infra", &mut script);
    terminal::print_raw(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
