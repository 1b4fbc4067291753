//! The binary as its users run it: arguments, exit codes, what goes where.

mod docs;
mod history;
#[path = "../page/mod.rs"]
mod page;
mod record;
mod saved;
mod stack;
mod usage;

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a run of the binary gave.
struct Run {
    code: i32,
    out: String,
    err: String,
}

/// The binary, without what the machine's environment would tell it, and with nobody at its terminal.
fn command(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_infra"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    let infra = ["INFRA_STATE", "INFRA_STATE_PASSPHRASE", "INFRA_STATE_OLD_PASSPHRASE"];
    for variable in infra.into_iter().chain(["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"]) {
        command.env_remove(variable);
    }
    command
}

fn infra(arguments: &[&str], folder: &Path) -> Run {
    run(&mut command(arguments, folder))
}

fn run(command: &mut Command) -> Run {
    let Output { status, stdout, stderr } = command.output().expect("the binary runs");
    Run {
        code: status.code().expect("it ends by itself"),
        out: String::from_utf8(stdout).expect("UTF-8"),
        err: String::from_utf8(stderr).expect("UTF-8"),
    }
}
