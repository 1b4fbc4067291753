//! Scripts as a workflow runs them.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use local_aws::LocalAws;
use tempfile::TempDir;

/// A stand-in for `docker` that notes what it is asked, and knows an image once it was pushed.
const DOCKER: &str = r#"#!/bin/sh
echo "$*" >>"$DOCKER_CALLS"
if [ "$1 $2" = "manifest inspect" ]; then grep -qxF "push --quiet $3" "$DOCKER_CALLS"; fi
"#;

/// A checkout with a state of its own, an AWS and a container engine that only takes notes.
pub(crate) struct Scene {
    variables: Vec<(&'static str, String)>,
    folder: TempDir,
}

impl Scene {
    pub(crate) fn new(local: &LocalAws) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let docker = folder.path().join("bin/docker");
        fs::create_dir(folder.path().join("bin")).unwrap();
        fs::write(&docker, DOCKER).unwrap();
        fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
        Self { variables: local.environment().to_vec(), folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a script of the repository.
    pub(crate) fn run(&self, script: &str, arguments: &[&str]) -> Run {
        Run::of(self.environment(command(script).args(arguments)))
    }

    /// Runs `infra`.
    pub(crate) fn infra(&self, arguments: &[&str]) -> Run {
        Run::of(self.environment(command(env!("CARGO_BIN_EXE_infra")).args(arguments)))
    }

    /// What the container engine was asked so far.
    pub(crate) fn docker_calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("docker.calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let built = Path::new(env!("CARGO_BIN_EXE_infra")).parent().unwrap();
        let path = format!("{}:{}:{}", self.path("bin").display(), built.display(), std::env::var("PATH").unwrap());
        command
            .envs(self.variables.iter().cloned())
            .env("INFRA_STATE", self.path("state"))
            .env("DOCKER_CALLS", self.path("docker.calls"))
            .env("PATH", path)
    }
}

/// A command that starts in the repository.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join(program.as_ref()));
    command.current_dir(root);
    command
}

/// How a command went.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The same run, which must have ended with `code`.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ended with {:?}\n{}\n{}", self.code, self.stdout, self.stderr)
    }
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned()
}

pub(crate) fn has_docker() -> bool {
    Command::new("docker").arg("info").output().is_ok_and(|output| output.status.success())
}

pub(crate) fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Runs an image as ECS would and asks for its health: the answer, the image's size in bytes, its user.
pub(crate) fn try_image(service: &str, tag: &str) -> (Option<String>, u64, String) {
    let image = format!("{service}:{tag}");
    let run = ["run", "--detach", "--rm", "--read-only", "--cap-drop", "ALL", "--publish", "127.0.0.1::8080"];
    // What ECS would give them; nothing answers there, and nobody is to be asked.
    let given = [
        "QUEUE_URL=http://127.0.0.1:1/123456789012/messages",
        "DEAD_LETTER_QUEUE_URL=http://127.0.0.1:1/123456789012/dead",
        "WARM_UP_SECONDS=0",
    ]
    .into_iter()
    .chain(["SENDER_ADDRESS=nobody@example.com", "AWS_REGION=us-east-1", "AWS_ENDPOINT_URL=http://127.0.0.1:1"]);
    let given = given.flat_map(|variable| ["--env", variable]);
    let container = docker(&run.into_iter().chain(given).chain([image.as_str()]).collect::<Vec<_>>());
    let address = docker(&["port", &container, "8080/tcp"]);
    let health = (0..50).find_map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        health(&address)
    });
    docker(&["rm", "--force", &container]);
    let size = docker(&["inspect", "--format", "{{.Size}}", &image]).parse().unwrap();
    (health, size, docker(&["inspect", "--format", "{{.Config.User}}", &image]))
}

fn health(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.rsplit_once("\r\n\r\n")?.1.to_owned())
}
