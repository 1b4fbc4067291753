//! Wrong arguments, help, and what a reader that goes away does.

use std::io::Read as _;
use std::process::Stdio;

use crate::{command, infra};

#[test]
fn wrong_arguments_exit_64_and_say_what_is_wrong() {
    let folder = tempfile::tempdir().expect("folder");
    for (arguments, said) in [
        (&["frobnicate"][..], "unrecognized subcommand 'frobnicate'"),
        (&["output", "--format", "xml"], "invalid value 'xml'"),
        (&["plan", "--set", "novalue"], "write it as KEY=VALUE"),
        (&["state", "show", ".", "Subnet[a"], "a `[` has no `]`"),
        (&["state", "show"], "which resource or component?"),
        (&["state"], "Usage: infra state"),
        (&[], "Usage: infra"),
    ] {
        let run = infra(arguments, folder.path());
        assert_eq!(run.code, 64, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(said), "{arguments:?}: {}", run.err);
        assert_eq!(run.out, "", "{arguments:?}");
    }
}

#[test]
fn without_a_stack_it_says_how_to_name_one() {
    let folder = tempfile::tempdir().expect("folder");
    for arguments in [&["output"][..], &["show"], &["state", "list"]] {
        let run = infra(arguments, folder.path());
        assert_eq!(run.code, 64, "{arguments:?}");
        assert!(run.err.contains("which stack? the current folder has no stack.yaml"), "{}", run.err);
        assert!(run.err.contains("help: name its folder or file"), "{}", run.err);
    }
}

#[test]
fn help_and_version_are_answers() {
    let folder = tempfile::tempdir().expect("folder");
    for arguments in [&["--help"][..], &["--version"], &["output", "--help"], &["state", "forget", "-h"]] {
        let run = infra(arguments, folder.path());
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{arguments:?}");
        assert!(!run.out.is_empty());
    }
}

#[test]
fn completions_name_the_commands() {
    let folder = tempfile::tempdir().expect("folder");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = infra(&["completions", shell], folder.path());
        assert_eq!(run.code, 0);
        assert!(run.out.contains("completions") && run.out.contains("forget"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let folder = tempfile::tempdir().expect("folder");
    let mut command = command(&["completions", "zsh"], folder.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start");
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().expect("stderr").read_to_string(&mut err).expect("read");
    assert_eq!((child.wait().expect("end").code(), err.as_str()), (Some(0), ""));
}
