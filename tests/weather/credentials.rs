//! Credentials that expire in the middle of an apply.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use local_aws::{Action, LocalAws, Options};

use super::{APPROVED, STACK, always, fault, refused};
use crate::process::Infra;

/// Makes credentials that are good for so many seconds, and counts how often it was asked.
const SOURCE: &str = r#"#!/bin/sh
echo asked >> "$0.asked"
exec python3 - <<'PYTHON'
import datetime, json
until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=6)
print(json.dumps({
    "Version": 1, "AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": "test",
    "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
}))
PYTHON
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_has_new_ones_is_asked_again() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [source, config] = ["credentials", "config"].map(|name| folder.path().join(name));
    std::fs::write(&source, SOURCE).unwrap();
    std::fs::set_permissions(&source, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(&config, format!("[default]\ncredential_process = {}\n", source.display())).unwrap();
    let infra = Infra::new(&local, STACK)
        .with("AWS_ACCESS_KEY_ID", "")
        .with("AWS_SECRET_ACCESS_KEY", "")
        .with("AWS_CONFIG_FILE", config.to_str().unwrap())
        .with("AWS_SHARED_CREDENTIALS_FILE", config.to_str().unwrap());
    let slow = Action::Latency { ms: 300, jitter_ms: 0 };
    let _until_the_end = local.control().add_fault(fault("*", "*", local_aws::When::Always, slow));
    let applied = infra.run(&["apply"], APPROVED).await.expect(0);
    assert!(applied.took > Duration::from_secs(6), "{applied}");
    let asked = std::fs::read_to_string(format!("{}.asked", source.display())).unwrap().lines().count();
    assert!(asked >= 2, "asked {asked} times in {:?}", applied.took);
    local.control().clear_faults();
    infra.run(&["destroy"], APPROVED).await.expect(0);
    assert_eq!(local.control().inventory().await.unwrap(), []);
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_new_ones_it_stops_and_the_next_run_goes_on() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    let infra = Infra::new(&local, STACK);
    let control = local.control();
    for (command, enough) in [("apply", 14), ("destroy", 5)] {
        control.clear_calls();
        let mut running = infra.start(&[command], APPROVED);
        running.until(|_| control.calls().changing >= enough, "it makes calls").await;
        let gone = "The security token included in the request is expired";
        let _until_cleared = [
            control.add_fault(refused("ec2", "*", "RequestExpired", "Request has expired.")),
            control.add_fault(refused("*", "*", "ExpiredTokenException", gone)),
        ];
        let stopped = running.ended().await.expect(1);
        let stopped = stopped.says(&["expired", "sign in again", "run it again: it goes on from here"]);
        assert!(!stopped.err.contains("change the stack"), "{stopped}");
        assert_eq!(stopped.err.matches("sign in again").count(), 1, "{stopped}");
        control.clear_faults();
        infra.run(&[command], APPROVED).await.expect(0);
        if command == "apply" {
            infra.run(&["plan"], &["--detailed-exitcode"]).await.expect(0);
        }
    }
    assert_eq!(control.inventory().await.unwrap(), []);

    // Where nothing works from the start, nothing is made and the same is said.
    let denied = Action::Error { code: "ExpiredToken".into(), message: "The token has expired".into(), status: 403 };
    let _until_cleared = always(denied).into_iter().map(|fault| control.add_fault(fault)).collect::<Vec<_>>();
    infra.run(&["apply"], APPROVED).await.expect(1).says(&["The token has expired", "sign in again"]);
    control.clear_faults();
    local.stop().await;
}
