//! One operation from its first entry in the journal to its last: create, update and delete.
//!
//! The order of entries and calls is the heart of it. Nothing that changes anything is sent before its `begin` is
//! durable; an id is on record before anyone waits for the resource; and an entry is taken back only where the cloud
//! has said that it did nothing.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::event::{Activity, Event};
use crate::address::{Address, Id, OpId};
use crate::catalog::TypeInfo;
use crate::cloud::{Cloud, CloudError, ErrorKind, Live, Op, Patience, Reporter};
use crate::plan::diff::{Diff, Sides, diff};
use crate::plan::shape::TypeShape;
use crate::state::{self, Begun, BegunAction, Journal, Record, Updated};
use crate::value::Value;

/// How often a resource that was just made is looked for, a little later each time, before it counts as gone.
const READ_ATTEMPTS: u32 = 5;
/// How long to wait before each look for what may have been made.
const FIND_PAUSES: [Duration; 3] = [Duration::ZERO, Duration::from_secs(3), Duration::from_secs(7)];
/// A resource that becomes usable sooner is not worth telling that it is awaited.
const SHORT_WAIT: Duration = Duration::from_secs(2);

/// Why an operation failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The cloud refused.
    Cloud(CloudError),
    /// The journal can't be written: nothing may be sent any more.
    Journal(state::Error),
}

impl From<CloudError> for Fault {
    fn from(error: CloudError) -> Self {
        Self::Cloud(error)
    }
}

impl From<state::Error> for Fault {
    fn from(error: state::Error) -> Self {
        Self::Journal(error)
    }
}

/// What an operation left behind.
#[derive(Debug)]
pub(super) enum Effect {
    /// The resource stands, and is so.
    Stands {
        /// As the cloud tells it.
        live: Live,
        /// Whether what stood at its address before is now deposed.
        replaced: bool,
    },
    /// It is no more, or no longer ours.
    Gone,
}

/// What exists before all of it is ready.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) operation: usize,
    pub(super) live: Live,
}

/// A resource as the stack wants it, with everything known.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) address: Address,
    pub(super) logical_name: String,
    pub(super) kind: Arc<TypeInfo>,
    pub(super) shape: Arc<TypeShape>,
    pub(super) properties: Value,
    pub(super) dependencies: Vec<Address>,
    pub(super) prevent_destroy: bool,
    pub(super) ignore: Vec<String>,
    pub(super) patience: Patience,
}

impl Wanted {
    /// How it differs from what the cloud tells.
    pub(super) fn differs(&self, journal: &Journal, applied: &Value, live: &Value) -> Diff {
        diff(Sides {
            kind: &self.kind,
            shape: &self.shape.properties,
            desired: &self.properties,
            applied,
            live,
            ignore: &self.ignore,
            seal: Some(journal.seal()),
        })
    }

    fn begun(&self, action: BegunAction, properties: Value, generated: Vec<String>) -> Begun {
        Begun {
            address: self.address.clone(),
            type_name: self.kind.name.to_owned(),
            action,
            properties,
            generated,
            dependencies: self.dependencies.clone(),
            prevent_destroy: self.prevent_destroy,
        }
    }
}

/// What every operation works with.
pub(super) struct Performer<'a, C> {
    pub(super) cloud: &'a C,
    pub(super) journal: &'a Journal,
    pub(super) stack: Arc<str>,
    pub(super) environment: Arc<str>,
    pub(super) events: &'a (dyn Fn(Event) + Send + Sync),
    /// Where operations say how far they are.
    pub(super) reporter: Reporter,
}

/// Whether the cloud has said that it did nothing.
fn is_refusal(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Invalid
        | ErrorKind::NotFound
        | ErrorKind::Conflict
        | ErrorKind::InUse
        | ErrorKind::Denied
        | ErrorKind::Quota => true,
        ErrorKind::Credentials
        | ErrorKind::Throttled
        | ErrorKind::Unavailable
        | ErrorKind::Lost
        | ErrorKind::Unsettled
        | ErrorKind::Other => false,
    }
}

impl<C: Cloud> Performer<'_, C> {
    pub(super) fn op(&self, id: &OpId, address: &Address) -> Op {
        Op::new(id.clone(), address.clone(), Arc::clone(&self.stack), Arc::clone(&self.environment))
            .reporting(self.reporter.clone())
    }

    pub(super) fn op_on(&self, id: &OpId, wanted: &Wanted) -> Op {
        self.op(id, &wanted.address).patient(wanted.patience)
    }

    /// Makes a resource. `early` is told once it exists, if somebody waits for no more than that.
    pub(super) async fn create(
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
    pub(super) fn complete(&self, wanted: &Wanted, op: &OpId) -> (Value, Vec<String>) {
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
    pub(super) async fn create_begun(
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
        match self.find(&wanted.kind, call, properties).await {
            Ok(Some(id)) => return Ok(Some(id)),
            Ok(None) => {}
            Err(_) => return Ok(None),
        }
        self.journal.hold().await?;
        match self.cloud.create(&wanted.kind, call, properties).await {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.kind == ErrorKind::Lost => {
                Ok(self.cloud.find(&wanted.kind, call, properties).await.unwrap_or(None))
            }
            Err(_) => Ok(None),
        }
    }

    /// Finds what an operation made. What was just made is not always found at once: making it again because it was
    /// looked for too early would be worse than waiting.
    pub(super) async fn find(&self, kind: &TypeInfo, call: &Op, properties: &Value) -> Result<Option<Id>, CloudError> {
        for pause in FIND_PAUSES {
            sleep(pause).await;
            if let Some(id) = self.cloud.find(kind, call, properties).await? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Waits until what is on record as made is usable.
    pub(super) async fn settle_made(
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

    /// Changes a resource in place, or only its record, or nothing: whatever it takes.
    pub(super) async fn update(&self, wanted: &Wanted, record: &Record, live: Live) -> Result<Live, Fault> {
        let concealed = wanted.shape.conceal_live(&live);
        let difference = wanted.differs(self.journal, &record.properties, &concealed.properties);
        let fixed: Vec<&str> =
            difference.changes.iter().filter(|change| change.replaces).map(|change| change.path.as_str()).collect();
        if !fixed.is_empty() {
            let message = format!(
                "{} can't change in place, and the plan, made before its new value was known, does not replace it; plan again",
                fixed.join(", ")
            );
            return Err(CloudError::new(ErrorKind::Conflict, "plan", message).into());
        }
        let Some(new) = difference.new else {
            self.keep(wanted, record, &live).await?;
            return Ok(live);
        };
        let op = OpId::generate();
        self.journal
            .begin([(op.clone(), wanted.begun(BegunAction::Update, wanted.properties.clone(), Vec::new()))])
            .await?;
        let call = self.op_on(&op, wanted);
        self.journal.hold().await?;
        let mut result = self.cloud.update(&wanted.kind, &call, &record.id, &concealed.properties, &new).await;
        if matches!(&result, Err(error) if error.kind == ErrorKind::Lost) {
            result = self.update_again(wanted, record, &call).await?;
        }
        match result {
            Ok(()) => {}
            Err(error) if error.kind == ErrorKind::Unsettled && self.was_undone(wanted, record).await => {
                self.journal.failed(&op).await?;
                return Err(error.into());
            }
            // It may still be on its way: left as begun, so that the next run waits for it.
            Err(error) if matches!(error.kind, ErrorKind::Unsettled | ErrorKind::Lost) => return Err(error.into()),
            Err(error) => {
                self.journal.failed(&op).await?;
                return Err(error.into());
            }
        }
        let live = self.read_back(&wanted.kind, &record.id).await?;
        self.journal.done(&op, &wanted.address, &wanted.shape.conceal_outputs(live.outputs.clone())).await?;
        Ok(live)
    }

    /// Whether the cloud took a change back that it had taken on, so that it is still, or again, to be made: what is on
    /// record stands, and the next plan shows the change.
    async fn was_undone(&self, wanted: &Wanted, record: &Record) -> bool {
        match self.read(&wanted.kind, &record.id).await {
            Ok(Some(live)) => self.is_to_change(wanted, record, &live),
            _ => false,
        }
    }

    /// Whether what the stack wants is not what the cloud tells.
    pub(super) fn is_to_change(&self, wanted: &Wanted, record: &Record, live: &Live) -> bool {
        let live = wanted.shape.conceal_live(live);
        wanted.differs(self.journal, &record.properties, &live.properties).new.is_some()
    }

    /// Sends an update whose answer was lost again, as far as it is still needed.
    async fn update_again(&self, wanted: &Wanted, record: &Record, call: &Op) -> Result<Result<(), CloudError>, Fault> {
        let live = self.read_back(&wanted.kind, &record.id).await?;
        let live = wanted.shape.conceal_live(&live);
        let again = wanted.differs(self.journal, &record.properties, &live.properties);
        let new = again.new.unwrap_or_else(|| live.properties.clone());
        self.journal.hold().await?;
        Ok(self.cloud.update(&wanted.kind, call, &record.id, &live.properties, &new).await)
    }

    /// Has the record follow the stack and the cloud, where only it differs.
    pub(super) async fn keep(&self, wanted: &Wanted, record: &Record, live: &Live) -> Result<(), Fault> {
        if !self.on_record(wanted, record, live) {
            let updated = Updated {
                properties: wanted.properties.clone(),
                outputs: wanted.shape.conceal_outputs(live.outputs.clone()),
                dependencies: wanted.dependencies.clone(),
                prevent_destroy: wanted.prevent_destroy,
            };
            self.journal.updated(&wanted.address, &updated).await?;
        }
        Ok(())
    }

    /// Whether the record is as the stack and the cloud say.
    pub(super) fn on_record(&self, wanted: &Wanted, record: &Record, live: &Live) -> bool {
        let same = |value: &Value, recorded: &Value| {
            if value.has_secret() {
                self.journal.seal().seal(value).is_ok_and(|sealed| sealed == *recorded)
            } else {
                value == recorded
            }
        };
        record.dependencies == wanted.dependencies
            && record.prevent_destroy == wanted.prevent_destroy
            && same(&wanted.properties, &record.properties)
            && same(&wanted.shape.conceal_live(live).outputs, &record.outputs)
    }

    /// Deletes an incarnation of a resource; `op` where an interrupted run began to.
    pub(super) async fn delete(
        &self,
        kind: &TypeInfo,
        address: &Address,
        id: &Id,
        op: Option<OpId>,
    ) -> Result<(), Fault> {
        let op = match op {
            Some(op) => op,
            None => {
                let op = OpId::generate();
                let begun = Begun {
                    address: address.clone(),
                    type_name: kind.name.to_owned(),
                    action: BegunAction::Delete(id.clone()),
                    properties: Value::map(),
                    generated: Vec::new(),
                    dependencies: Vec::new(),
                    prevent_destroy: false,
                };
                self.journal.begin([(op.clone(), begun)]).await?;
                op
            }
        };
        let result = self.delete_call(kind, &self.op(&op, address), id).await?;
        match result {
            Ok(()) => Ok(self.journal.gone(Some(&op), address, id).await?),
            // It may still go: left as begun, so that the next run sees to it.
            Err(error) if matches!(error.kind, ErrorKind::Unsettled | ErrorKind::Lost) => Err(error.into()),
            Err(error) => {
                self.journal.failed(&op).await?;
                Err(error.into())
            }
        }
    }

    /// Deletes, and once more where the answer was lost: what is gone already is deleted at once.
    pub(super) async fn delete_call(
        &self,
        kind: &TypeInfo,
        call: &Op,
        id: &Id,
    ) -> Result<Result<(), CloudError>, Fault> {
        self.journal.hold().await?;
        match self.cloud.delete(kind, call, id).await {
            Err(error) if error.kind == ErrorKind::Lost => {
                self.journal.hold().await?;
                Ok(self.cloud.delete(kind, call, id).await)
            }
            result => Ok(result),
        }
    }

    async fn read(&self, kind: &TypeInfo, id: &Id) -> Result<Option<Live>, CloudError> {
        let found = self.cloud.read(kind, std::slice::from_ref(id)).await?;
        Ok(found.into_iter().find(|live| live.id == *id))
    }

    /// Reads what is known to exist; what was just made is not always seen at once.
    pub(super) async fn read_back(&self, kind: &TypeInfo, id: &Id) -> Result<Live, CloudError> {
        for attempt in 1..=READ_ATTEMPTS {
            if let Some(live) = self.read(kind, id).await? {
                return Ok(live);
            }
            if attempt < READ_ATTEMPTS {
                sleep(Duration::from_secs(1) * attempt).await;
            }
        }
        Err(CloudError::new(ErrorKind::NotFound, "read", format!("{id} was there and can't be found any more")))
    }
}
