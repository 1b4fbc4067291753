//! Changing a resource in place, or only its record.

use std::time::Duration;

use tokio::time::sleep;

use super::{Fault, Performer, TRIES, Wanted, is_refusal};
use crate::address::OpId;
use crate::cloud::{Cloud, CloudError, ErrorKind, Live, Op};
use crate::state::{Begun, BegunAction, Record, Updated};
use crate::value::Value;

impl<C: Cloud> Performer<'_, C> {
    /// Changes a resource in place, or only its record, or nothing: whatever it takes. `begun` are earlier changes of it
    /// that never ended.
    pub(in crate::apply) async fn update(
        &self,
        wanted: &Wanted,
        record: &Record,
        live: Live,
        begun: &[(OpId, Begun)],
    ) -> Result<Live, Fault> {
        let concealed = wanted.shape.conceal_live(&live);
        let possibly = &*wanted.possibly_applied(record, begun);
        let difference = wanted.differs(self.journal, &possibly.properties, &concealed.properties);
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
        for attempt in 1..=TRIES {
            if !matches!(&result, Err(error) if error.kind == ErrorKind::Lost) {
                break;
            }
            sleep(Duration::from_secs(1) * (attempt - 1)).await;
            result = self.update_again(wanted, possibly, &call).await?;
        }
        if let Err(error) = result {
            if self.is_undone(wanted, possibly, &concealed.properties, &error).await {
                self.journal.failed(&op).await?;
            } else {
                self.close_repeated(wanted, begun).await?;
            }
            return Err(error.into());
        }
        let live = self.read_back(&wanted.kind, &record.id).await?;
        self.journal.done(&op, &wanted.address, &wanted.shape.conceal_outputs(live.outputs.clone())).await?;
        Ok(live)
    }

    /// Whether nothing of a change that failed is done, or all of it was taken back: the cloud says that it does nothing
    /// more, and tells the same as `before`. Else, or where nobody knows, it is left as begun: the next run waits for it
    /// if it is still on its way, sends anew what the cloud never tells, and resets what only it gave.
    async fn is_undone(&self, wanted: &Wanted, record: &Record, before: &Value, error: &CloudError) -> bool {
        let ended = is_refusal(error.kind) || error.kind == ErrorKind::Unsettled;
        if !ended || self.is_untold(wanted, &record.properties) {
            return false;
        }
        match self.read(&wanted.kind, &record.id).await {
            Ok(Some(live)) => wanted.shape.conceal_live(&live).properties == *before,
            _ => false,
        }
    }

    /// Closes earlier changes that were begun to the same end as one that is left as begun: it says what they do.
    async fn close_repeated(&self, wanted: &Wanted, begun: &[(OpId, Begun)]) -> Result<(), Fault> {
        let Ok(sealed) = self.journal.seal().seal(&wanted.properties) else { return Ok(()) };
        let same = |earlier: &Begun| {
            earlier.action == BegunAction::Update
                && earlier.properties == sealed
                && earlier.dependencies == wanted.dependencies
        };
        for (op, _) in begun.iter().filter(|(_, earlier)| same(earlier)) {
            self.journal.failed(op).await?;
        }
        Ok(())
    }

    /// Whether what changes is something that the cloud never tells.
    fn is_untold(&self, wanted: &Wanted, applied: &Value) -> bool {
        let untold = |name: &str| wanted.shape.properties.field(name).is_untold();
        let same = |name: &str, value: &Value| {
            applied.get(name).is_some_and(|applied| self.journal.seal().matches(applied, value))
        };
        let taken = |name: &str| wanted.properties.get(name).is_none_or(|value| matches!(value, Value::Null));
        wanted.properties.as_map().into_iter().flatten().any(|(name, value)| untold(name) && !same(name, value))
            || applied.as_map().into_iter().flatten().any(|(name, _)| untold(name) && taken(name))
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
