//! A stack with one service behind a load balancer, on a local AWS whose tasks behave as they are told.

#[path = "../process/run.rs"]
mod run;

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use local_aws::{LocalAws, Options};
use serde_json::Value as Json;
use tempfile::TempDir;

pub(crate) use self::run::Run;

/// What the application signs in with, and no message may say.
pub(crate) const PASSWORD: &str = "canary-4f1e88";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Shop {
    pub(crate) local: LocalAws,
    /// The stack's folder.
    stack: PathBuf,
    /// Values of its parameters, beside `image`.
    pub(crate) values: Vec<(&'static str, &'static str)>,
    state: TempDir,
}

impl Shop {
    /// With nothing deployed.
    pub(crate) async fn empty(stack: &str, values: &[(&'static str, &'static str)]) -> Self {
        let (local, state) = (LocalAws::start(Options::default()).await.unwrap(), tempfile::tempdir().unwrap());
        Self { local, stack: stack.into(), values: values.to_vec(), state }
    }

    /// The same with more in its stack, behind the resources.
    pub(crate) fn with(mut self, more: &str) -> Self {
        let text = std::fs::read_to_string(self.stack.join("stack.yaml")).unwrap();
        self.stack = self.state.path().join("stack");
        std::fs::create_dir(&self.stack).unwrap();
        std::fs::write(self.stack.join("stack.yaml"), text + more).unwrap();
        self
    }

    pub(crate) async fn close(self) {
        self.run(&["destroy", "--auto-approve"]).expect(0);
        assert_eq!(self.local.control().inventory().await.unwrap(), [], "something is left");
        self.local.stop().await;
    }

    pub(crate) fn apply(&self, image: &str, more: &[&str]) -> Run {
        self.with_image("apply", image, &[&["--auto-approve"], more].concat())
    }

    pub(crate) fn plan(&self, image: &str) -> Run {
        self.with_image("plan", image, &["--detailed-exitcode"])
    }

    fn with_image(&self, command: &str, image: &str, more: &[&str]) -> Run {
        let set = self.set(image);
        let set: Vec<&str> = set.iter().map(String::as_str).collect();
        self.run(&[&[command], set.as_slice(), more].concat())
    }

    /// The arguments that give all parameters their values.
    fn set(&self, image: &str) -> Vec<String> {
        let values = self.values.iter().copied().chain([("image", image)]);
        values.flat_map(|(name, value)| ["--set".to_owned(), format!("{name}={value}")]).collect()
    }

    /// Runs a command on the stack.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let began = Instant::now();
        let output = self.command(arguments).output().unwrap();
        ran(&arguments.join(" "), output, began)
    }

    /// Starts an apply of an image that goes on beside the test.
    pub(crate) fn start_apply(&self, image: &str, more: &[&str]) -> Applying {
        let mut command = self.command(&["apply", "--auto-approve"]);
        command.args(self.set(image)).args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        Applying { began: Instant::now(), child: command.spawn().unwrap() }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_infra"));
        let (name, rest) = arguments.split_first().unwrap();
        command.arg(name).arg(&self.stack).args(rest);
        command.current_dir(env!("CARGO_MANIFEST_DIR")).envs(self.local.environment());
        command.env("INFRA_STATE", self.state.path().join("record")).env("COLUMNS", "200");
        // Time passes faster there.
        command.env("INFRA_POLL_SCALE", local_aws::DEFAULT_TIME_SCALE.to_string());
        command
    }

    pub(crate) fn status(&self) -> Json {
        let told = self.run(&["status", "--format", "json"]).expect(0);
        serde_json::from_str(&told.out).unwrap()
    }

    /// Waits until the status is as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&Json) -> bool) -> Json {
        let begun = Instant::now();
        loop {
            let status = self.status();
            if wanted(&status) {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "{status:#}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What is on record of a resource.
    pub(crate) fn recorded(&self, address: &str) -> Json {
        let shown: Json = serde_json::from_str(&self.run(&["show", "--format", "json"]).expect(0).out).unwrap();
        let found = shown["resources"].as_array().unwrap().iter().find(|one| one["address"] == address).cloned();
        found.unwrap_or_else(|| panic!("{address}: {shown:#}"))
    }
}

/// An apply under way.
pub(crate) struct Applying {
    began: Instant,
    child: Child,
}

impl Applying {
    /// How it has ended.
    pub(crate) async fn ended(self) -> Run {
        let Self { began, child } = self;
        let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap();
        ran("apply", output, began)
    }
}

/// How a command went that began then; whatever it was, it has told no secret.
fn ran(command: &str, output: Output, began: Instant) -> Run {
    let run = Run::new(command, output, began.elapsed());
    assert!(!run.err.contains(PASSWORD) && !run.out.contains(PASSWORD), "a secret in {run}");
    run
}
