//! Random stacks, random changes, and at every step whatever can go wrong: one more run always ends in the wished state.
//!
//! `make sweep` plays 100,000 seeds, `SEEDS=n make sweep` as many as it says, `SEED=n make sweep` that one; without
//! either 2,000 are played. All of it is in one process and on virtual time.

#![allow(clippy::print_stdout)]

mod disk;
mod faults;
mod kinds;
mod model;
mod oracle;
mod process;
mod region;
mod replay;
mod scenario;
mod story;
mod tally;
mod wire;
mod wish;

/// Played where nothing else is said; few enough for every build.
const SEEDS: u64 = 2000;
/// Not to drown in them.
const MOST_FAILURES: usize = 20;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().filter(|text| !text.is_empty()).map(|text| text.parse().expect("a number"))
}

#[test]
fn whatever_goes_wrong_one_more_run_ends_in_the_wished_state() {
    let seed = number("SEED");
    let seeds = number("SEEDS").unwrap_or(SEEDS);
    let (tally, failures) = match seed {
        Some(seed) => replay::replay(seed),
        None => replay::sweep(seeds, MOST_FAILURES),
    };
    println!("{tally}");
    assert!(failures.is_empty(), "\n{}", replay::explain(&failures));
    if seed.is_none() && seeds >= SEEDS {
        assert!(tally.missing().is_empty(), "never struck: {:?}", tally.missing());
    }
}
