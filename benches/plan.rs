//! How long it takes to read, check and plan stacks of 1,000, 10,000 and 100,000 resources, and to apply them in memory.

mod support;

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use infra::apply::{Interrupt, Outcome};
use infra::plan::{LiveResources, Options, plan, to_read};
use infra::stack::Graph;
use infra::state::{Holder, OpenOptions, State};
use tokio::runtime::Runtime;
use tokio::sync::watch;

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Applies a new stack; tells how long that took, and what there is then.
async fn apply(graph: Graph) -> (Duration, Graph, State, LiveResources) {
    let driver = support::driver();
    let (journal, state) = driver.open(&graph, OpenOptions::new(Holder::current("bench"))).await.expect("a free log");
    let planned = driver.plan(graph, state, &Options::default()).await.expect("a plan");
    let (_asking, interrupt) = watch::channel(Interrupt::None);
    let began = Instant::now();
    let report = driver.apply(&planned, &journal, &|_| {}, interrupt).await.expect("a journal");
    let took = began.elapsed();
    assert_eq!(report.outcome, Outcome::Done);
    journal.close().await.expect("a journal");
    let state = driver.state(&planned.graph).await.expect("a log");
    let reads = to_read(&planned.graph, &state, &Options::default()).expect("a plan");
    let live = infra::driver::read(&driver.cloud, reads).await.expect("a cloud");
    (took, planned.graph, state, live)
}

fn plans(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse, check and plan");
    group.sample_size(10);
    for size in SIZES {
        let folder = tempfile::tempdir().expect("a folder");
        support::generate(folder.path(), size);
        let nothing = (State::default(), LiveResources::new());
        group.bench_function(BenchmarkId::new("new", size), |bencher| {
            bencher.iter(|| {
                let graph = support::expand(&support::load(folder.path()));
                plan(&graph, &nothing.0, &nothing.1, &Options::default()).expect("a plan")
            });
        });
        let graph = support::expand(&support::load(folder.path()));
        let (_, _, state, live) = runtime().block_on(apply(graph));
        group.bench_function(BenchmarkId::new("unchanged", size), |bencher| {
            bencher.iter(|| {
                let graph = support::expand(&support::load(folder.path()));
                let plan = plan(&graph, &state, &live, &Options::default()).expect("a plan");
                assert!(plan.is_empty());
            });
        });
    }
    group.finish();
}

fn applies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("apply");
    group.sample_size(10);
    for size in [1_000, 10_000] {
        let folder = tempfile::tempdir().expect("a folder");
        support::generate(folder.path(), size);
        let checked = support::load(folder.path());
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            let once = || runtime().block_on(apply(support::expand(&checked))).0;
            bencher.iter_custom(|times| (0..times).map(|_| once()).sum());
        });
    }
    group.finish();
}

criterion_group!(benches, plans, applies);
criterion_main!(benches);
