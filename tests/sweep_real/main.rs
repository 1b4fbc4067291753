//! The binary is killed at one changing call after another of a whole life of the notification stack, before the call is
//! carried out and after it; run again, it ends with what it would have made without: no orphan, no twin, nothing lost.
//!
//! `make sweep-real` kills at every call, `cargo test` at a sample of them: `STRIDE=20` at every twentieth moment.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod account;
mod life;
#[path = "../process/mod.rs"]
#[allow(dead_code, reason = "others need more of it")]
mod process;
mod signals;

use std::io::Write as _;
use std::sync::Arc;

use life::{Boundary, PHASES, Swept};

/// Of so many moments one is tried unless told otherwise. It is odd, so that before and after a call take turns.
const STRIDE: usize = 9;
/// Lives that are swept at the same time unless told otherwise: mostly they wait.
const LIVES: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_call_it_ends_as_if_nothing_had_been() {
    let calm = Arc::new(life::calm().await);
    let chosen: Vec<Boundary> = calm.boundaries.iter().step_by(number("STRIDE", STRIDE)).cloned().collect();
    let lives = number("LIVES", LIVES).min(chosen.len());
    // Neighbours go to one life, so that a recovery is interrupted in its turn.
    let shares = chosen.chunks(chosen.len().div_ceil(lives));
    let sweeps = shares.map(|share| {
        let (calm, share) = (Arc::clone(&calm), share.to_vec());
        tokio::spawn(async move { life::swept(&calm, share).await })
    });
    let mut all = Swept::default();
    for swept in sweeps.collect::<Vec<_>>() {
        let Swept { kills, before, after, unreached, taken_up, took } = swept.await.unwrap();
        all.kills += kills;
        all.before += before;
        all.after += after;
        all.unreached.extend(unreached);
        all.taken_up += taken_up;
        all.took = all.took.max(took);
    }
    for (phase, (command, ..)) in PHASES.iter().enumerate() {
        let calls = calm.boundaries.iter().filter(|one| one.phase == phase).count() / 2;
        tell(&format!("{command} {phase}: {calls} changing calls"));
    }
    let Swept { kills, before, after, unreached, taken_up, took } = all;
    tell(&format!(
        "{} moments, {} chosen: {kills} kills, {before} before a call and {after} after it; {} unreached; \
         {taken_up} creations taken up by a later run; {lives} lives, {took:.0?}",
        calm.boundaries.len(),
        chosen.len(),
        unreached.len(),
    ));
    for boundary in &unreached {
        tell(&format!("unreached: {boundary:?}"));
    }
    assert!(unreached.len() * 20 <= chosen.len(), "too many of the moments never came");
}

/// A number from the environment.
fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// Tells a figure, past the test harness.
fn tell(line: &str) {
    let _nobody_reads = writeln!(std::io::stderr(), "{line}");
}
