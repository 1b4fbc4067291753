//! A cloud in memory, for tests and benchmarks: strict about what AWS is strict about, on tokio's clock.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::{Cloud, CloudError, ErrorKind, Live, Lookup, Op, fence};
use crate::address::{Address, Id};
use crate::catalog::{Catalog, TypeInfo};
use crate::value::Value;

pub mod catalog;
mod containers;
mod fault;
mod lookup;
mod record;
mod references;
mod shape;
#[cfg(test)]
mod tests;
mod world;

pub use fault::{Effect, Fault};
pub use record::{Call, Moment, Verb};

use fault::Faults;
use record::Record;
use world::World;

/// How long something takes.
type Times = Box<dyn Fn(Verb, &TypeInfo) -> Duration + Send + Sync>;

/// A cloud in memory.
///
/// It refuses what AWS refuses: a reference to what does not exist, or is not ready where it must be; deleting what is
/// in use; two resources with the same values of a `unique` set; a change of a create-only property. It tells
/// properties as AWS does: with defaults of its own, sets in another order, JSON documents as text, and without those
/// that are write-only. A string that equals the id or an output of a resource is a reference to it.
///
/// Cheap to clone: clones are the same cloud.
#[derive(Clone)]
pub struct FakeCloud {
    inner: Arc<Inner>,
}

struct Inner {
    catalog: Catalog,
    region: String,
    started: Instant,
    latency: Duration,
    times: Times,
    world: Mutex<World>,
    faults: Mutex<Faults>,
    record: Mutex<Record>,
}

/// How a [`FakeCloud`] is to be.
pub struct Builder {
    catalog: Catalog,
    region: String,
    latency: Duration,
    unseen: Duration,
    times: Times,
}

impl Builder {
    /// How long each call takes to be answered; nothing where it is not said.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// For how long reads and finds do not tell of what was just made; not at all where it is not said.
    #[must_use]
    pub fn unseen(mut self, unseen: Duration) -> Self {
        self.unseen = unseen;
        self
    }

    /// How long a resource takes to become usable ([`Verb::Settle`], from its creation on), to be changed
    /// ([`Verb::Update`]) or to go ([`Verb::Delete`]); no time where it is not said.
    #[must_use]
    pub fn times(mut self, times: impl Fn(Verb, &TypeInfo) -> Duration + Send + Sync + 'static) -> Self {
        self.times = Box::new(times);
        self
    }

    /// The region; `us-east-1` where it is not said.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// The cloud, with nothing in it.
    pub fn build(self) -> FakeCloud {
        let Self { catalog, region, latency, unseen, times } = self;
        let world = Mutex::new(World::new(&catalog, unseen));
        let (faults, record) = (Mutex::default(), Mutex::default());
        let inner = Inner { catalog, region, started: Instant::now(), latency, times, world, faults, record };
        FakeCloud { inner: Arc::new(inner) }
    }
}

impl FakeCloud {
    /// A cloud of these types where nothing takes time.
    pub fn new(catalog: Catalog) -> Self {
        Self::builder(catalog).build()
    }

    /// A cloud of these types.
    pub fn builder(catalog: Catalog) -> Builder {
        let times = Box::new(|_: Verb, _: &TypeInfo| Duration::ZERO);
        Builder { catalog, region: "us-east-1".to_owned(), latency: Duration::ZERO, unseen: Duration::ZERO, times }
    }

    /// Lets calls fail, wait or lose their answers from now on.
    pub fn inject(&self, fault: Fault) {
        self.faults().add(fault);
    }

    /// Ends all faults. Calls that hang already go on hanging.
    pub fn clear_faults(&self) {
        *self.faults() = Faults::default();
    }

    /// All calls so far, in the order in which they began.
    pub fn calls(&self) -> Vec<Call> {
        self.record().calls().to_vec()
    }

    /// Forgets all calls so far.
    pub fn clear_calls(&self) {
        self.record().clear();
    }

    /// How many calls of a kind there were.
    pub fn count(&self, verb: Verb) -> usize {
        self.record().calls().iter().filter(|call| call.verb == verb).count()
    }

    /// How many calls there were that change something.
    pub fn changes(&self) -> usize {
        self.record().calls().iter().filter(|call| call.verb.changes()).count()
    }

    /// How many resources there are.
    pub fn len(&self) -> usize {
        self.world().len()
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All ids, sorted.
    pub fn ids(&self) -> Vec<Id> {
        self.world().ids()
    }

    /// What the resource `id` is, without a call.
    pub fn get(&self, id: &Id) -> Option<Live> {
        self.world().live(id)
    }

    /// What was made for `address` and still exists, oldest first.
    pub fn made_for(&self, address: &Address) -> Vec<Id> {
        self.world().made_for(address)
    }

    /// Makes a resource outside infra, ready to be used.
    ///
    /// # Errors
    /// What a create would be refused for.
    pub fn insert(&self, type_name: &str, properties: &Value) -> Result<Id, CloudError> {
        self.world().create(type_name, None, properties, Instant::now())
    }

    /// Changes a resource outside infra; tells whether it exists.
    pub fn edit(&self, id: &Id, change: impl FnOnce(&mut Value)) -> bool {
        self.world().edit(id, change)
    }

    /// Tags a resource outside infra; tells whether it exists and takes tags.
    pub fn tag(&self, id: &Id, key: &str, value: &str) -> bool {
        self.world().tag(id, key, value)
    }

    /// Deletes a resource outside infra, in use or not; tells whether it existed.
    pub fn remove(&self, id: &Id) -> bool {
        self.world().remove(id)
    }

    /// Sets an SSM parameter, which is no resource here.
    pub fn set_parameter(&self, name: &str, value: &str) {
        self.world().parameters.insert(name.to_owned(), value.to_owned());
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.inner.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.inner.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.inner.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn time(&self, verb: Verb, kind: &TypeInfo) -> Duration {
        (self.inner.times)(verb, kind)
    }

    /// One call: on record, with its latency and faults around what it does.
    async fn call<T>(
        &self,
        verb: Verb,
        kind: Option<&TypeInfo>,
        op: Option<&Op>,
        ids: &[Id],
        work: impl Future<Output = Result<T, CloudError>>,
    ) -> Result<T, CloudError> {
        let type_name = kind.map_or("", |kind| kind.name);
        let address = op.map(|op| &op.address);
        let now = || self.inner.started.elapsed();
        if verb.changes() && !fence::is_open() {
            return Err(CloudError::new(ErrorKind::Lost, operation(verb, type_name), "not sent: the lease ran out"));
        }
        let index = self.record().begin(verb, type_name, address, ids, now());
        let effect = self.faults().strike(verb, type_name, address);
        // Calls that are made together are under way together, even where they take no time.
        tokio::task::yield_now().await;
        if !self.inner.latency.is_zero() {
            sleep(self.inner.latency).await;
        }
        let result = match effect {
            None => work.await,
            Some(Effect::Fail(error)) => Err(error),
            Some(Effect::Warn(detail)) => {
                if let Some(op) = op {
                    op.warn(detail);
                }
                work.await
            }
            Some(Effect::Delay(time)) => {
                sleep(time).await;
                work.await
            }
            Some(Effect::Hang) => std::future::pending().await,
            Some(Effect::DoAndHang) => {
                let _ = work.await;
                std::future::pending().await
            }
            Some(Effect::LoseAnswer) => match work.await {
                Ok(_) => Err(CloudError::new(ErrorKind::Lost, operation(verb, type_name), "the answer was lost")),
                refused => refused,
            },
            Some(Effect::DoAndFail(error)) => work.await.and(Err(error)),
        };
        self.record().end(index, now(), result.as_ref().err().map(|error| error.kind));
        result
    }
}

impl Cloud for FakeCloud {
    fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    async fn lookup(&self, lookups: &[Lookup]) -> Vec<Result<Value, CloudError>> {
        if lookups.is_empty() {
            return Vec::new();
        }
        let answers = async { Ok(lookup::answer(&self.world(), &self.inner.region, lookups)) };
        match self.call(Verb::Lookup, None, None, &[], answers).await {
            Ok(answers) => answers,
            Err(error) => lookups.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    async fn read(&self, kind: &TypeInfo, ids: &[Id]) -> Result<Vec<Live>, CloudError> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(kind.read_batch.max(1)) {
            let batch = async {
                let world = self.world();
                let told = ids.iter().filter(|id| world.is_told(id));
                Ok(told.filter_map(|id| world.live_of(kind.name, id)).collect::<Vec<_>>())
            };
            found.extend(self.call(Verb::Read, Some(kind), None, ids, batch).await?);
        }
        Ok(found)
    }

    async fn create(&self, kind: &TypeInfo, op: &Op, properties: &Value) -> Result<Id, CloudError> {
        let work = async {
            let ready = Instant::now() + self.time(Verb::Settle, kind);
            self.world().create(kind.name, Some(op), properties, ready)
        };
        self.call(Verb::Create, Some(kind), Some(op), &[], work).await
    }

    async fn settle(&self, kind: &TypeInfo, op: &Op, id: &Id, _: &Value) -> Result<(), CloudError> {
        let work = async {
            let ready = self.world().ready_at(kind.name, id)?;
            if ready > Instant::now() {
                op.tell("not ready yet");
                sleep_until(ready).await;
            }
            self.world().settle(kind.name, id)
        };
        self.call(Verb::Settle, Some(kind), Some(op), std::slice::from_ref(id), work).await
    }

    async fn update(&self, kind: &TypeInfo, op: &Op, id: &Id, old: &Value, new: &Value) -> Result<(), CloudError> {
        let work = async {
            self.world().update(kind.name, id, old, new)?;
            let ready = self.world().ready_at(kind.name, id)?;
            sleep_unless_zero(self.time(Verb::Update, kind)).await;
            if ready > Instant::now() {
                sleep_until(ready).await;
            }
            self.world().settle(kind.name, id)
        };
        self.call(Verb::Update, Some(kind), Some(op), std::slice::from_ref(id), work).await
    }

    async fn delete(&self, kind: &TypeInfo, op: &Op, id: &Id) -> Result<(), CloudError> {
        let work = async {
            self.world().refuse_if_used(kind.name, id)?;
            self.world().begin_removal(id);
            sleep_unless_zero(self.time(Verb::Delete, kind)).await;
            self.world().remove(id);
            Ok(())
        };
        self.call(Verb::Delete, Some(kind), Some(op), std::slice::from_ref(id), work).await
    }

    async fn find(&self, kind: &TypeInfo, op: &Op, _: &Value) -> Result<Option<Id>, CloudError> {
        let work = async {
            let world = self.world();
            Ok(world.made_by(kind.name, &op.id).filter(|id| world.is_told(id)))
        };
        self.call(Verb::Find, Some(kind), Some(op), &[], work).await
    }
}

async fn sleep_unless_zero(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

/// The name of a call, such as `net:CreateVpc`.
fn operation(verb: Verb, type_name: &str) -> String {
    let mut parts = type_name.rsplit("::");
    let (kind, service) = (parts.next().unwrap_or_default(), parts.next().unwrap_or("fake"));
    format!("{}:{verb:?}{kind}", service.to_ascii_lowercase())
}

impl fmt::Debug for FakeCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeCloud").field("resources", &self.ids()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("region", &self.region).field("latency", &self.latency).finish_non_exhaustive()
    }
}
