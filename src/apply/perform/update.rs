//! Changing a resource in place, or only its record.

use super::{Fault, Performer, Wanted};
use crate::address::OpId;
use crate::cloud::{Cloud, CloudError, ErrorKind, Live, Op};
use crate::state::{BegunAction, Record, Updated};
use crate::value::Value;

impl<C: Cloud> Performer<'_, C> {
    /// Changes a resource in place, or only its record, or nothing: whatever it takes.
    pub(in crate::apply) async fn update(&self, wanted: &Wanted, record: &Record, live: Live) -> Result<Live, Fault> {
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
            // A part of it may be done, and the cloud never tells which: left as begun, so that the next run sends it anew.
            Err(error) if self.is_untold(wanted, &record.properties) => return Err(error.into()),
            Err(error) => {
                self.journal.failed(&op).await?;
                return Err(error.into());
            }
        }
        let live = self.read_back(&wanted.kind, &record.id).await?;
        self.journal.done(&op, &wanted.address, &wanted.shape.conceal_outputs(live.outputs.clone())).await?;
        Ok(live)
    }

    /// Whether what changes is something that the cloud never tells.
    fn is_untold(&self, wanted: &Wanted, applied: &Value) -> bool {
        let untold = |name: &str| wanted.shape.properties.field(name).is_untold();
        let same = |name: &str, value: &Value| {
            applied.get(name).is_some_and(|applied| self.journal.seal().matches(applied, value))
        };
        wanted.properties.as_map().into_iter().flatten().any(|(name, value)| untold(name) && !same(name, value))
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
    pub(in crate::apply) fn is_to_change(&self, wanted: &Wanted, record: &Record, live: &Live) -> bool {
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
    pub(in crate::apply) async fn keep(&self, wanted: &Wanted, record: &Record, live: &Live) -> Result<(), Fault> {
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
    pub(in crate::apply) fn on_record(&self, wanted: &Wanted, record: &Record, live: &Live) -> bool {
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
}
