//! The commands that read and change what is on record.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use infra::address::{Address, Id, OpId};
use infra::state::{Begun, BegunAction, Holder, Journal, LocalStore, LogKey, OpenOptions};
use infra::value::Value;
use serde_json::json;

use crate::{command, infra, run};

pub(crate) async fn journal(folder: &Path) -> Journal {
    let store = Arc::new(LocalStore::new(folder.join(".infra")));
    let options = OpenOptions::new(Holder::current("test"));
    Journal::open(store, LogKey::new("mail", "dev"), options).await.expect("open").0
}

/// A folder with a stack that has queues and outputs on record, made as an apply makes it.
pub(crate) async fn applied() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("stack.yaml"), "stack: mail\nregion: us-east-1\nresources: {}\n").expect("write");
    let journal = journal(folder.path()).await;
    for name in ["Mail", r#"Dead["a"]"#, r#"Dead["b"]"#] {
        let (op, address) = (OpId::generate(), Address::from(name));
        let begun = Begun {
            address: address.clone(),
            type_name: "AWS::SQS::Queue".to_owned(),
            action: BegunAction::Create,
            properties: [("Password".to_owned(), Value::Secret(Box::new("hunter2".into())))].into_iter().collect(),
            generated: Vec::new(),
            dependencies: Vec::new(),
            prevent_destroy: false,
        };
        journal.begin([(op.clone(), begun)]).await.expect("begin");
        journal.made(&op, &Id::new(format!("https://sqs/{name}"))).await.expect("made");
        journal.done(&op, &address, &Value::map()).await.expect("done");
    }
    let outputs = BTreeMap::from([
        ("url".to_owned(), Value::from("http://mail.example")),
        ("ports".to_owned(), Value::from(json!([80, 443]))),
        ("token".to_owned(), Value::Secret(Box::new("hunter2".into()))),
    ]);
    journal.outputs(&outputs).await.expect("outputs");
    journal.close().await.expect("close");
    folder
}

#[tokio::test]
async fn outputs_for_people_scripts_and_programs() {
    let folder = applied().await;
    let all = infra(&["output", ".", "-e", "dev"], folder.path());
    assert_eq!(all.out, "ports: [80, 443]\ntoken: (secret)\nurl: http://mail.example\n");
    assert_eq!(all.code, 0);

    let one = infra(&["output", ".", "url", "-e", "dev"], folder.path());
    assert_eq!((one.out.as_str(), one.code), ("http://mail.example\n", 0));

    let json = infra(&["output", "--format", "json", "-e", "dev"], folder.path());
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    let expected = json!({
        "version": 1, "stack": "mail", "environment": "dev",
        "outputs": {
            "ports": { "secret": false, "value": [80, 443] },
            "token": { "secret": true },
            "url": { "secret": false, "value": "http://mail.example" },
        },
    });
    assert_eq!(json, expected);
}

#[tokio::test]
async fn outputs_that_can_not_be_printed_say_why() {
    let folder = applied().await;
    let secret = infra(&["output", ".", "token", "-e", "dev"], folder.path());
    assert_eq!((secret.code, secret.out.as_str()), (1, ""));
    assert!(secret.err.contains("the output `token` is secret"), "{}", secret.err);

    let unknown = infra(&["output", ".", "urls", "-e", "dev"], folder.path());
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("it has: ports, token, url"), "{}", unknown.err);
}

#[tokio::test]
async fn an_environment_that_was_never_applied_names_those_that_were() {
    let folder = applied().await;
    let other = infra(&["show", ".", "-e", "prod"], folder.path());
    assert_eq!(other.code, 1);
    assert!(other.err.contains("nothing is on record of mail/prod in .infra"), "{}", other.err);
    assert!(other.err.contains("on record there: mail/dev"), "{}", other.err);
}

#[tokio::test]
async fn the_record_is_found_by_name_and_by_variable() {
    let folder = applied().await;
    let elsewhere = tempfile::tempdir().expect("folder");
    let mut by_variable = command(&["state", "list", "mail", "-e", "dev"], elsewhere.path());
    let list = run(by_variable.env("INFRA_STATE", folder.path().join(".infra")));
    assert_eq!(list.code, 0, "{}", list.err);
    assert_eq!(list.out.lines().count(), 3, "{}", list.out);
}

#[tokio::test]
async fn no_secret_is_ever_printed() {
    let folder = applied().await;
    for arguments in [&["show"][..], &["show", "--format", "json"], &["state", "show", "Mail"], &["output"]] {
        let run = infra(&[arguments, &["-e", "dev"]].concat(), folder.path());
        assert_eq!(run.code, 0, "{arguments:?}: {}", run.err);
        assert!(run.out.contains("secret"), "{arguments:?}");
        assert!(!run.out.contains("hunter2"), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_component_is_shown_whole_and_a_misspelt_one_is_guessed() {
    let folder = applied().await;
    let both = infra(&["state", "show", "Dead", "-e", "dev", "--format", "json"], folder.path());
    let json: serde_json::Value = serde_json::from_str(&both.out).expect("JSON");
    assert_eq!(json["resources"].as_array().map(Vec::len), Some(2));

    // Options may stand anywhere, the stack may be left out.
    for arguments in [&["state", "show", ".", "-e", "dev", "Mail"][..], &["state", "show", "-e", "dev", "Mail"]] {
        let run = infra(arguments, folder.path());
        assert_eq!(run.code, 0, "{arguments:?}: {}", run.err);
        assert!(run.out.starts_with("Mail  AWS::SQS::Queue"), "{}", run.out);
    }

    let typo = infra(&["state", "show", "Mial", "-e", "dev"], folder.path());
    assert_eq!(typo.code, 64);
    assert!(typo.err.contains("did you mean `Mail`?"), "{}", typo.err);
}

#[tokio::test]
async fn forget_asks_and_without_a_terminal_refuses() {
    let folder = applied().await;
    let refused = infra(&["state", "forget", "Mail", "-e", "dev"], folder.path());
    assert_eq!(refused.code, 64);
    assert!(refused.err.contains("--auto-approve"), "{}", refused.err);
    assert_eq!(infra(&["state", "list", "-e", "dev"], folder.path()).out.lines().count(), 3);
}

#[tokio::test]
async fn forget_takes_a_whole_component_off_the_record() {
    let folder = applied().await;
    let done = infra(&["state", "forget", "Dead", "-e", "dev", "--auto-approve"], folder.path());
    assert_eq!((done.code, done.out.as_str()), (0, "Forgot 2 resources.\n"), "{}", done.err);
    let left = infra(&["state", "list", "-e", "dev"], folder.path());
    assert_eq!(left.out, "Mail  AWS::SQS::Queue  https://sqs/Mail\n");
}

#[tokio::test]
async fn forget_does_not_wait_for_another_run_when_told_so() {
    let folder = applied().await;
    let held = journal(folder.path()).await;
    let arguments = ["state", "forget", "Mail", "-e", "dev", "--auto-approve", "--no-wait"];
    let run = infra(&arguments, folder.path());
    assert_eq!(run.code, 1);
    assert!(run.err.contains("is held by") && run.err.contains("--no-wait"), "{}", run.err);
    held.close().await.expect("close");
}

#[tokio::test]
async fn colour_only_where_it_is_asked_for_or_seen() {
    let folder = applied().await;
    let coloured = |arguments: &[&str], no_color: bool| {
        let mut command = command(&[&["show", "-e", "dev"], arguments].concat(), folder.path());
        if no_color {
            command.env("NO_COLOR", "1");
        }
        run(&mut command).out.contains('\u{1b}')
    };
    assert!(!coloured(&[], false), "colour into a pipe");
    assert!(coloured(&["--color", "always"], false));
    assert!(!coloured(&["--color", "never"], false));
    assert!(!coloured(&[], true));
}
