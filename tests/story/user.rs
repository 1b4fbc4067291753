//! The binary as a user runs it, against a local AWS and with a state folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use local_aws::LocalAws;
use tempfile::TempDir;

use super::run::Run;

/// Values of the parameters that have no default.
pub(crate) const IMAGES: &[&str] =
    &["--set", "api_image=notification-api:1.0.0", "--set", "sender_image=email-sender:1.0.0"];

/// One stack in one environment, and where it is applied to.
pub(crate) struct Infra {
    stack: &'static str,
    environment: String,
    variables: Vec<(&'static str, String)>,
    directory: PathBuf,
    state: Arc<TempDir>,
}

impl Infra {
    pub(crate) fn new(local: &LocalAws, stack: &'static str, environment: &str) -> Self {
        let variables = local.environment().to_vec();
        let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let state = Arc::new(tempfile::tempdir().unwrap());
        Self { stack, environment: environment.into(), variables, directory, state }
    }

    /// The same stack, read from another folder.
    pub(crate) fn within(&self, directory: &Path) -> Self {
        let (environment, variables) = (self.environment.clone(), self.variables.clone());
        Self {
            stack: self.stack,
            environment,
            variables,
            directory: directory.to_owned(),
            state: Arc::clone(&self.state),
        }
    }

    /// Runs a command on the stack.
    pub(crate) fn run(&self, command: &str, arguments: &[&str]) -> Run {
        self.start(&[&[command, self.stack, "-e", &self.environment], arguments].concat())
    }

    /// Runs a command on what is on record of the stack.
    pub(crate) fn record(&self, command: &str, subcommand: &[&str]) -> Run {
        self.start(&[&[command], subcommand, &[self.stack, "-e", &self.environment]].concat())
    }

    fn start(&self, arguments: &[&str]) -> Run {
        let began = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_infra"))
            .args(arguments)
            .current_dir(&self.directory)
            .envs(self.variables.iter().cloned())
            .env("INFRA_STATE", self.state.path())
            .output()
            .unwrap();
        Run::new(arguments.join(" "), output, began.elapsed())
    }
}

/// The number that stands before `what` in the last line of a plan.
pub(crate) fn summary(plan: &Run, what: &str) -> usize {
    let line = plan.out.lines().rev().find(|line| line.starts_with("Plan: "));
    let line = line.unwrap_or_else(|| panic!("no summary in {plan}"));
    let words: Vec<&str> = line.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect();
    let wanted: Vec<&str> = what.split(' ').collect();
    let at = words.windows(wanted.len()).position(|window| window == wanted);
    at.and_then(|at| words[at - 1].parse().ok()).unwrap_or(0)
}
