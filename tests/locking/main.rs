//! Runs at the same time on one stack: one goes on, the others wait or leave; and one that was killed or frozen does no harm.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

#[path = "../process/mod.rs"]
#[allow(dead_code, reason = "others need more of it")]
mod process;

use std::time::Duration;

use local_aws::{Action, Fault, LocalAws, Options, When};
use process::{Infra, Running};
use sha2::{Digest, Sha256};

const ONE: &[&str] = &["tests/locking/one.yaml"];
const TWO: &[&str] = &["tests/locking/two.yaml"];
const APPROVED: &[&str] = &["--auto-approve"];
/// How long a run that died on this machine may hold others up, the run that waits included.
const DEAD_HERE: Duration = Duration::from_secs(5);
/// The same on another machine: a lease.
const DEAD_ELSEWHERE: Duration = Duration::from_secs(60);
/// What a run of these stacks takes at most, on a busy machine.
const RUN: Duration = Duration::from_secs(20);

async fn start() -> (LocalAws, Infra) {
    let local = LocalAws::start(Options::default()).await.unwrap();
    let infra = Infra::new(&local, ONE);
    (local, infra)
}

fn fault(service: &str, operation: &str, when: When, action: Action) -> Fault {
    Fault { service: service.into(), operation: operation.into(), when, times: None, action }
}

/// Starts an apply, and returns it when it is about to make a queue.
async fn held(local: &LocalAws, infra: &Infra) -> Running {
    let _until_cleared = local.control().add_fault(fault("sqs", "CreateQueue", When::Nth(1), Action::HoldBefore));
    let mut holder = infra.start(&["apply"], APPROVED);
    holder.until(|_| local.control().holds(), "a queue is made").await;
    holder
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_applies_at_once_one_goes_on_and_the_others_wait_for_it() {
    let (local, infra) = start().await;
    infra.run(&["apply"], APPROVED).await.expect(0);
    let alone = local.control().calls().counts;
    let stands = local.control().inventory().await.unwrap().len();
    for at_once in [2, 8] {
        infra.run(&["destroy"], APPROVED).await.expect(0);
        assert_eq!(local.control().inventory().await.unwrap(), []);
        local.control().clear_calls();
        let slow = Action::Latency { ms: 100, jitter_ms: 50 };
        let _until_cleared = local.control().add_fault(fault("*", "*", When::Always, slow));
        let running: Vec<Running> = (0..at_once).map(|_| infra.start(&["apply"], APPROVED)).collect();
        let (mut made, mut waited) = (0, 0);
        for run in running {
            let run = run.ended().await.expect(0);
            made += usize::from(run.out.contains("6 created"));
            waited += usize::from(run.err.contains("Waiting: ") && run.err.contains("works on this stack"));
        }
        local.control().clear_faults();
        assert_eq!((made, waited), (1, at_once - 1));
        let counts = local.control().calls().counts;
        for call in alone.keys().filter(|call| call.contains(":Create")) {
            assert_eq!(counts[call], alone[call], "{call} of {at_once} runs");
        }
        assert_eq!(local.control().inventory().await.unwrap().len(), stands);
    }
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_told_for_whom_and_who_does_not_leaves_at_once() {
    let (local, infra) = start().await;
    let holder = held(&local, &infra).await;
    let who = format!("(pid {}, infra apply, since 20", holder.pid());

    let refused = infra.run(&["apply"], &["--auto-approve", "--no-wait"]).await.expect(1);
    let refused = refused.says(&["is held by", &who, "leave out --no-wait to wait until it is free"]);
    assert!(refused.took < DEAD_HERE, "{refused}");

    let mut waiting = infra.start(&["destroy"], APPROVED);
    waiting.until(|waiting| waiting.told().contains("Waiting: "), "it waits").await;
    waiting.signal("INT");
    let gone = waiting.ended().await.expect(130);
    let gone = gone.says(&[&who, "works on this stack, creating", "has been silent for 1m 00s", "nothing was changed"]);
    assert!(gone.took < RUN, "{gone}");

    drop(holder);
    local.control().clear_faults();
    infra.run(&["apply"], APPROVED).await.expect(0);
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_holder_is_taken_over_after_seconds_here_and_after_a_lease_elsewhere() {
    let (local, infra) = start().await;
    let elsewhere = Infra::new(&local, TWO);
    held(&local, &infra).await.kill();
    local.control().clear_faults();
    let here = infra.run(&["apply"], APPROVED).await.expect(0).says(&["Waiting: ", "silent for 5.0s"]);
    assert!((DEAD_HERE..DEAD_HERE + RUN).contains(&here.took), "{here}");

    held(&local, &elsewhere).await.kill();
    local.control().clear_faults();
    of_another_machine(&elsewhere);
    let there = elsewhere.run(&["apply"], APPROVED).await.expect(0).says(&["Waiting: ", "silent for 1m 00s"]);
    assert!((DEAD_ELSEWHERE..DEAD_ELSEWHERE + RUN).contains(&there.took), "{there}");
    local.stop().await;
}

/// Has the record say that who opened it ran on another machine.
fn of_another_machine(infra: &Infra) {
    let first = infra.state.path().join("two/default/log/0000000001.json");
    let text = std::fs::read_to_string(&first).unwrap();
    let (body, _sum) = text.split_once(",\"sha256\":").unwrap();
    let (before, after) = body.split_once("\"boot\":\"").unwrap();
    let body = format!("{before}\"boot\":\"another-{after}");
    let sum: String = Sha256::digest(body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(&first, format!("{body},\"sha256\":\"{sum}\"}}\n")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_holder_that_wakes_after_a_takeover_makes_no_further_call() {
    let (local, infra) = start().await;
    let control = local.control();
    let slow = Action::Latency { ms: 300, jitter_ms: 0 };
    let _until_cleared = control.add_fault(fault("*", "*", When::Always, slow));
    let mut frozen = infra.start(&["apply"], APPROVED);
    frozen.until(|_| control.calls().changing >= 4, "it makes calls").await;
    frozen.signal("STOP");
    control.clear_faults();

    let taken = infra.run(&["apply"], APPROVED).await.expect(0).says(&["Waiting: ", "silent for 1m 00s"]);
    assert!((DEAD_ELSEWHERE..DEAD_ELSEWHERE + RUN).contains(&taken.took), "{taken}");
    let stands = control.inventory().await.unwrap();
    control.clear_calls();
    frozen.signal("CONT");
    frozen.ended().await.expect(1).says(&["was taken over by", "another run went on from here"]);
    let calls = control.calls();
    assert_eq!(calls.total, 0, "{:?}", calls.counts);
    assert_eq!(control.inventory().await.unwrap(), stands);
    infra.run(&["plan"], &["--detailed-exitcode"]).await.expect(0);
    infra.run(&["destroy"], APPROVED).await.expect(0);
    assert_eq!(control.inventory().await.unwrap(), []);
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn different_stacks_never_wait_for_each_other() {
    let (local, infra) = start().await;
    let slow = Action::Latency { ms: 60_000, jitter_ms: 0 };
    let _until_cleared = local.control().add_fault(fault("sns", "CreateTopic", When::Always, slow));
    let mut first = infra.start(&["apply"], APPROVED);
    first.until(|_| local.control().calls().counts.contains_key("sns:CreateTopic"), "a topic is made").await;
    let second = infra.beside(TWO).run(&["apply"], &["--auto-approve", "--no-wait"]).await.expect(0);
    assert!(!second.err.contains("Waiting"), "{second}");
    assert!(!first.has_ended(), "{}", first.told());
    drop(first);
    local.stop().await;
}
