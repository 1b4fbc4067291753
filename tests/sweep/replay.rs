//! Seeds to scenarios: all of them on all cores, one again, and a failing one made as small as it gets.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use infra::state::Holder;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::kinds::PAIR;
use crate::scenario::{Scenario, scenario};
use crate::story::play;
use crate::tally::Tally;

/// For so long a failing seed is made smaller.
const SHRINKING: Duration = Duration::from_secs(60);

/// A seed whose end is not the wished one.
#[derive(Debug)]
pub(crate) struct Failure {
    seed: u64,
    error: String,
}

fn tree(seed: u64) -> impl ValueTree<Value = Scenario> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    scenario().new_tree(&mut runner).expect("a scenario is never rejected")
}

/// Plays a scenario, a panic in it included.
fn attempt(scenario: &Scenario, folder: &Path, holder: &Holder) -> (Tally, Result<(), String>) {
    catch_unwind(AssertUnwindSafe(|| play(scenario, folder, holder))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        (Tally::default(), Err(format!("panic: {}", text.unwrap_or_default())))
    })
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for the stack");
    std::fs::write(folder.path().join("pair.yaml"), PAIR).expect("the component's file");
    folder
}

/// Plays the seeds from 1 on, until `most` have failed.
pub(crate) fn sweep(seeds: u64, most: usize) -> (Tally, Vec<Failure>) {
    let next = AtomicU64::new(1);
    let all = Mutex::new((Tally::default(), Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let worker = || {
        let (folder, holder) = (folder(), Holder::current("sweep"));
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > seeds {
                return;
            }
            let (tally, result) = attempt(&tree(seed).current(), folder.path(), &holder);
            let mut all = all.lock().expect("no worker panics");
            all.0.add(&tally);
            if let Err(error) = result {
                // At once: a sweep is long.
                println!("seed {seed} failed: {}", error.lines().next().unwrap_or_default());
                all.1.push(Failure { seed, error });
            }
            if all.1.len() >= most {
                return;
            }
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(worker))));
    let (tally, mut failures) = all.into_inner().expect("no worker panics");
    failures.sort_by_key(|failure| failure.seed);
    (tally, failures)
}

/// Plays one seed.
pub(crate) fn replay(seed: u64) -> (Tally, Vec<Failure>) {
    let (folder, holder) = (folder(), Holder::current("sweep"));
    let (tally, result) = attempt(&tree(seed).current(), folder.path(), &holder);
    (tally, result.err().map(|error| Failure { seed, error }).into_iter().collect())
}

/// What failed, how to see it again, and the smallest scenario like the first of them that fails as well.
pub(crate) fn explain(failures: &[Failure]) -> String {
    let mut text = String::new();
    for Failure { seed, error } in failures {
        let _ = writeln!(text, "seed {seed}, again by `SEED={seed} make sweep`: {error}\n");
    }
    let Some(Failure { seed, .. }) = failures.first() else { return text };
    let (smallest, error) = shrink(*seed);
    let _ = writeln!(text, "\nseed {seed}, made smaller: {error}\n{smallest:#?}");
    text
}

fn shrink(seed: u64) -> (Scenario, String) {
    let (folder, holder) = (folder(), Holder::current("sweep"));
    let mut tree = tree(seed);
    let (_, result) = attempt(&tree.current(), folder.path(), &holder);
    let Err(error) = result else { return (tree.current(), "it did not fail again".to_owned()) };
    let mut smallest = (tree.current(), error);
    let began = Instant::now();
    let mut simpler = tree.simplify();
    while simpler && began.elapsed() < SHRINKING {
        let scenario = tree.current();
        match attempt(&scenario, folder.path(), &holder).1 {
            Err(error) => {
                smallest = (scenario, error);
                simpler = tree.simplify();
            }
            Ok(()) => simpler = tree.complicate(),
        }
    }
    smallest
}
