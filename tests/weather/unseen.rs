//! What was made a moment ago and does not show yet, when the run that made it is gone.

use local_aws::{LocalAws, Options, Settings};

use super::APPROVED;
use crate::process::{Infra, Running};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_run_made_is_not_made_again_because_it_does_not_show_yet() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    let infra = Infra::new(&local, &["tests/locking/one.yaml"]);
    let control = local.control();
    control.set(Settings { hidden_ms: Some(6_000), ..Settings::default() });
    let mut running = infra.start(&["apply"], APPROVED);
    // It is on record once it is waited for.
    running.until(|_| control.calls().counts.contains_key("ec2:DescribeVpcs"), "a network is waited for").await;
    running.signal("INT");
    running.until(|running| running.told().contains("Interrupted:") || running.has_ended(), "it says so").await;
    running.signal("INT");
    running.until(Running::has_ended, "it stops").await;
    running.ended().await.expect(130);

    infra.run(&["apply"], APPROVED).await.expect(0);
    control.set(Settings { hidden_ms: Some(0), ..Settings::default() });
    let made = control.calls().calls.iter().filter(|call| call.operation == "CreateVpc" && call.done).count();
    assert_eq!(made, 1);
    infra.run(&["plan"], &["--detailed-exitcode"]).await.expect(0);
    infra.run(&["destroy"], APPROVED).await.expect(0);
    assert_eq!(control.inventory().await.unwrap(), []);
    local.stop().await;
}
