//! Secrets, with the binary on the local AWS: that their values change as they should, and are in nothing that is written.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

#[path = "../process/run.rs"]
#[allow(dead_code, reason = "others need more of it")]
mod run;
mod user;

use local_aws::{Action, Fault, LocalAws, Options, When};
use user::{Infra, secret_value};

/// What must be found nowhere; the last is never taken by AWS.
const PASSWORDS: [&str; 3] = ["canary-9d41c7-one", "canary-9d41c7-two", "canary-9d41c7-three"];

fn with(password: &str, others: &[&str]) -> Vec<String> {
    let settings =
        std::iter::once(format!("password={password}")).chain(others.iter().map(|other| (*other).to_owned()));
    settings.flat_map(|setting| ["--set".to_owned(), setting]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_in_nothing_that_is_written() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    let infra = Infra::new(&local, "stack.yaml");
    let [one, two, three] = PASSWORDS.map(|password| with(password, &[]));

    infra.run("plan", &one, &[]).expect(0);
    infra.run("plan", &one, &["--format", "json"]).expect(0);
    infra.run("apply", &one, &["--auto-approve"]).expect(0);
    let (given, generated) = (infra.id("Given"), infra.id("Generated"));
    let made_up = secret_value(&local, &generated);
    assert!(made_up.starts_with(r#"{"username":"mail","password":""#), "{made_up}");
    assert_eq!(password(&made_up).len(), 40);
    assert_eq!(secret_value(&local, &given), PASSWORDS[0]);
    let again = infra.run("plan", &one, &["--detailed-exitcode"]).expect(0);
    assert!(again.out.starts_with("No changes."), "{again}");

    // Another value shows as a change that shows neither.
    let planned = infra.run("plan", &two, &["--detailed-exitcode"]).expect(2);
    for property in ["SecretString", "Value"] {
        let change = format!("~ {property}: (secret) → (another secret)");
        assert!(planned.out.contains(&change), "no `{change}` in {planned}");
    }
    infra.run("plan", &two, &["--detailed-exitcode", "--format", "json"]).expect(2);
    infra.run("apply", &two, &["--auto-approve"]).expect(0);
    assert_eq!(secret_value(&local, &given), PASSWORDS[1]);
    assert_eq!(secret_value(&local, &infra.id("Named")), format!("user:{}", PASSWORDS[1]));

    // Only another rule makes another value up.
    let purpose = with(PASSWORDS[1], &["purpose=letters"]);
    infra.run("apply", &purpose, &["--auto-approve"]).expect(0);
    assert_eq!(secret_value(&local, &generated), made_up);
    infra.run("plan", &purpose, &["--detailed-exitcode"]).expect(0);
    let longer = with(PASSWORDS[1], &["purpose=letters", "length=48"]);
    infra.run("apply", &longer, &["--auto-approve"]).expect(0);
    infra.run("plan", &longer, &["--detailed-exitcode"]).expect(0);
    let made_up_anew = secret_value(&local, &generated);
    assert_eq!(password(&made_up_anew).len(), 48);

    // Nor are they in what is said of failures.
    for action in [
        Action::Error { code: "EncryptionFailure".into(), message: "The key is disabled.".into(), status: 400 },
        Action::Status(500),
        Action::DropAfter,
    ] {
        let (service, operation) = ("secretsmanager".to_owned(), "UpdateSecret".to_owned());
        let fault = Fault { service, operation, when: When::Always, times: Some(2), action };
        let _until_cleared = local.control().add_fault(fault);
        let _fails_or_tries_again = infra.run("apply", &three, &["--auto-approve"]);
        local.control().clear_faults();
        infra.run("apply", &two, &["--auto-approve"]).expect(0);
    }

    for (words, address) in [(&["show"][..], None), (&["output"], None), (&["state", "show"], Some("Given"))] {
        infra.record(words, address.as_slice()).expect(0);
        infra.record(words, &[address.as_slice(), &["--format", "json"]].concat()).expect(0);
    }

    infra.run("destroy", &[], &["--auto-approve"]).expect(0);
    assert_eq!(local.control().inventory().await.unwrap(), [], "what is scheduled for deletion does not count");
    // The name that was given is taken; all others are made anew.
    let refused = infra.run("apply", &one, &["--auto-approve"]).expect(1);
    let said = refused.err.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["secrets/named", "scheduled for deletion", "--force-delete-without-recovery", "stack.yaml:"] {
        assert!(said.contains(part), "`{part}` is missing: {refused}");
    }
    assert_ne!(infra.id("Given"), given);
    infra.run("destroy", &[], &["--auto-approve"]).expect(0);

    let generated = [&made_up, &made_up_anew].map(|value| password(value).to_owned());
    infra.assert_kept(PASSWORDS.into_iter().chain(generated.iter().map(String::as_str)));
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_in_saved_plans_pulled_records_histories_and_events() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    let infra = Infra::new(&local, "stack.yaml");
    let [one, two, three] = PASSWORDS.map(|password| with(password, &[]));
    let approved = ["--auto-approve"];
    infra.run("validate", &one, &[]).expect(0);
    infra.run("graph", &one, &[]).expect(0);

    // A saved plan takes the value that it was made with, and no other.
    let file = infra.file("saved.plan");
    let file = file.to_str().unwrap();
    infra.run("plan", &one, &["--out", file, "--format", "markdown"]).expect(0);
    let given =
        |password: &Vec<String>| -> Vec<String> { [vec!["apply".into(), file.into()], password.clone()].concat() };
    let saved = |arguments: Vec<String>| infra.start(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    saved(vec!["apply".into(), file.into()]).expect(64);
    saved(given(&two)).expect(1);
    saved(given(&one)).expect(0);
    let generated = secret_value(&local, &infra.id("Generated"));

    infra.run("apply", &two, &["--auto-approve", "--format", "json"]).expect(0);
    infra.run("plan", &three, &["--format", "markdown"]).expect(0);
    infra.run("plan", &[], &[]).expect(64);
    infra.run("plan", &with(PASSWORDS[0], &["length=canary"]), &[]).expect(64);
    let (service, operation) = ("secretsmanager".to_owned(), "UpdateSecret".to_owned());
    let action = Action::Error { code: "EncryptionFailure".into(), message: "disabled".into(), status: 400 };
    let _until_cleared =
        local.control().add_fault(Fault { service, operation, when: When::Always, times: None, action });
    infra.run("apply", &three, &["--auto-approve", "--format", "json"]).expect(1);
    local.control().clear_faults();
    for words in [&["status"][..], &["show"], &["output"], &["state", "list"], &["state", "history"]] {
        infra.record(words, &[]).expect(0);
        infra.record(words, &["--format", "json"]).expect(0);
    }
    infra.record(&["output"], &["password"]);
    infra.record(&["rollback"], &approved).expect(1);

    // Records that leave the log and come back, and the log that goes elsewhere.
    let pulled = infra.record(&["state", "pull"], &[]).expect(0);
    let document = infra.file("pulled.json");
    std::fs::write(&document, &pulled.out).unwrap();
    infra.run("apply", &two, &approved).expect(0);
    infra.record(&["state", "push", document.to_str().unwrap()], &["--auto-approve", "--force"]).expect(0);
    infra.record(&["state", "pull"], &["--serial", "4"]).expect(0);
    infra.record(&["state", "restore", "4"], &approved).expect(0);
    infra.run("plan", &two, &[]).expect(0);
    infra.record(&["state", "push", document.to_str().unwrap()], &["--auto-approve", "--force"]).expect(0);
    infra.record(&["state", "forget"], &["Told", "--auto-approve"]).expect(0);
    let elsewhere = infra.file("elsewhere");
    infra.record(&["state", "migrate"], &["--to", elsewhere.to_str().unwrap(), "--auto-approve"]).expect(0);
    infra.run("apply", &one, &approved).expect(1);
    let there = ["--auto-approve", "--format", "json", "--state", elsewhere.to_str().unwrap()];
    infra.run("destroy", &[], &there).expect(0);

    infra.assert_kept(PASSWORDS.into_iter().chain([password(&generated)]));
    local.stop().await;
}

/// The password in a value that was made up.
fn password(value: &str) -> &str {
    value.rsplit('"').nth(1).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ignored_stays_and_what_is_protected_is_not_deleted() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    let infra = Infra::new(&local, "lifecycle.yaml");
    infra.run("apply", &with(PASSWORDS[0], &[]), &["--auto-approve"]).expect(0);
    let again = infra.run("plan", &with(PASSWORDS[1], &[]), &["--detailed-exitcode"]).expect(0);
    assert!(again.out.starts_with("No changes."), "{again}");
    let refused = infra.run("destroy", &[], &["--auto-approve"]).expect(64);
    assert!(refused.err.contains("prevent_destroy"), "{refused}");
    assert_eq!(local.control().inventory().await.unwrap().len(), 2);
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_locks_everybody_out_is_refused_at_its_place() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    let infra = Infra::new(&local, "lockout.yaml");
    let refused = infra.run("apply", &[], &["--auto-approve"]).expect(1);
    for part in ["MalformedPolicyDocumentException", "will not allow you to update", "lockout.yaml:6"] {
        assert!(refused.err.contains(part), "`{part}` is missing: {refused}");
    }
    assert_eq!(local.control().inventory().await.unwrap(), []);
    local.stop().await;
}
