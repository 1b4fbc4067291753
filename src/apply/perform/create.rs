//! Making a resource, and waiting until it is usable.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::{Fault, Made, Performer, TRIES, Wanted, is_refusal};
use crate::address::{Id, OpId};
use crate::apply::event::{Activity, Event};
use crate::catalog::TypeInfo;
use crate::cloud::{Cloud, CloudError, ErrorKind, Live, Op};
use crate::state::BegunAction;
use crate::value::Value;

/// How long to wait before each look for what may have been made.
const FIND_PAUSES: [Duration; 3] = [Duration::ZERO, Duration::from_secs(3), Duration::from_secs(7)];
/// A resource that becomes usable sooner is not worth telling that it is awaited.
const SHORT_WAIT: Duration = Duration::from_secs(2);

impl<C: Cloud> Performer<'_, C> {
    /// Makes a resource. `early` is told once it exists, if somebody waits for no more than that.
    pub(in crate::apply) async fn create(
        &self,
        wanted: &Wanted,
        early: Option<(usize, &mpsc::UnboundedSender<Made>)>,
    ) -> Result<Live, Fault> {
        let op = OpId::generate();
        let (properties, generated) = self.complete(wanted, &op);
        self.journal.begin([(op.clone(), wanted.begun(BegunAction::Create, properties.clone(), generated))]).await?;
        self.create_begun(wanted, &op, &properties, early).await
    }

    /// The properties with a generated name where the stack gives none, and which those are.
    pub(in crate::apply) fn complete(&self, wanted: &Wanted, op: &OpId) -> (Value, Vec<String>) {
        let Some(rule) = wanted.kind.generated_name else { return (wanted.properties.clone(), Vec::new()) };
        if wanted.properties.get(rule.property).is_some_and(|given| !matches!(given, Value::Null)) {
            return (wanted.properties.clone(), Vec::new());
        }
        let mut properties = wanted.properties.as_map().cloned().unwrap_or_default();
        let name = rule.make(&self.stack, &self.environment, &wanted.logical_name, op);
        properties.insert(rule.property.to_owned(), Value::from(name));
        (Value::Map(properties), vec![rule.property.to_owned()])
    }

    /// Makes what `op` was begun for.
    pub(in crate::apply) async fn create_begun(
        &self,
        wanted: &Wanted,
        op: &OpId,
        properties: &Value,
        early: Option<(usize, &mpsc::UnboundedSender<Made>)>,
    ) -> Result<Live, Fault> {
        let call = self.op_on(op, wanted);
        self.journal.hold().await?;
        let id = match self.cloud.create(&wanted.kind, &call, properties).await {
            Ok(id) => id,
            Err(error) if error.kind == ErrorKind::Lost => {
                match self.find_or_create(wanted, &call, properties).await? {
                    Some(id) => id,
                    None => return Err(error.into()),
                }
            }
            // Its attempts are used up, and an earlier one may have been carried out: left as begun, so that the next
            // run looks for what it made.
            Err(error) if !is_refusal(error.kind) => return Err(error.into()),
            Err(error) => {
                self.journal.failed(op).await?;
                return Err(error.into());
            }
        };
        self.journal.made(op, &id).await?;
        self.settle_made(wanted, self.op_on(op, wanted), &id, properties, early).await
    }

    /// What becomes of a create whose answer was lost: what it made, or else what the same operation makes now.
    /// `None` where that can't be told either; then the next run looks again.
    async fn find_or_create(&self, wanted: &Wanted, call: &Op, properties: &Value) -> Result<Option<Id>, Fault> {
        for _ in 0..TRIES {
            match self.find(&wanted.kind, call, properties).await {
                Ok(Some(id)) => return Ok(Some(id)),
                Ok(None) => {}
                Err(_) => return Ok(None),
            }
            self.journal.hold().await?;
            match self.cloud.create(&wanted.kind, call, properties).await {
                Ok(id) => return Ok(Some(id)),
                Err(error) if error.kind == ErrorKind::Lost => {}
                Err(_) => return Ok(None),
            }
        }
        Ok(self.cloud.find(&wanted.kind, call, properties).await.unwrap_or(None))
    }

    /// Finds what an operation made. What was just made is not always found at once: making it again because it was
    /// looked for too early would be worse than waiting.
    pub(in crate::apply) async fn find(
        &self,
        kind: &TypeInfo,
        call: &Op,
        properties: &Value,
    ) -> Result<Option<Id>, CloudError> {
        for pause in FIND_PAUSES {
            sleep(pause).await;
            if let Some(id) = self.cloud.find(kind, call, properties).await? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Waits until what is on record as made is usable.
    pub(in crate::apply) async fn settle_made(
        &self,
        wanted: &Wanted,
        call: Op,
        id: &Id,
        properties: &Value,
        early: Option<(usize, &mpsc::UnboundedSender<Made>)>,
    ) -> Result<Live, Fault> {
        if let Some((operation, made)) = early
            && let Ok(Some(live)) = self.read(&wanted.kind, id).await
        {
            // Nobody hears it only where the whole apply has stopped.
            let _ = made.send(Made { operation, live });
        }
        self.journal.hold().await?;
        let mut settled = pin!(self.cloud.settle(&wanted.kind, &call, id, properties));
        match timeout(SHORT_WAIT, &mut settled).await {
            Ok(result) => result?,
            Err(_) => {
                (self.events)(Event::Started {
                    address: wanted.address.clone(),
                    type_name: wanted.kind.name.to_owned(),
                    activity: Activity::Settle,
                    holds_up: 0,
                });
                settled.await?;
            }
        }
        let live = self.read_back(&wanted.kind, id).await?;
        self.journal.done(&call.id, &wanted.address, &wanted.shape.conceal_outputs(live.outputs.clone())).await?;
        Ok(live)
    }
}
