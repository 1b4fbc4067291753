//! Ctrl-C, and what a CI sends when it gives a job up.

use std::time::Duration;

use local_aws::{Action, Fault, When};

use crate::life::{self, Calm, Life, PHASES};
use crate::process::{Run, Running};
use crate::tell;

/// Interruptions of one phase.
const ROUNDS: usize = 6;
/// From SIGINT to SIGTERM, as GitHub's runners do it.
const UNTIL_TERM: Duration = Duration::from_millis(7_500);
/// From SIGTERM to SIGKILL.
const UNTIL_KILL: Duration = Duration::from_millis(2_500);

/// The generator SplitMix64, so that a seed repeats a run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % bound
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_at_any_time_it_goes_on_from_where_it_was() {
    let calm = life::calm().await;
    let seed = crate::number("SEED", usize::try_from(std::process::id()).unwrap());
    tell(&format!("interrupts: SEED={seed}"));
    let mut random = Random(seed as u64);
    let life = Life::new().await;
    // Whoever was stopped at once keeps the log like one that died: the next run waits for what may still be carried out.
    let mut stopped = false;
    for phase in 0..PHASES.len() {
        let calls = calls(&calm, phase);
        for _ in 0..ROUNDS {
            let signals: &[&str] =
                [&["INT"][..], &["INT", "INT"], &["TERM"], &["INT", "TERM"]][random.below(4) as usize];
            let (after, pause) = (random.below(calls), Duration::from_millis(random.below(300)));
            tell(&format!("phase {phase}: {signals:?} after {after} changing calls, {pause:?} apart"));
            let run = interrupted(&life, phase, after, signals, pause).await;
            assert!(stopped || !run.err.contains("Waiting:"), "the run before let go of the log: {run}");
            stopped = run.err.contains("Stopping now:");
            match run.code {
                Some(0) => break,
                Some(130) => assert!(tells_what_is_next(&run), "{run}"),
                _ => panic!("{run}"),
            }
        }
        let ended = life.start(phase).ended().await.expect(0);
        assert!(stopped || !ended.err.contains("Waiting:"), "{ended}");
        stopped = false;
        life.is_as(phase, &calm).await;
    }
    life.local.stop().await;
}

fn calls(calm: &Calm, phase: usize) -> u64 {
    calm.boundaries.iter().filter(|one| one.phase == phase && one.after).count() as u64
}

/// Runs a phase and sends it `signals`, the first after so many calls that change something.
async fn interrupted(life: &Life, phase: usize, after: u64, signals: &[&str], pause: Duration) -> Run {
    life.control().clear_calls();
    let mut running = life.start(phase);
    running
        .until(|running| life.control().calls().changing >= after.max(1) || running.has_ended(), "it makes calls")
        .await;
    for signal in signals {
        if running.has_ended() {
            break;
        }
        running.signal(signal);
        tokio::time::sleep(pause).await;
    }
    running.ended().await
}

fn tells_what_is_next(run: &Run) -> bool {
    let told = format!("{} {}", run.out, run.err);
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    ["nothing was changed", "run it again", "the next run finds out and goes on from there"]
        .iter()
        .any(|words| told.contains(words))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_given_up_ends_between_sigterm_and_sigkill() {
    let life = Life::new().await;
    let hold = Fault {
        service: "ecs".into(),
        operation: "CreateService".into(),
        when: When::Nth(1),
        times: None,
        action: Action::HoldAfter,
    };
    let fault = life.control().add_fault(hold);
    let mut running = life.start(0);
    running.until(|_| life.control().holds(), "a service is made").await;
    running.signal("INT");
    running.until(|running| running.told().contains("Interrupted:"), "it says so").await;
    assert!(running.told().contains("under way: "), "{}", running.told());
    tokio::time::sleep(UNTIL_TERM).await;
    assert!(!running.has_ended(), "a call is still under way: {}", running.told());
    running.signal("TERM");
    let begun = std::time::Instant::now();
    running.until(Running::has_ended, "it ends").await;
    assert!(begun.elapsed() < UNTIL_KILL, "SIGKILL would have come first");
    running.ended().await.expect(130).says(&["Stopping now:", "the next run finds out and goes on from there"]);
    assert!(life.control().remove_fault(fault));
    life.start(0).ended().await.expect(0).says(&["Waiting:", "has been silent for 5"]);
    assert_eq!(
        life.control().calls().calls.iter().filter(|call| call.operation == "CreateService" && call.done).count(),
        2
    );
    life.start(2).ended().await.expect(0);
    life.outcome(2).await;
    life.local.stop().await;
}
