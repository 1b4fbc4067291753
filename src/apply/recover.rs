//! Finishing or undoing what an interrupted run began.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::perform::{Fault, Made, Performer, Wanted};
use crate::address::{Address, Id, OpId};
use crate::catalog::TypeInfo;
use crate::cloud::{Cloud, CloudError, ErrorKind, Live};
use crate::state::{Begun, BegunAction, Deposed, Record};
use crate::value::Value;

/// The record of a resource without what interrupted changes of it may have made of what the cloud never tells: that is
/// sent anew, whatever was last applied.
fn certain(wanted: &Wanted, record: &Record, changes: &LeftOver) -> Record {
    let mut record = record.clone();
    let begun = changes.iter().filter_map(|(_, begun)| begun.properties.as_map()).flatten();
    for (name, value) in begun.filter(|(name, _)| wanted.shape.properties.field(name).is_untold()) {
        if let Value::Map(applied) = &mut record.properties
            && applied.get(name) != Some(value)
        {
            applied.remove(name);
        }
    }
    record
}

/// Operations of an interrupted run on one resource, by their ids.
pub(super) type LeftOver = Vec<(OpId, Begun)>;

impl<C: Cloud> Performer<'_, C> {
    /// Makes a resource that an interrupted run may have made already: then that one is adopted, if it still suits.
    pub(super) async fn adopt_or_create(
        &self,
        wanted: &Wanted,
        left_over: LeftOver,
        early: Option<(usize, &mpsc::UnboundedSender<Made>)>,
    ) -> Result<Live, Fault> {
        let mut adopted = None;
        for (op, begun) in left_over {
            if begun.action != BegunAction::Create {
                self.journal.failed(&op).await?;
                continue;
            }
            let call = self.op(&op, &wanted.address);
            let suits = adopted.is_none() && begun.type_name == wanted.kind.name && self.suits(wanted, &begun);
            match self.find_begun(&begun, &op).await? {
                Some(id) if suits => {
                    self.journal.made(&op, &id).await?;
                    let call = self.op_on(&op, wanted);
                    let settled = self.settle_made(wanted, call, &id, &wanted.properties, early).await?;
                    let record = record_of(&op, begun, id, &settled);
                    adopted = Some(self.update(wanted, &record, settled).await?);
                }
                Some(id) => {
                    let kind = self.kind(&begun.type_name)?;
                    self.delete_call(&kind, &call, &id).await??;
                    self.journal.failed(&op).await?;
                }
                None => {
                    let (properties, _) = self.complete(wanted, &op);
                    let same = self.journal.seal().seal(&properties).is_ok_and(|sealed| sealed == begun.properties);
                    if adopted.is_none() && same && begun.dependencies == wanted.dependencies {
                        adopted = Some(self.create_begun(wanted, &op, &properties, early).await?);
                    } else {
                        self.journal.failed(&op).await?;
                    }
                }
            }
        }
        match adopted {
            Some(live) => Ok(live),
            None => self.create(wanted, early).await,
        }
    }

    /// Finishes what was begun on a resource that is on record and stays.
    ///
    /// `live` is what the cloud told when it was planned.
    pub(super) async fn recover(
        &self,
        wanted: &Wanted,
        record: &Record,
        live: Option<&Live>,
        left_over: LeftOver,
    ) -> Result<Live, Fault> {
        let (creates, others): (LeftOver, LeftOver) =
            left_over.into_iter().partition(|(_, begun)| begun.action == BegunAction::Create);
        self.clean_up(creates).await?;
        let record = &certain(wanted, record, &others);
        // Where a change is still to be made, making it is the new try.
        let again = live.is_some_and(|live| !self.is_to_change(wanted, record, live));
        let call = self.op_on(&record.op, wanted).again(again);
        let live = match self.settle_made(wanted, call, &record.id, &wanted.properties, None).await {
            // What was begun has failed. Where the stack wants something else by now, that is the way out.
            Err(Fault::Cloud(error)) if error.kind == ErrorKind::Unsettled => {
                let live = self.read_back(&wanted.kind, &record.id).await?;
                if !self.is_to_change(wanted, record, &live) {
                    return Err(error.into());
                }
                live
            }
            settled => settled?,
        };
        let live = self.update(wanted, record, live).await?;
        for (op, _) in others {
            self.journal.failed(&op).await?;
        }
        Ok(live)
    }

    /// Finds what interrupted runs began to make and nobody wants any more, and deletes it.
    pub(super) async fn clean_up(&self, left_over: LeftOver) -> Result<(), Fault> {
        for (op, begun) in left_over {
            if begun.action == BegunAction::Create
                && let Some(id) = self.find_begun(&begun, &op).await?
            {
                let kind = self.kind(&begun.type_name)?;
                self.delete_call(&kind, &self.op(&op, &begun.address), &id).await??;
            }
            self.journal.failed(&op).await?;
        }
        Ok(())
    }

    /// Deletes earlier incarnations of a resource; whether there were any, and none is left.
    pub(super) async fn make_way(&self, address: &Address, deposed: &[Deposed]) -> Result<bool, Fault> {
        for old in deposed {
            let kind = self.kind(&old.type_name)?;
            match self.delete(&kind, address, &old.id, None).await {
                Ok(()) => {}
                // It is told again where its delete has its turn.
                Err(Fault::Cloud(_)) => return Ok(false),
                Err(fault) => return Err(fault),
            }
        }
        Ok(!deposed.is_empty())
    }

    /// The type of that name.
    pub(super) fn kind(&self, name: &str) -> Result<Arc<TypeInfo>, CloudError> {
        self.cloud.catalog().get(name).cloned().ok_or_else(|| {
            CloudError::new(
                ErrorKind::Invalid,
                "recover",
                format!("this version of infra does not know the type {name}"),
            )
        })
    }

    async fn find_begun(&self, begun: &Begun, op: &OpId) -> Result<Option<Id>, CloudError> {
        let kind = self.kind(&begun.type_name)?;
        self.find(&kind, &self.op(op, &begun.address), &begun.properties).await
    }

    /// Whether what was begun can become what is wanted without being replaced.
    fn suits(&self, wanted: &Wanted, begun: &Begun) -> bool {
        let difference = wanted.differs(self.journal, &applied(begun), &begun.properties);
        !difference.changes.iter().any(|change| change.replaces)
    }
}

/// What counts as last applied of what was begun.
fn applied(begun: &Begun) -> Value {
    let mut properties = begun.properties.as_map().cloned().unwrap_or_default();
    properties.retain(|name, _| !begun.generated.contains(name));
    Value::Map(properties)
}

/// The record that a begun creation has become.
fn record_of(op: &OpId, begun: Begun, id: Id, live: &Live) -> Record {
    Record {
        type_name: begun.type_name.clone(),
        id,
        op: op.clone(),
        properties: applied(&begun),
        outputs: live.outputs.clone(),
        dependencies: begun.dependencies,
        settled: true,
        prevent_destroy: begun.prevent_destroy,
    }
}

/// The operation that began to delete `id`, taken out of what is left over.
pub(super) fn take_delete(left_over: &mut LeftOver, id: &Id) -> Option<OpId> {
    let at =
        left_over.iter().position(|(_, begun)| matches!(&begun.action, BegunAction::Delete(begun) if begun == id))?;
    Some(left_over.remove(at).0)
}
