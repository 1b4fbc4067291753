//! Files that are saved plans, or were: told by what is in them, and refused in words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use infra::plan::{PLAN_VERSION, Plan};
use infra::saved::{Basis, SavedPlan, encode};

use crate::infra;

fn saved() -> SavedPlan {
    SavedPlan {
        infra: "0.1.0".to_owned(),
        made: "2026-01-02T03:04:05Z".parse().expect("a time"),
        folder: "/ci".into(),
        state: ".infra".into(),
        stack: "stack.yaml".into(),
        environment: None,
        values: BTreeMap::new(),
        given: BTreeSet::new(),
        targets: Vec::new(),
        excludes: Vec::new(),
        basis: Basis {
            record: "00".to_owned(),
            account: "1".to_owned(),
            files: BTreeMap::new(),
            secrets: BTreeMap::new(),
            variables: BTreeMap::new(),
            lookups: BTreeMap::new(),
        },
        plan: Plan {
            version: PLAN_VERSION,
            stack: "mail".to_owned(),
            environment: "default".to_owned(),
            region: "us-east-1".to_owned(),
            serial: 0,
            destroy: false,
            steps: Vec::new(),
            outputs: Vec::new(),
            lints: Vec::new(),
        },
    }
}

fn folder_with(name: &str, bytes: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("stack.yaml"), "stack: mail\nregion: us-east-1\nresources: {}\n").expect("write");
    std::fs::write(folder.path().join(name), bytes).expect("write");
    folder
}

#[cfg(feature = "aws")]
#[test]
fn a_saved_plan_is_no_stack_and_a_missing_one_is_missing() {
    let folder = folder_with("my.plan", &encode(&saved()).expect("a plan"));
    let run = infra(&["plan", "my.plan"], folder.path());
    assert_eq!(run.code, 64, "{}", run.err);
    assert!(run.err.contains("my.plan is a saved plan, not a stack"), "{}", run.err);
    assert!(run.err.contains("infra apply my.plan"), "{}", run.err);
    let run = infra(&["apply", "no.plan"], folder.path());
    assert_eq!(run.code, 64, "{}", run.err);
    assert!(run.err.contains("no.plan: there is no such file"), "{}", run.err);
    assert!(!run.err.contains("--auto-approve"), "{}", run.err);
}

fn assert_says(name: &str, bytes: &[u8], code: i32, said: &[&str]) {
    let folder = folder_with(name, bytes);
    let run = infra(&["apply", name], folder.path());
    assert_eq!((run.code, run.out.as_str()), (code, ""), "{}", run.err);
    for said in said {
        assert!(run.err.contains(said), "{said}: {}", run.err);
    }
    assert!(!run.err.contains("panicked"), "{}", run.err);
    assert!(!folder.path().join(".infra").exists(), "a record was begun");
}

#[test]
fn a_saved_plan_that_is_damaged_or_newer_is_refused_in_words() {
    let bytes = encode(&saved()).expect("JSON");
    let plan_again = "help: plan again";
    // The name says nothing.
    for name in ["a.plan", "plan.yaml", "plan"] {
        for length in [10, 40, bytes.len() / 2, bytes.len() - 2] {
            assert_says(name, &bytes[..length], 64, &["is damaged: it ends too early", plan_again]);
        }
    }
    let text = String::from_utf8(bytes.clone()).expect("UTF-8");
    let forged = text.replace("us-east-1", "us-east-2");
    assert_says("plan", forged.as_bytes(), 64, &["is damaged: it is not as it was written", plan_again]);
    let mut garbage = bytes.clone();
    garbage.truncate(100);
    garbage.extend([0xff, 0x00, 0x80]);
    assert_says("plan", &garbage, 64, &["is damaged"]);
    let newer = text.replacen("\"version\":1", "\"version\":2", 1);
    let said = ["is in format 2, which a newer infra (0.1.0) wrote", "upgrade infra"];
    assert_says("plan", newer.as_bytes(), 64, &said);
}

#[test]
fn a_plan_made_with_another_record_or_elsewhere_says_where() {
    let bytes = encode(&saved()).expect("JSON");
    assert_says("plan", &bytes, 1, &["the record moved on since it was made (2026-01-02T03:04:05Z)", "in /ci"]);
    let elsewhere = SavedPlan { stack: "stacks/mail".into(), ..saved() };
    let said = ["stacks/mail, which plan is a plan of, is not here", "the plan was made in /ci"];
    assert_says("plan", &encode(&elsewhere).expect("JSON"), 64, &said);
    let outside = SavedPlan { plan: Plan { stack: "../..".to_owned(), ..saved().plan }, ..saved() };
    assert_says("plan", &encode(&outside).expect("JSON"), 1, &["can't be the name of a stack"]);
}

#[test]
fn a_secret_that_was_given_must_be_given_again() {
    let mut plan = saved();
    plan.given.insert("password".to_owned());
    plan.basis.secrets.insert("password".to_owned(), "00".to_owned());
    let said = ["the secret parameter `password` is not saved in plan", "--set password=…"];
    assert_says("plan", &encode(&plan).expect("JSON"), 64, &said);
}

#[test]
fn a_stack_is_a_stack_whatever_its_file_is_called() {
    let folder = folder_with("mail.plan", b"stack: mail\nregion: us-east-1\nresources: {}\n");
    for stack in ["mail.plan", ".", "stack.yaml"] {
        let run = infra(&["apply", stack], folder.path());
        assert_eq!(run.code, 64);
        assert!(run.err.contains("there is no terminal to ask for approval on"), "{stack}: {}", run.err);
    }
    assert!(!Path::new(&folder.path().join(".infra")).exists());
}
