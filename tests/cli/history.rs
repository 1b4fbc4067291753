//! Going back in the record, carrying it elsewhere, and keeping it encrypted.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::record::applied;
use crate::{Run, command, infra, run};

const DEV: [&str; 2] = ["-e", "dev"];

fn state(arguments: &[&str], folder: &Path) -> Run {
    infra(&[&["state"], arguments, &DEV].concat(), folder)
}

fn listed(folder: &Path) -> usize {
    state(&["list"], folder).out.lines().count()
}

/// The serial of the newest run that changed something.
fn newest(folder: &Path) -> String {
    let history = state(&["history", "--format", "json"], folder);
    let history: Json = serde_json::from_str(&history.out).expect("JSON");
    history["runs"][0]["serial"].to_string()
}

#[tokio::test]
async fn what_was_forgotten_by_mistake_comes_back() {
    let folder = applied().await;
    let folder = folder.path();
    let before = newest(folder);
    assert_eq!(state(&["forget", "Dead", "--auto-approve"], folder).code, 0);
    assert_eq!(listed(folder), 1);
    let history = state(&["history"], folder).out;
    let lines: Vec<_> = history.lines().collect();
    assert_eq!(lines.len(), 2, "{history}");
    assert!(lines[0].contains("state forget") && lines[0].ends_with("2 forgotten"), "{history}");
    assert!(lines[1].contains(" test") && lines[1].ends_with("3 created"), "{history}");

    let refused = state(&["restore", &before], folder);
    assert_eq!(refused.code, 64, "nobody to ask");
    let restored = state(&["restore", &before, "--auto-approve"], folder);
    assert_eq!(restored.code, 0, "{}", restored.err);
    assert!(restored.err.contains("+ Dead[\"a\"]  https://sqs/Dead[\"a\"] is managed again"), "{}", restored.err);
    assert!(restored.err.contains("2 resources on record would differ."), "{}", restored.err);
    assert_eq!(listed(folder), 3);
    assert!(
        state(&["history"], folder)
            .out
            .lines()
            .next()
            .is_some_and(|line| line.ends_with(&format!("back to entry {before}")))
    );

    let again = state(&["restore", &newest(folder), "--auto-approve"], folder);
    assert!(again.out.starts_with("Nothing to change: mail/dev is what was on record after entry "), "{}", again.out);
    let none = state(&["restore", "9999", "--auto-approve"], folder);
    assert_eq!(none.code, 1);
    assert!(none.err.contains("there is no entry 9999") && none.err.contains("infra state history"), "{}", none.err);
}

#[tokio::test]
async fn a_pulled_record_is_pushed_back_edited_but_not_over_changes() {
    let folder = applied().await;
    let folder = folder.path();
    let pulled = state(&["pull"], folder).out;
    assert!(!pulled.contains("hunter2"), "{pulled}");
    let edited = folder.join("record.json");
    fs::write(&edited, pulled.replace("https://sqs/Mail", "https://sqs/Post")).expect("write");
    let pushed = state(&["push", "record.json", ".", "--auto-approve"], folder);
    assert_eq!(pushed.code, 0, "{}", pushed.err);
    assert!(pushed.err.contains("± Mail  https://sqs/Post instead of https://sqs/Mail"), "{}", pushed.err);
    assert!(state(&["show", "Mail"], folder).out.contains("https://sqs/Post"));

    fs::write(&edited, &pulled).expect("write");
    let stale = state(&["push", "record.json", ".", "--auto-approve"], folder);
    assert_eq!(stale.code, 1);
    assert!(stale.err.contains("and the record changed since") && stale.err.contains("--force"), "{}", stale.err);
    assert_eq!(state(&["push", "record.json", ".", "--auto-approve", "--force"], folder).code, 0);
    assert!(state(&["show", "Mail"], folder).out.contains("https://sqs/Mail"));

    fs::write(&edited, pulled.replace("\"environment\": \"dev\"", "\"environment\": \"prod\"")).expect("write");
    let other = state(&["push", "record.json", ".", "--auto-approve"], folder);
    assert!(other.err.contains("record.json is the record of mail/prod, not of mail/dev"), "{}", other.err);
    fs::write(&edited, &pulled[..pulled.len() / 2]).expect("write");
    let cut = state(&["push", "record.json", ".", "--auto-approve"], folder);
    assert_eq!(cut.code, 64);
    assert!(cut.err.contains("record.json is no record that `infra state pull` wrote: EOF"), "{}", cut.err);
}

#[tokio::test]
async fn a_record_moves_to_where_the_stack_says_and_the_old_place_tells() {
    let folder = applied().await;
    let folder = folder.path();
    let stack = folder.join("stack.yaml");
    let text = fs::read_to_string(&stack).expect("read");
    let moved = state(&["migrate", "--to", "kept", "--auto-approve"], folder);
    assert_eq!((moved.code, moved.out.as_str()), (0, "Moved: 14 log files are in kept.\n"), "{}", moved.err);
    let old = state(&["list"], folder);
    assert_eq!(old.code, 1);
    assert!(old.err.contains("mail/dev was moved to kept by ") && old.err.contains("`state: kept`"), "{}", old.err);

    fs::write(&stack, format!("{text}state: kept\n")).expect("write");
    assert_eq!(listed(folder), 3);
    assert_eq!(state(&["list", "--state", "kept"], folder).out.lines().count(), 3, "--state is stronger, and the same");
    let again = state(&["migrate", "--to", "elsewhere", "--state", ".infra", "--auto-approve"], folder);
    assert!(again.err.contains("was moved to kept"), "{}", again.err);
    let nowhere = state(&["list", "--state", "gs://acme"], folder);
    assert_eq!(nowhere.code, 64);
    assert!(nowhere.err.contains("state can't be kept in gs://"), "{}", nowhere.err);
    let there = state(&["migrate", "--to", "kept", "--state", "kept", "--auto-approve"], folder);
    assert_eq!(there.code, 64);

    fs::write(&stack, format!("{text}state: {{ place: {{ prod: kept }} }}\n")).expect("write");
    let none = state(&["list"], folder);
    assert_eq!(none.code, 64);
    assert!(none.err.contains("`state` names no place for the environment `dev`"), "{}", none.err);
    assert!(none.err.contains("stack.yaml:4:10"), "{}", none.err);
}

#[tokio::test]
async fn a_record_is_encrypted_with_a_passphrase_from_the_environment() {
    let folder = applied().await;
    let folder = folder.path();
    let stack = folder.join("stack.yaml");
    let text = fs::read_to_string(&stack).expect("read");
    fs::write(&stack, format!("{text}state: {{ place: kept, encryption: passphrase }}\n")).expect("write");
    let migrate = ["state", "migrate", "--state", ".infra", "--to", "kept", "--auto-approve", "-e", "dev"];
    let missing = infra(&migrate, folder);
    assert_eq!(missing.code, 64);
    assert!(missing.err.contains("give it in INFRA_STATE_PASSPHRASE"), "{}", missing.err);
    let with = |arguments: &[&str], passphrase: &str| {
        run(command(arguments, folder).env("INFRA_STATE_PASSPHRASE", passphrase))
    };
    assert_eq!(with(&migrate, "correct horse").code, 0);
    let list = ["state", "list", "-e", "dev"];
    let shown = with(&list, "correct horse");
    assert_eq!(shown.out.lines().count(), 3, "{}", shown.err);
    let wrong = with(&list, "battery staple");
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("it is encrypted with another passphrase"), "{}", wrong.err);
    for entry in fs::read_dir(folder.join("kept/mail/dev/log")).expect("folder") {
        let text = fs::read_to_string(entry.expect("entry").path()).expect("text");
        assert!(text.starts_with("{\"encrypted\":") && !text.contains("AWS::SQS::Queue"), "{text}");
    }
}
