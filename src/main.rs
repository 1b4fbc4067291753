//! Parses the arguments, runs the command and exits with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    infra::cli::run(std::env::args_os())
}
