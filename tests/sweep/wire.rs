//! The cloud as a process reaches it: what is sent arrives, whatever becomes of the process that sent it.

use std::sync::Arc;
use std::time::Duration;

use infra::address::Id;
use infra::catalog::{Catalog, TypeInfo};
use infra::cloud::fake::Verb;
use infra::cloud::{Cloud, CloudError, ErrorKind, Live, Lookup, Op};
use infra::value::Value;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::faults::{Effect, Step, Timing, refusal, unclear};
use crate::process::Process;

/// So late arrives what a process sent when it died.
const LATE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub(crate) struct Wire(pub(crate) Arc<Process>);

impl Wire {
    fn strike(&self, verb: Verb) -> Option<Effect> {
        self.0.strike(Step::Call(verb))
    }

    /// Sends a call; its answer comes, or does not.
    async fn call<T: Send + 'static>(
        &self,
        verb: Verb,
        effect: Option<Effect>,
        work: impl Future<Output = Result<T, CloudError>> + Send + 'static,
    ) -> Result<T, CloudError> {
        let process = &self.0;
        let fail = |kind: ErrorKind| Err(CloudError::new(kind, format!("sweep:{verb:?}"), "failed on purpose"));
        if process.is_dead() {
            return std::future::pending().await;
        }
        if process.is_expired() {
            sleep(process.latency()).await;
            return fail(ErrorKind::Credentials);
        }
        let lost = if verb.changes() { ErrorKind::Lost } else { ErrorKind::Unavailable };
        match effect {
            Some(Effect::Crash(Timing::Before)) => {
                process.die();
                std::future::pending().await
            }
            Some(Effect::Crash(Timing::After)) => {
                let done = self.send(Duration::ZERO, work);
                let process = Arc::clone(process);
                tokio::spawn(async move {
                    let _ = done.await;
                    process.die();
                });
                std::future::pending().await
            }
            Some(Effect::Crash(_)) => {
                drop(self.send(LATE, work));
                process.die();
                std::future::pending().await
            }
            Some(Effect::Lose { done: false }) => fail(lost),
            Some(Effect::Lose { done: true }) => self.answer(work).await.and_then(|_| fail(lost)),
            Some(Effect::Throttle) => fail(ErrorKind::Throttled),
            Some(Effect::Refuse(which)) => fail(refusal(verb, which)),
            Some(Effect::Break { done: false, kind }) => fail(unclear(verb, kind)),
            Some(Effect::Break { done: true, kind }) => self.answer(work).await.and_then(|_| fail(unclear(verb, kind))),
            Some(Effect::Half) => self.answer(work).await.and_then(|_| fail(ErrorKind::Unavailable)),
            Some(Effect::Freeze { seconds, .. }) => {
                process.freeze(seconds);
                self.answer(work).await
            }
            _ => self.answer(work).await,
        }
    }

    async fn answer<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, CloudError>> + Send + 'static,
    ) -> Result<T, CloudError> {
        match self.send(Duration::ZERO, work).await {
            Ok(answer) => answer,
            Err(_) => std::future::pending().await,
        }
    }

    fn send<T: Send + 'static>(
        &self,
        late: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (there, back) = (self.0.latency() + late, self.0.latency());
        let (answer, heard) = oneshot::channel();
        tokio::spawn(async move {
            sleep(there).await;
            let result = work.await;
            sleep(back).await;
            // Whoever has died does not hear it.
            let _ = answer.send(result);
        });
        heard
    }

    fn kind(&self, kind: &TypeInfo) -> Arc<TypeInfo> {
        self.catalog().get(kind.name).cloned().unwrap_or_else(|| Arc::new(kind.clone()))
    }
}

impl Cloud for Wire {
    fn catalog(&self) -> &Catalog {
        self.0.region.cloud.catalog()
    }

    async fn lookup(&self, lookups: &[Lookup]) -> Vec<Result<Value, CloudError>> {
        let (region, asked) = (Arc::clone(&self.0.region), lookups.to_vec());
        let effect = self.strike(Verb::Lookup);
        let answers = self.call(Verb::Lookup, effect, async move { Ok(region.cloud.lookup(&asked).await) }).await;
        answers.unwrap_or_else(|error| lookups.iter().map(|_| Err(error.clone())).collect())
    }

    async fn read(&self, kind: &TypeInfo, ids: &[Id]) -> Result<Vec<Live>, CloudError> {
        let (region, kind, ids) = (Arc::clone(&self.0.region), self.kind(kind), ids.to_vec());
        let work = async move { region.cloud.read(&kind, &ids).await };
        let effect = self.strike(Verb::Read);
        self.call(Verb::Read, effect, work).await
    }

    async fn create(&self, kind: &TypeInfo, op: &Op, properties: &Value) -> Result<Id, CloudError> {
        self.0.region.changes(self.0.number, "create", op);
        let (region, kind) = (Arc::clone(&self.0.region), self.kind(kind));
        let (op, properties) = (op.clone(), properties.clone());
        let work = async move {
            let id = region.cloud.create(&kind, &op, &properties).await?;
            region.has_made(&id, &op.address);
            Ok(id)
        };
        let effect = self.strike(Verb::Create);
        self.call(Verb::Create, effect, work).await
    }

    async fn settle(&self, kind: &TypeInfo, op: &Op, id: &Id, properties: &Value) -> Result<(), CloudError> {
        self.0.region.changes(self.0.number, "settle", op);
        let (region, kind) = (Arc::clone(&self.0.region), self.kind(kind));
        let (op, id, properties) = (op.clone(), id.clone(), properties.clone());
        let work = async move { region.cloud.settle(&kind, &op, &id, &properties).await };
        let effect = self.strike(Verb::Settle);
        self.call(Verb::Settle, effect, work).await
    }

    async fn update(&self, kind: &TypeInfo, op: &Op, id: &Id, old: &Value, new: &Value) -> Result<(), CloudError> {
        self.0.region.changes(self.0.number, "update", op);
        let effect = self.strike(Verb::Update);
        let (region, kind) = (Arc::clone(&self.0.region), self.kind(kind));
        let (op, id, old) = (op.clone(), id.clone(), old.clone());
        let new = if matches!(effect, Some(Effect::Half)) { half(&old, new) } else { new.clone() };
        let work = async move { region.cloud.update(&kind, &op, &id, &old, &new).await };
        self.call(Verb::Update, effect, work).await
    }

    async fn delete(&self, kind: &TypeInfo, op: &Op, id: &Id) -> Result<(), CloudError> {
        self.0.region.changes(self.0.number, "delete", op);
        let (region, kind) = (Arc::clone(&self.0.region), self.kind(kind));
        let (op, id) = (op.clone(), id.clone());
        let work = async move { region.cloud.delete(&kind, &op, &id).await };
        let effect = self.strike(Verb::Delete);
        self.call(Verb::Delete, effect, work).await
    }

    async fn find(&self, kind: &TypeInfo, op: &Op, properties: &Value) -> Result<Option<Id>, CloudError> {
        let (region, kind) = (Arc::clone(&self.0.region), self.kind(kind));
        let (op, properties) = (op.clone(), properties.clone());
        let work = async move {
            let found = region.cloud.find(&kind, &op, &properties).await?;
            region.tally().found += usize::from(found.is_some());
            Ok(found)
        };
        let effect = self.strike(Verb::Find);
        self.call(Verb::Find, effect, work).await
    }
}

/// The first of the changes from `old` to `new` alone.
fn half(old: &Value, new: &Value) -> Value {
    let (Some(was), Some(will)) = (old.as_map(), new.as_map()) else { return new.clone() };
    let mut half = was.clone();
    let changed = was.keys().chain(will.keys()).find(|name| was.get(*name) != will.get(*name)).cloned();
    if let Some(name) = changed {
        match will.get(&name) {
            Some(value) => drop(half.insert(name, value.clone())),
            None => drop(half.remove(&name)),
        }
    }
    Value::Map(half)
}
