//! The binary as a process that is watched, signalled and killed, against a local AWS and with a state folder of its own.

mod run;

use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use local_aws::LocalAws;
use tempfile::{NamedTempFile, TempDir};

pub(crate) use self::run::Run;

/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// Time between two looks at a process.
pub(crate) const LOOK: Duration = Duration::from_millis(3);

/// One stack, where it is applied to, and where its record is.
#[derive(Clone)]
pub(crate) struct Infra {
    stack: Vec<String>,
    variables: Vec<(&'static str, String)>,
    pub(crate) state: Arc<TempDir>,
}

impl Infra {
    /// `stack` is how the command line names it: its folder, and `-e` with its environment.
    pub(crate) fn new(local: &LocalAws, stack: &[&str]) -> Self {
        let stack = stack.iter().map(|word| (*word).to_owned()).collect();
        Self { stack, variables: local.environment().to_vec(), state: Arc::new(tempfile::tempdir().unwrap()) }
    }

    /// The same with a variable of the environment set; one that is empty is taken away.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.retain(|(set, _)| *set != name);
        if !value.is_empty() {
            self.variables.push((name, value.to_owned()));
        }
        self
    }

    /// Another stack in the same place.
    pub(crate) fn beside(&self, stack: &[&str]) -> Self {
        Self { stack: stack.iter().map(|word| (*word).to_owned()).collect(), ..self.clone() }
    }

    /// Starts a command on the stack.
    pub(crate) fn start(&self, command: &[&str], arguments: &[&str]) -> Running {
        let words = command.iter().copied().chain(self.stack.iter().map(String::as_str));
        let words: Vec<&str> = words.chain(arguments.iter().copied()).collect();
        let [out, err] = [(); 2].map(|()| NamedTempFile::new().unwrap());
        let mut binary = Command::new(env!("CARGO_BIN_EXE_infra"));
        binary.args(&words).current_dir(env!("CARGO_MANIFEST_DIR")).envs(self.variables.iter().cloned());
        binary.env("INFRA_STATE", self.state.path()).env("COLUMNS", "200").stdin(Stdio::null());
        binary.stdout(out.reopen().unwrap()).stderr(err.reopen().unwrap());
        let began = Instant::now();
        Running { command: words.join(" "), child: binary.spawn().unwrap(), out, err, began }
    }

    /// Runs a command on the stack to its end.
    pub(crate) async fn run(&self, command: &[&str], arguments: &[&str]) -> Run {
        self.start(command, arguments).ended().await
    }
}

/// A run under way; killed when it is dropped.
pub(crate) struct Running {
    command: String,
    child: Child,
    out: NamedTempFile,
    err: NamedTempFile,
    began: Instant,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// What it has told so far.
    pub(crate) fn told(&self) -> String {
        text(&self.err)
    }

    /// Sends it a signal: `INT`, `TERM`, `KILL`, `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.pid())]).status().unwrap();
        assert!(sent.success(), "kill -{name} {}", self.pid());
    }

    /// Kills it, and returns once it is dead.
    pub(crate) fn kill(mut self) -> Run {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.run()
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(mut self) -> Run {
        self.until(Running::has_ended, "it ends").await;
        self.run()
    }

    /// Waits until `so` says yes.
    pub(crate) async fn until(&mut self, mut so: impl FnMut(&mut Self) -> bool, what: &str) {
        while !so(self) {
            if self.began.elapsed() > PATIENCE {
                let _dead_already = self.child.kill();
                panic!(
                    "waited for too long until {what}: infra {}\n{}\n{}",
                    self.command,
                    text(&self.out),
                    self.told()
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn run(&mut self) -> Run {
        let status = self.child.wait().unwrap();
        let [stdout, stderr] = [&self.out, &self.err].map(|file| std::fs::read(file.path()).unwrap());
        Run::new(&self.command, Output { status, stdout, stderr }, self.began.elapsed())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended() {
            let _dead_already = self.child.kill();
            let _reaped = self.child.wait();
        }
    }
}

fn text(file: &NamedTempFile) -> String {
    std::fs::read_to_string(file.path()).unwrap()
}
