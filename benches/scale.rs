//! Processor time and peak memory of each phase, once, for stacks of 1,000, 10,000 and 100,000 resources: `cargo bench
//! --bench scale`. Each size runs in a process of its own, because a peak never goes down. Processor time, because what
//! else the machine does is not in it; nothing here waits for anything.

#![allow(clippy::print_stdout)]

mod support;

use std::time::Duration;

use infra::apply::{Interrupt, Outcome};
use infra::cloud::fake::FakeCloud;
use infra::driver::{Driver, Planned};
use infra::plan::Options;
use infra::state::{Holder, OpenOptions};
use tokio::sync::watch;

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const CHILD: &str = "--of-size";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == CHILD) {
        let size = arguments[at + 1].parse().expect("a number");
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(measure(size));
        return;
    }
    println!("| resources | load | expand | plan, new | to here | apply | plan, unchanged | destroy | peak |");
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for size in SIZES {
        let this = std::env::current_exe().expect("a path");
        let status = std::process::Command::new(this).args([CHILD, &size.to_string()]).status().expect("a process");
        assert!(status.success());
    }
}

async fn measure(size: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    support::generate(folder.path(), size);
    let (checked, load) = timed(|| support::load(folder.path()));
    let (graph, expand) = timed(|| support::expand(&checked));
    let driver = support::driver();

    let (journal, state) = driver.open(&graph, OpenOptions::new(Holder::current("bench"))).await.expect("a free log");
    let began = processor_time();
    let planned = driver.plan(graph, state, &Options::default()).await.expect("a plan");
    let new = processor_time() - began;
    let planned_peak = peak();
    assert_eq!(planned.plan.steps.len(), size);
    let apply = apply(&driver, &planned, &journal).await;
    journal.close().await.expect("a journal");
    assert_eq!(driver.cloud.len(), size);

    let (graph, state) = (planned.graph, driver.state(&support::expand(&checked)).await.expect("a log"));
    let began = processor_time();
    let planned = driver.plan(graph, state, &Options::default()).await.expect("a plan");
    let unchanged = processor_time() - began;
    assert!(planned.plan.is_empty());

    let graph = planned.graph;
    let (journal, state) = driver.open(&graph, OpenOptions::new(Holder::current("bench"))).await.expect("a free log");
    let options = Options { destroy: true, ..Options::default() };
    let planned = driver.plan(graph, state, &options).await.expect("a plan");
    let destroy = self::apply(&driver, &planned, &journal).await;
    assert!(driver.cloud.is_empty());

    let ms = |time: Duration| format!("{} ms", time.as_millis());
    println!(
        "| {size} | {} | {} | {} | {} MB | {} | {} | {} | {} MB |",
        ms(load),
        ms(expand),
        ms(new),
        planned_peak,
        ms(apply),
        ms(unchanged),
        ms(destroy),
        peak()
    );
}

async fn apply(driver: &Driver<FakeCloud>, planned: &Planned, journal: &infra::state::Journal) -> Duration {
    let (_asking, interrupt) = watch::channel(Interrupt::None);
    let began = processor_time();
    let report = driver.apply(planned, journal, &|_| {}, interrupt).await.expect("a journal");
    assert_eq!(report.outcome, Outcome::Done);
    processor_time() - began
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = processor_time();
    let result = work();
    (result, processor_time() - began)
}

/// What this process has used of the processors, all its threads together, in steps of 10 ms.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit_once(')').expect("a name").1.split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).map(|field| field.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}

/// The most memory that this process has had, in megabytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("VmHWM");
    let kilobytes: u64 = line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number");
    kilobytes / 1024
}
