//! The command line: the only part that prints.

mod args;
mod cloud;
mod command;
mod draw;
mod elsewhere;
mod error;
mod interrupt;
mod offline;
mod probe;
mod progress;
mod record;
mod render;
mod run;
#[cfg(test)]
pub(crate) mod samples;
mod saved;
mod service;
mod store;
mod style;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use self::command::Command;
use self::error::Kind;
use self::terminal::Color;

/// Infrastructure as code for containers on AWS.
///
/// A stack is a folder with a stack.yaml that says, in CloudFormation's words, which resources there shall be. `infra
/// plan` shows what would change, `infra apply` makes it so, and what was made is kept on record in `.infra/`.
#[derive(Debug, Parser)]
#[command(name = "infra", version, after_help = EXAMPLES, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to use colour; by itself on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
}

const EXAMPLES: &str = "\
Examples:
  infra validate stacks/notification -e dev     find every mistake, without AWS
  infra plan stacks/notification -e dev         show what would change
  infra apply stacks/notification -e dev        show it, ask, and do it
  infra output stacks/notification -e dev url   print one output
  infra status stacks/notification -e dev       show what runs: tasks, targets, alarms, queues
  infra logs stacks/notification Api -e dev     show what a service's containers write
  infra rollback stacks/notification -e prod    take services back to what served before
  infra destroy stacks/notification -e dev      show what would go, ask, and delete it

Exit codes:
  0    done
  1    failed, wholly or in part
  2    `plan --detailed-exitcode`: there are changes
  64   wrong arguments, or mistakes in the stack
  130  interrupted; what was done is on record";

/// Runs the command that `arguments` say, the program's name first, and gives its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` are answers; where nobody reads them, or an error, nothing is left to say.
            let _ = error.print();
            return if error.use_stderr() { Kind::Usage.exit_code() } else { ExitCode::SUCCESS };
        }
    };
    cli.color.apply();
    match cli.command.run() {
        Ok(code) => code,
        Err(error) => {
            terminal::tell(&render::error(&error));
            error.kind.exit_code()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_teaches_by_example() {
        fn check(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:\n"), "`{}` has no examples", command.get_name());
            assert!(help.contains("  infra "), "the examples of `{}` are no commands", command.get_name());
            for inner in command.get_subcommands() {
                check(inner);
            }
        }
        check(&Cli::command());
    }
}
