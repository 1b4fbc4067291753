//! Starting and stopping, and what is said when it cannot start.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "what is left out is said")]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use local_aws::{LocalAws, StartError};
use support::{Aws, options};

fn run(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local-aws"));
    command.arg("run").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Returns what a command that fails writes to its standard error.
fn failure(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr).unwrap()
}

/// Writes an executable shell script.
fn script(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let said = failure(&mut run(&["--port", &port.to_string()]));
    assert_eq!(said, format!("error: port {port} is taken; choose another with --port, or 0 for any free one\n"));
}

#[test]
fn a_missing_python_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let venv = empty.path().join("venv");
    let said = failure(run(&["--port", "0", "--venv", venv.to_str().unwrap()]).env("PATH", empty.path()));
    let wanted =
        "error: Python is missing: no `python3` in PATH; install Python 3.10 or later, or name one with --python\n";
    assert_eq!(said, wanted);
}

#[test]
fn an_old_python_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let old = script(folder.path(), "python3", "echo 3 8");
    let venv = folder.path().join("venv");
    let said = failure(&mut run(&["--port", "0", "--python", &old, "--venv", venv.to_str().unwrap()]));
    assert_eq!(said, "error: Python 3.8 is too old: the emulator needs 3.10 or later; name one with --python\n");
}

#[test]
fn what_pip_says_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let venv = folder.path().join("venv");
    // A Python that makes virtual environments in which there is only itself, and whose pip finds nothing.
    let text = "case \"$1 $2\" in\n'-c '*) echo 3 12;;\n'-m venv') mkdir -p \"$4/bin\"; cp \"$0\" \"$4/bin/python\";;\n\
                '-m pip') echo 'ERROR: No matching distribution found for ministack' >&2; exit 1;;\nesac";
    let python = script(folder.path(), "python3", text);
    let said = failure(&mut run(&["--port", "0", "--python", &python, "--venv", venv.to_str().unwrap()]));
    assert!(said.contains("error: pip could not install the emulator"), "{said}");
    assert!(said.ends_with("    ERROR: No matching distribution found for ministack\n"), "{said}");
}

#[test]
fn an_emulator_that_ends_at_once_is_shown_with_its_last_lines() {
    let folder = tempfile::tempdir().unwrap();
    let venv = folder.path().join("venv");
    let text = "case \"$1 $2\" in\n'-m venv') mkdir -p \"$4/bin\"; cp \"$0\" \"$4/bin/python\";;\n'-m pip') ;;\n\
                '-c import sys;'*) echo 3 12;;\n*) echo 'ModuleNotFoundError: ministack' >&2; exit 3;;\nesac";
    let python = script(folder.path(), "python3", text);
    let said = failure(&mut run(&["--port", "0", "--python", &python, "--venv", venv.to_str().unwrap()]));
    assert!(said.contains("error: the emulator ended at once (exit status: 3)"), "{said}");
    assert!(said.ends_with("    ModuleNotFoundError: ministack\n"), "{said}");
}

#[test]
fn an_engine_that_does_not_answer_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let socket = format!("unix://{}", empty.path().join("docker.sock").display());
    let said = failure(run(&["--port", "0", "--containers"]).env("DOCKER_HOST", &socket));
    let wanted = format!("error: Docker does not answer at {socket}: start it, or leave out --containers (");
    assert!(said.starts_with(&wanted), "{said}");
}

#[tokio::test]
async fn a_killed_one_leaves_nothing_on_the_engine() {
    if !local_aws::docker_available().await {
        eprintln!("left out: Docker does not answer");
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let (mut child, endpoint) = started(temporary.path(), &["--containers"]);
    let emulator = children(child.id());
    let network = format!("local-aws-{}-{}", child.id(), endpoint.rsplit(':').next().unwrap());
    let known = || Command::new("docker").args(["network", "inspect", &network]).output().unwrap().status.success();
    assert!(known(), "{network}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(gone_within(Duration::from_secs(10), emulator[0]));
    assert!(!known(), "{network}");
}

/// Starts the command and waits for its first line.
fn started(temporary: &Path, more: &[&str]) -> (Child, String) {
    let mut child = run(&[&["--port", "0"], more].concat()).env("TMPDIR", temporary).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let endpoint = first.strip_prefix("local AWS ready at ").unwrap().to_owned();
    let exports: Vec<String> = lines.by_ref().take(5).map(Result::unwrap).collect();
    assert_eq!(exports[0], format!("export AWS_ENDPOINT_URL={endpoint}"));
    assert!(exports.contains(&"export AWS_ACCESS_KEY_ID=test".to_owned()), "{exports:?}");
    (child, endpoint)
}

fn gone_within(limit: Duration, process: u32) -> bool {
    let started = Instant::now();
    while started.elapsed() < limit {
        let state = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // A zombie waits only for whoever adopted it.
        if state.is_empty() || state.contains(") Z ") {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

/// Returns the children of `parent` and of its threads.
fn children(parent: u32) -> Vec<u32> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{parent}/task")) else { return Vec::new() };
    let ids = tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse::<u32>().ok());
    ids.flat_map(|task| {
        let path = format!("/proc/{parent}/task/{task}/children");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<u32>>()
    })
    .collect()
}

#[test]
fn all_of_it_stops_when_asked_to_and_when_killed() {
    for name in ["-INT", "-TERM", "-KILL"] {
        let temporary = tempfile::tempdir().unwrap();
        let (mut child, endpoint) = started(temporary.path(), &[]);
        let emulator = children(child.id());
        assert_eq!(emulator.len(), 1, "{name}");
        signal(name, child.id());
        let status = child.wait().unwrap();
        assert_eq!(status.success(), name != "-KILL", "{name}");
        assert!(gone_within(Duration::from_secs(10), emulator[0]), "{name}");
        assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "{name} leaves files");
        assert!(TcpStream::connect(endpoint.strip_prefix("http://").unwrap()).is_err(), "{name}");
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "", "{name}");
    }
}

#[tokio::test]
async fn the_library_starts_and_stops_it() {
    let local = LocalAws::start(options()).await.unwrap();
    let address = local.endpoint().strip_prefix("http://").unwrap().to_owned();
    let port = address.rsplit(':').next().unwrap().parse().unwrap();
    let second = LocalAws::start(local_aws::Options { port, ..options() }).await;
    assert!(matches!(second, Err(StartError::PortTaken(taken)) if taken == port));
    Aws::new(&local.endpoint()).vpc("10.0.0.0/16").await;
    local.stop().await;
    assert!(TcpStream::connect(&address).is_err());
}

#[tokio::test]
async fn dropping_it_stops_it() {
    let local = LocalAws::start(options()).await.unwrap();
    let address = local.endpoint().strip_prefix("http://").unwrap().to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    drop(local);
    assert!(TcpStream::connect(&address).is_err());
}
