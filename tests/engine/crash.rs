//! A crash at every point in turn: before and after each write of the journal, before and after each call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use infra::apply::{Interrupt, Outcome};
use infra::cloud::fake::{Effect, Fault};
use infra::state::{LogKey, MemoryStore, Store, StoreError};
use tokio::sync::watch;
use tokio::time::timeout;

use super::support::{User, report_text};

/// A store from which, after so many appends, no answer comes any more.
#[derive(Debug, Default)]
struct CutOff {
    kept: MemoryStore,
    left: AtomicUsize,
    /// Whether the last append is carried out though it is not answered.
    writes_last: bool,
}

impl CutOff {
    fn after(appends: usize, writes_last: bool) -> Self {
        Self { kept: MemoryStore::new(), left: AtomicUsize::new(appends), writes_last }
    }
}

impl Store for CutOff {
    fn location(&self, log: &LogKey) -> String {
        self.kept.location(log)
    }

    fn append<'a>(&'a self, log: &'a LogKey, serial: u64, entry: Vec<u8>) -> BoxFuture<'a, Result<(), StoreError>> {
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => self.kept.append(log, serial, entry),
            Err(_) => {
                // Only the first that is cut off: nothing is written after a crash.
                if self.writes_last && self.left.swap(usize::MAX / 2, Ordering::SeqCst) == 0 {
                    self.left.store(0, Ordering::SeqCst);
                    drop(self.kept.append(log, serial, entry));
                }
                Box::pin(std::future::pending())
            }
        }
    }

    fn read<'a>(&'a self, log: &'a LogKey, from: u64) -> BoxFuture<'a, Result<Vec<(u64, Vec<u8>)>, StoreError>> {
        self.kept.read(log, from)
    }

    fn write_snapshot<'a>(
        &'a self,
        log: &'a LogKey,
        serial: u64,
        snapshot: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.kept.write_snapshot(log, serial, snapshot)
    }

    fn snapshots<'a>(&'a self, log: &'a LogKey) -> BoxFuture<'a, Result<Vec<u64>, StoreError>> {
        self.kept.snapshots(log)
    }

    fn read_snapshot<'a>(&'a self, log: &'a LogKey, serial: u64) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        self.kept.read_snapshot(log, serial)
    }

    fn delete_snapshots<'a>(&'a self, log: &'a LogKey, serials: Vec<u64>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.kept.delete_snapshots(log, serials)
    }

    fn logs(&self) -> BoxFuture<'_, Result<Vec<LogKey>, StoreError>> {
        self.kept.logs()
    }
}

fn stack(cidr: &str, queue: &str) -> String {
    format!(
        r#"
resources:
  Vpc: {{ type: Test::Net::Vpc, properties: {{ CidrBlock: {cidr} }} }}
  Subnet: {{ type: Test::Net::Subnet, properties: {{ VpcId: "${{Vpc.VpcId}}", CidrBlock: 10.0.1.0/24 }} }}
  Alb: {{ type: Test::Net::LoadBalancer, properties: {{ Subnets: ["${{Subnet.SubnetId}}"] }} }}
  Http: {{ type: Test::Net::Listener, properties: {{ LoadBalancerArn: "${{Alb.LoadBalancerArn}}", Port: 80 }} }}
  {queue}: {{ type: Test::App::Queue, properties: {{ QueueName: orders, FifoQueue: true }} }}
"#
    )
}

/// What is done, after what was applied before.
struct Story {
    before: Option<String>,
    now: String,
    destroy: bool,
}

impl Story {
    fn all() -> [Self; 4] {
        let (first, next) = (stack("10.0.0.0/16", "Queue"), stack("10.1.0.0/16", "Renamed"));
        let other_name = first.replace("FifoQueue: true", "FifoQueue: false");
        [
            Self { before: None, now: first.clone(), destroy: false },
            Self { before: Some(first.clone()), now: next, destroy: false },
            Self { before: Some(first.clone()), now: other_name, destroy: false },
            Self { before: Some(first.clone()), now: first, destroy: true },
        ]
    }

    async fn prepare(&self, user: &User) {
        if let Some(before) = &self.before {
            user.applied(before).await;
        }
        user.cloud.clear_calls();
    }

    /// Runs until it is done or cut off; tells whether it came to its end.
    async fn run(&self, user: &mut User) -> bool {
        user.options.destroy = self.destroy;
        let (_asking, interrupt) = watch::channel(Interrupt::None);
        let done = timeout(Duration::from_secs(300), user.try_apply(&self.now, interrupt)).await;
        match done {
            Ok(report) => {
                let report = report.unwrap();
                assert_eq!(report.outcome, Outcome::Done, "{}", report_text(&report));
                true
            }
            Err(_) => false,
        }
    }

    /// One more run, after which nothing is missing, left over or there twice.
    async fn go_on(&self, user: &mut User, crash: &str) {
        user.cloud.clear_faults();
        assert!(self.run(user).await, "{crash}: the second run hangs");
        let state = user.state(&self.now).await;
        assert!(state.begun.is_empty() && state.deposed.is_empty(), "{crash}: {state:#?}");
        assert_eq!(user.cloud.len(), state.resources.len(), "{crash}: {:?} {state:#?}", user.cloud);
        let expected = if self.destroy { 0 } else { 5 };
        assert_eq!(state.resources.len(), expected, "{crash}");
        for (address, record) in &state.resources {
            assert_eq!(user.cloud.made_for(address), std::slice::from_ref(&record.id), "{crash}: {address}");
        }
        if !self.destroy {
            user.assert_settled(&self.now).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_around_any_call_is_mended_by_the_next_run() {
    for (number, story) in Story::all().iter().enumerate() {
        for last in [Effect::Hang, Effect::DoAndHang] {
            for nth in 1.. {
                let crash = format!("story {number}, {last:?} at call {nth}");
                let mut user = User::new();
                story.prepare(&user).await;
                user.cloud.inject(Fault::new(last.clone()).nth(nth));
                user.cloud.inject(Fault::new(Effect::Hang).nth(nth).times(usize::MAX));
                if story.run(&mut user).await {
                    assert!(nth > 5, "{crash}: too few calls to be true");
                    break;
                }
                story.go_on(&mut user, &crash).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_around_any_write_of_the_journal_is_mended_by_the_next_run() {
    for (number, story) in Story::all().iter().enumerate() {
        for writes_last in [false, true] {
            for appends in 0.. {
                let crash =
                    format!("story {number}, cut off after {appends} appends, the last one written: {writes_last}");
                let mut user = User::new();
                story.prepare(&user).await;
                let whole = Arc::clone(&user.store);
                let cut = Arc::new(CutOff::after(appends, writes_last));
                copy(&*whole, &cut.kept).await;
                user.store = Arc::clone(&cut) as Arc<dyn Store>;
                let done = story.run(&mut user).await;
                cut.left.store(usize::MAX / 2, Ordering::SeqCst);
                if done {
                    assert!(appends > 5, "{crash}: too few writes to be true");
                    break;
                }
                story.go_on(&mut user, &crash).await;
            }
        }
    }
}

async fn copy(from: &dyn Store, to: &MemoryStore) {
    let log = LogKey::new("shop", "default");
    for serial in from.snapshots(&log).await.unwrap() {
        let snapshot = from.read_snapshot(&log, serial).await.unwrap().unwrap();
        to.write_snapshot(&log, serial, snapshot).await.unwrap();
    }
    for (serial, entry) in from.read(&log, 0).await.unwrap() {
        to.append(&log, serial, entry).await.unwrap();
    }
}
