//! The watch on virtual time, with checks that answer as they are told.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Checks whose answers are told by how many were made before.
struct Scripted<F> {
    made: AtomicUsize,
    answer: F,
}

impl<F: Fn(usize) -> (Duration, Result<(), String>) + Send + Sync + 'static> Checker for Scripted<F> {
    async fn check(&self) -> Result<(), String> {
        let (took, result) = (self.answer)(self.made.fetch_add(1, Ordering::SeqCst));
        tokio::time::sleep(took).await;
        result
    }
}

fn watch(answer: impl Fn(usize) -> (Duration, Result<(), String>) + Send + Sync + 'static) -> Watch {
    let probe = Probe { slo: Some(99.0), ..Probe::of(None) };
    Watch::with(&probe, "http://shop", Phase::Before, Scripted { made: AtomicUsize::new(0), answer })
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_stops_no_other() {
    let hang = Duration::from_secs(60);
    let watch = watch(move |made| match made {
        2 => (hang, Err("no answer".to_owned())),
        _ => (Duration::from_millis(5), Ok(())),
    });
    tokio::time::sleep(Duration::from_millis(10_500)).await;
    let report = watch.end().await;
    assert_eq!((report.checks, report.failures), (11, 1), "one a second, and the one that hung");
}

#[tokio::test(start_paused = true)]
async fn checks_are_counted_in_the_phase_in_which_they_began() {
    let watch = watch(|made| (Duration::from_millis(900), if made == 5 { Err("status 503".into()) } else { Ok(()) }));
    for phase in [Phase::During, Phase::After] {
        tokio::time::sleep(Duration::from_millis(4_500)).await;
        watch.enter(phase);
    }
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let report = watch.end().await;
    let counts: Vec<_> = report.phases.iter().map(|count| (count.phase, count.checks, count.failures)).collect();
    assert_eq!(counts, [(Phase::Before, 5, 0), (Phase::During, 4, 1), (Phase::After, 1, 0)]);
    assert_eq!((report.counted, report.met), (5, false));
}
