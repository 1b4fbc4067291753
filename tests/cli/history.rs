//! Going back in the record, carrying it elsewhere, and keeping it encrypted.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::record::{applied, journal};
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
    fs::write(&edited, pulled.replace("\"Mail\"", "\"9 bad..addr\"")).expect("write");
    let nonsense = state(&["push", "record.json", ".", "--auto-approve", "--force"], folder);
    assert_eq!(nonsense.code, 64);
    assert!(
        nonsense.err.contains("record.json has something at `9 bad..addr`, which is no address"),
        "{}",
        nonsense.err
    );
    fs::write(&edited, &pulled).expect("write");
    let first = state(&["push", "record.json", ".", "--auto-approve", "--state", "elsewhere"], folder);
    assert_eq!(first.code, 0, "{}", first.err);
    assert!(first.out.starts_with("Replaced. Nothing was on record before;"), "{}", first.out);
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
    let kept = folder.canonicalize().expect("path").join("kept").display().to_string();
    let next = format!("write `state: kept` in the stack, or give {kept} as --state or INFRA_STATE");
    let moved = state(&["migrate", "--to", "kept", "--auto-approve"], folder);
    assert_eq!(moved.code, 0, "{}", moved.err);
    assert_eq!(moved.out, format!("Moved: 14 log files are in {kept}.\n"));
    assert_eq!(moved.err, format!("To work with it there: {next}.\n"));
    let old = state(&["list"], folder);
    assert_eq!(old.code, 1);
    assert!(old.err.contains(&format!("mail/dev was moved to {kept} by ")) && old.err.contains(&next), "{}", old.err);

    fs::write(&stack, format!("{text}state: kept\n")).expect("write");
    assert_eq!(listed(folder), 3);
    assert_eq!(state(&["list", "--state", "kept"], folder).out.lines().count(), 3, "--state is stronger, and the same");
    let again = state(&["migrate", "--to", "elsewhere", "--state", ".infra", "--auto-approve"], folder);
    assert!(again.err.contains(&format!("was moved to {kept} by ")), "{}", again.err);
    let nowhere = state(&["list", "--state", "gs://acme"], folder);
    assert_eq!(nowhere.code, 64);
    assert!(nowhere.err.contains("state can't be kept in gs://"), "{}", nowhere.err);
    for (wrong, why) in
        [("s3://Team", "`Team` is not the name of a bucket"), ("s3:/x", "neither a bucket nor a folder")]
    {
        let refused = state(&["migrate", "--to", wrong, "--state", "kept", "--auto-approve"], folder);
        assert_eq!(refused.code, 64);
        assert!(refused.err.contains(why), "{}", refused.err);
    }
    let there = state(&["migrate", "--to", "kept", "--state", "kept", "--auto-approve"], folder);
    assert_eq!(there.code, 64);

    fs::write(&stack, format!("{text}state: {{ place: {{ prod: kept }} }}\n")).expect("write");
    let none = state(&["list"], folder);
    assert_eq!(none.code, 64);
    assert!(none.err.contains("`state` names no place for the environment `dev`"), "{}", none.err);
    assert!(none.err.contains("stack.yaml:4:10"), "{}", none.err);
}

#[tokio::test]
async fn a_move_that_was_cut_off_is_told_as_such_in_both_places_and_finished() {
    let folder = applied().await;
    let folder = folder.path();
    let kept = folder.canonicalize().expect("path").join("kept").display().to_string();
    let migrate = ["migrate", "--to", "kept", "--auto-approve"];
    assert_eq!(state(&migrate, folder).code, 0);
    // What a crash before the last write leaves.
    fs::remove_file(folder.join("kept/mail/dev/log/0000000001.json")).expect("remove");
    fs::remove_dir_all(folder.join("kept/mail/dev/snapshot")).expect("remove");
    let old = state(&["list"], folder);
    let finish =
        format!("if the move was cut off, `infra state migrate . -e dev --state .infra --to {kept}` finishes it");
    assert!(old.err.contains(&finish), "{}", old.err);
    let new = state(&["list", "--state", "kept"], folder);
    assert!(
        new.err.contains("the first entry of kept/mail/dev is missing: a move to there was cut off"),
        "{}",
        new.err
    );
    assert!(new.err.contains("`infra state migrate . -e dev --state OLDPLACE --to kept` finishes it"), "{}", new.err);
    let there = state(&["migrate", "--to", "kept", "--state", "kept", "--auto-approve"], folder);
    assert!(there.err.contains("a move to there was cut off"), "{}", there.err);
    assert!(there.err.contains("--state OLDPLACE"), "{}", there.err);

    assert_eq!(state(&migrate, folder).code, 0);
    assert_eq!(state(&["list", "--state", "kept"], folder).out.lines().count(), 3);
    let nothing = state(&["migrate", "--to", "new", "--state", "new", "--auto-approve"], folder);
    assert!(nothing.err.contains("nothing is on record of mail/dev in new"), "{}", nothing.err);
}

#[tokio::test]
async fn an_interrupt_while_another_run_is_waited_for_changes_nothing() {
    let folder = applied().await;
    let folder = folder.path();
    let serial = newest(folder);
    assert_eq!(state(&["forget", "Dead", "--auto-approve"], folder).code, 0);
    fs::write(folder.join("record.json"), state(&["pull", "--serial", &serial], folder).out).expect("write");
    let held = journal(folder).await;
    for (arguments, said) in [
        (&["forget", "Mail"][..], "interrupted: nothing was changed"),
        (&["restore", &serial], "interrupted: nothing was changed"),
        (&["push", "record.json", ".", "--force"], "interrupted: nothing was changed"),
        (&["migrate", "--to", "kept"], "interrupted: nothing was moved"),
    ] {
        let arguments = [&["state"], arguments, &["--auto-approve"], &DEV].concat();
        let mut child = command(&arguments, folder).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.starts_with("Waiting:")), "{arguments:?}");
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
        assert!(sent.success());
        let rest: Vec<_> = lines.collect();
        assert!(rest.iter().any(|line| line.contains(said)), "{arguments:?}: {rest:?}");
        assert_eq!(child.wait().expect("it ends").code(), Some(130), "{arguments:?}");
    }
    held.close().await.expect("nobody took the log");
    assert_eq!(listed(folder), 1);
}

#[tokio::test]
async fn a_move_that_is_interrupted_after_the_record_ended_is_finished_first() {
    let folder = applied().await;
    let folder = folder.path();
    let migrate = ["state", "migrate", "--to", "kept", "--auto-approve", "-e", "dev"];
    assert_eq!(infra(&migrate, folder).code, 0);
    fs::remove_file(folder.join("kept/mail/dev/log/0000000001.json")).expect("remove");
    fs::remove_dir_all(folder.join("kept/mail/dev/snapshot")).expect("remove");
    // Holds up whoever reads it until it is written.
    let second = folder.join("kept/mail/dev/log/0000000002.json");
    let bytes = fs::read(&second).expect("read");
    fs::remove_file(&second).expect("remove");
    assert!(Command::new("mkfifo").arg(&second).status().expect("mkfifo").success());

    let mut child = command(&migrate, folder).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
    // It can be opened to be written once somebody reads it.
    let mut pipe = fs::OpenOptions::new().write(true).open(&second).expect("open");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill").success());
    assert_eq!(
        lines.next().as_deref(),
        Some("Interrupted: the record has ended where it was, so its move is finished first.")
    );
    pipe.write_all(&bytes).expect("write");
    drop(pipe);
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{:?}", lines.collect::<Vec<_>>());
    fs::remove_file(&second).expect("remove");
    fs::write(&second, &bytes).expect("write");
    assert_eq!(state(&["list", "--state", "kept"], folder).out.lines().count(), 3);
}

#[tokio::test]
async fn a_record_moves_back_once_its_past_is_out_of_the_way() {
    let folder = applied().await;
    let folder = folder.path();
    assert_eq!(state(&["migrate", "--to", "kept", "--auto-approve"], folder).code, 0);
    let back = ["migrate", "--state", "kept", "--to", ".infra", "--auto-approve"];
    let refused = state(&back, folder);
    let past = folder.canonicalize().expect("path").join(".infra/mail/dev").display().to_string();
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains(&format!("{past} holds this log's own past")), "{}", refused.err);
    assert!(refused.err.contains(&format!("`mv {past} {past}.past`")), "{}", refused.err);
    fs::rename(&past, format!("{past}.past")).expect("rename");
    assert_eq!(state(&back, folder).code, 0);
    assert_eq!(listed(folder), 3);
}

#[tokio::test]
async fn a_record_that_moves_into_a_folder_of_the_stack_is_found_as_told() {
    let folder = applied().await;
    let folder = folder.path();
    fs::create_dir(folder.join("g")).expect("folder");
    fs::rename(folder.join("stack.yaml"), folder.join("g/stack.yaml")).expect("rename");
    let kept = folder.canonicalize().expect("path").join("g/kept").display().to_string();
    let next = format!("write `state: kept` in the stack, or give {kept} as --state or INFRA_STATE");
    let moved = state(&["migrate", "g", "--to", "g/kept", "--auto-approve"], folder);
    assert!(moved.err.contains(&next), "{}", moved.err);
    let old = state(&["list", "g"], folder);
    assert!(old.err.contains(&next), "{}", old.err);
    let by_name = state(&["list", "mail"], folder);
    assert!(by_name.err.contains(&format!("write `state: {kept}` in the stack")), "{}", by_name.err);

    assert_eq!(state(&["list", "g", "--state", &kept], folder).out.lines().count(), 3);
    fs::write(folder.join("g/stack.yaml"), "stack: mail\nregion: us-east-1\nresources: {}\nstate: kept\n")
        .expect("write");
    for (stack, at) in [("g", folder.to_owned()), (".", folder.join("g"))] {
        assert_eq!(state(&["list", stack], &at).out.lines().count(), 3, "seen from {}", at.display());
    }
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
    assert!(wrong.err.contains("is encrypted with another passphrase"), "{}", wrong.err);
    assert!(wrong.err.contains("the earlier one in INFRA_STATE_OLD_PASSPHRASE"), "{}", wrong.err);
    for entry in fs::read_dir(folder.join("kept/mail/dev/log")).expect("folder") {
        let text = fs::read_to_string(entry.expect("entry").path()).expect("text");
        assert!(text.starts_with("{\"encrypted\":") && !text.contains("AWS::SQS::Queue"), "{text}");
    }
}

#[tokio::test]
async fn a_passphrase_is_changed_by_a_move() {
    let folder = applied().await;
    let folder = folder.path();
    let with = |arguments: &[&str], passphrase: &str, old: &str| {
        let mut command = command(arguments, folder);
        run(command.env("INFRA_STATE_PASSPHRASE", passphrase).env("INFRA_STATE_OLD_PASSPHRASE", old))
    };
    let migrate = |from, to| ["state", "migrate", "--state", from, "--to", to, "--auto-approve", "-e", "dev"];
    assert_eq!(with(&migrate(".infra", "first"), "correct horse", "").code, 0);
    let moved = with(&migrate("first", "second"), "battery staple", "correct horse");
    assert_eq!(moved.code, 0, "{}", moved.err);
    let list = ["state", "list", "-e", "dev", "--state", "second"];
    assert_eq!(with(&list, "battery staple", "").out.lines().count(), 3);
    let old = with(&list, "correct horse", "");
    assert_eq!(old.code, 1);
    assert!(old.err.contains("is encrypted with another passphrase"), "{}", old.err);
}

#[tokio::test]
async fn damage_in_the_middle_leaves_a_way_back() {
    let folder = applied().await;
    let folder = folder.path();
    let good = newest(folder);
    assert_eq!(state(&["forget", "Dead", "--auto-approve"], folder).code, 0);
    fs::remove_dir_all(folder.join(".infra/mail/dev/snapshot")).expect("snapshots");
    let damaged = folder.join(format!(".infra/mail/dev/log/{:010}.json", good.parse::<u64>().expect("a number") + 3));
    fs::write(&damaged, "{\"version\":3,").expect("write");
    let list = state(&["list"], folder);
    assert_eq!(list.code, 1);
    let sound = good.parse::<u64>().expect("a number") + 2;
    let wanted = [
        format!("entry {} (.infra/mail/dev/log/{:010}.json) is damaged", sound + 1, sound + 1),
        "put the file back from a copy".to_owned(),
        format!("infra state pull STACK --serial {sound} > record.json"),
        format!("infra state restore {sound} STACK"),
    ];
    for wanted in wanted {
        assert!(list.err.contains(&wanted), "{wanted}: {}", list.err);
    }
    let pulled = state(&["pull", "--serial", &good], folder);
    assert_eq!(pulled.code, 0, "{}", pulled.err);
    assert!(pulled.out.contains("https://sqs/Mail"));
    assert_eq!(state(&["pull"], folder).code, 1);

    let restored = state(&["restore", &good, "--auto-approve"], folder);
    assert_eq!(restored.code, 0, "{}", restored.err);
    assert!(
        restored.err.contains("is damaged") && restored.out.contains("counts as never written"),
        "{}",
        restored.out
    );
    assert_eq!(listed(folder), 3);
}

#[tokio::test]
async fn history_says_what_it_can_not_tell_and_migrate_refuses() {
    let folder = applied().await;
    let folder = folder.path();
    let path = folder.join(".infra/mail/dev/log/0000000003.json");
    fs::write(&path, "{").expect("write");
    let history = state(&["history"], folder);
    assert_eq!(history.code, 0, "{}", history.err);
    assert!(history.err.contains("entry 3 (.infra/mail/dev/log/0000000003.json) is damaged"), "{}", history.err);
    assert!(history.out.ends_with("what it did can't be told\n"), "{}", history.out);
    let json: Json = serde_json::from_str(&state(&["history", "--format", "json"], folder).out).expect("JSON");
    assert_eq!(json["runs"][0]["damaged"], true);
    let moved = state(&["migrate", "--to", "kept", "--auto-approve"], folder);
    assert_eq!(moved.code, 1);
    assert!(moved.err.contains("0000000003.json) is damaged") && moved.err.contains("from a copy"), "{}", moved.err);
    assert_eq!(listed(folder), 3);
}

#[tokio::test]
async fn a_run_at_work_is_under_way_and_was_not_cut_off() {
    let folder = applied().await;
    let folder = folder.path();
    let held = journal(folder).await;
    held.outputs(&BTreeMap::from([("url".to_owned(), "http://other.example".into())])).await.expect("outputs");
    let ends = |what: &str| {
        let history = state(&["history"], folder).out;
        assert!(history.lines().next().is_some_and(|line| line.ends_with(what)), "{history}");
        assert!(!history.contains("(was cut off)"), "{history}");
    };
    ends("no resource changed (under way)");
    let json: Json = serde_json::from_str(&state(&["history", "--format", "json"], folder).out).expect("JSON");
    assert_eq!([&json["runs"][0]["under_way"], &json["runs"][1]["under_way"]], [true, false]);
    held.close().await.expect("close");
    ends("no resource changed");
}
