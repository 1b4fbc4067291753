//! Finishing or undoing what an interrupted run began.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::perform::{Fault, Made, Performer, Wanted};
use crate::address::{Address, Id, OpId};
use crate::catalog::TypeInfo;
use crate::cloud::{Cloud, CloudError, ErrorKind, Live};
use crate::plan::shape::TypeShape;
use crate::plan::uncertain;
use crate::state::{Begun, BegunAction, Deposed, Record, Updated};
use crate::value::Value;

/// Operations of an interrupted run on one resource, by their ids.
pub(super) type LeftOver = Vec<(OpId, Begun)>;

impl<C: Cloud> Performer<'_, C> {
    /// Makes a resource that an interrupted run may have made already: then that one is adopted, if it still suits, and
    /// `adopting` says so even where it then can't become what is wanted.
    pub(super) async fn adopt_or_create(
        &self,
        wanted: &Wanted,
        left_over: LeftOver,
        early: Option<(usize, &mpsc::UnboundedSender<Made>)>,
        adopting: &mut Option<Id>,
    ) -> Result<Live, Fault> {
        let (mut adopted, mut in_the_way) = (None, None);
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
                    *adopting = Some(id.clone());
                    let call = self.op_on(&op, wanted);
                    let settled = self.settle_made(wanted, call, &id, &wanted.properties, early).await?;
                    let record = record_of(&op, begun, id, &settled);
                    adopted = Some(self.update(wanted, &record, settled, &[]).await?);
                }
                Some(id) => {
                    let kind = self.kind(&begun.type_name)?;
                    self.delete_call(&kind, &call, &id).await??;
                    self.journal.failed(&op).await?;
                    in_the_way = None;
                }
                None => {
                    let (properties, _) = self.complete(wanted, &op);
                    let same = self.journal.seal().seal(&properties).is_ok_and(|sealed| sealed == begun.properties);
                    if adopted.is_none() && same && begun.dependencies == wanted.dependencies {
                        match self.create_begun(wanted, &op, &properties, early).await {
                            Ok(live) => adopted = Some(live),
                            Err(Fault::Cloud(error)) if error.kind == ErrorKind::Conflict => in_the_way = Some(error),
                            Err(fault) => return Err(fault),
                        }
                    } else {
                        self.journal.failed(&op).await?;
                    }
                }
            }
        }
        match (adopted, in_the_way) {
            (Some(live), _) => Ok(live),
            (None, Some(error)) => Err(error.into()),
            (None, None) => self.create(wanted, early).await,
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
        deposed: &[&Deposed],
    ) -> Result<Live, Fault> {
        let (creates, others): (LeftOver, LeftOver) =
            left_over.into_iter().partition(|(_, begun)| begun.action == BegunAction::Create);
        self.clean_up(creates).await?;
        let possibly = &*wanted.possibly_applied(record, &others);
        // Where a change is still to be made, making it is the new try.
        let again = live.is_some_and(|live| !self.is_to_change(wanted, possibly, live));
        let call = self.op_on(&record.op, wanted).again(again);
        let live = match self.settle_made(wanted, call, &record.id, &wanted.properties, None).await {
            // What was begun has failed. Where the stack wants something else by now, that is the way out.
            Err(Fault::Cloud(error)) if error.kind == ErrorKind::Unsettled => {
                let live = self.read_back(&wanted.kind, &record.id).await?;
                if !self.is_to_change(wanted, possibly, &live) {
                    return Err(error.into());
                }
                live
            }
            settled => settled?,
        };
        let way = deposed.iter().copied().filter(|old| stands_in_the_way(wanted, old, &live)).collect();
        // Where one can't go, the change says what is in its way.
        self.make_way(&wanted.address, way).await?;
        let live = self.update(wanted, record, live, &others).await?;
        for (op, _) in others {
            self.journal.failed(&op).await?;
        }
        Ok(live)
    }

    /// Has the record of a resource that is to go, and may yet stay, say what changes that never ended may have made of
    /// it, in place of what is begun.
    pub(super) async fn fold_changes(
        &self,
        address: &Address,
        record: &Record,
        left_over: &mut LeftOver,
    ) -> Result<(), Fault> {
        let (changes, others): (LeftOver, LeftOver) =
            std::mem::take(left_over).into_iter().partition(|(_, begun)| begun.action == BegunAction::Update);
        *left_over = others;
        if changes.is_empty() {
            return Ok(());
        }
        let kind = self.kind(&record.type_name)?;
        let shape = TypeShape::new(&kind);
        let begun = changes.iter().map(|(_, begun)| begun);
        let possibly = uncertain::possibly_applied(&kind, &shape.properties, record, begun);
        let dependencies = changes.iter().flat_map(|(_, begun)| &begun.dependencies).chain(&record.dependencies);
        let dependencies: BTreeSet<Address> = dependencies.cloned().collect();
        let updated = Updated {
            // What is not known is left out, so that it is sent anew.
            properties: uncertain::certain(&possibly.properties),
            outputs: record.outputs.clone(),
            dependencies: dependencies.into_iter().collect(),
            prevent_destroy: record.prevent_destroy,
        };
        self.journal.updated(address, &updated).await?;
        for (op, _) in changes {
            self.journal.failed(&op).await?;
        }
        Ok(())
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
    pub(super) async fn make_way(&self, address: &Address, deposed: Vec<&Deposed>) -> Result<bool, Fault> {
        for old in &deposed {
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

    /// Makes one of the earlier incarnations of a resource its present one again: the first that can become what is
    /// wanted without being replaced.
    pub(super) async fn take_back(
        &self,
        wanted: &Wanted,
        mut deposed: Vec<&Deposed>,
        early: Option<(usize, &mpsc::UnboundedSender<Made>)>,
    ) -> Result<Option<Live>, Fault> {
        deposed.retain(|old| old.type_name == wanted.kind.name);
        // What would only become what is wanted would find the one that is so already in its way.
        deposed.sort_by_key(|old| !may_have(wanted, old));
        for old in deposed {
            let Some(live) = self.read(&wanted.kind, &old.id).await? else { continue };
            let live = wanted.shape.conceal_live(&live);
            let difference = wanted.differs(self.journal, &old.properties, &live.properties);
            if difference.changes.iter().any(|change| change.replaces) {
                continue;
            }
            // What it referred to may have another address by now.
            let old = Deposed { dependencies: wanted.dependencies.clone(), ..old.clone() };
            self.journal.taken_back(&wanted.address, &old).await?;
            let call = self.op_on(&old.op, wanted);
            let settled = self.settle_made(wanted, call, &old.id, &wanted.properties, early).await?;
            let Deposed { id, type_name, op, properties, dependencies } = old;
            let outputs = settled.outputs.clone();
            let prevent_destroy = false;
            let record =
                Record { type_name, id, op, properties, outputs, dependencies, settled: true, prevent_destroy };
            return self.update(wanted, &record, settled, &[]).await.map(Some);
        }
        Ok(None)
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

/// Whether an earlier incarnation has, for all that is known, what only one can have and what is wanted.
pub(super) fn may_have(wanted: &Wanted, old: &Deposed) -> bool {
    let unknown = matches!(old.properties, Value::Null) || wanted.kind.unique.is_empty();
    unknown || wanted_sets(wanted, old).next().is_some()
}

/// Whether an earlier incarnation has what only one can have, and what is wanted but is not so yet.
fn stands_in_the_way(wanted: &Wanted, old: &Deposed, live: &Live) -> bool {
    let is_so = |property: &&str| live.properties.at(property) == wanted.properties.at(property);
    wanted_sets(wanted, old).any(|set| !set.iter().all(is_so))
}

/// The sets of properties that only one can have which an earlier incarnation has just as they are wanted.
fn wanted_sets<'w>(wanted: &'w Wanted, old: &'w Deposed) -> impl Iterator<Item = &'static [&'static str]> + 'w {
    let given = |property: &&str| wanted.properties.at(property).filter(|value| !matches!(value, Value::Null));
    let has = move |property: &&str| given(property).is_some_and(|value| old.properties.at(property) == Some(value));
    let sets = wanted.kind.unique.iter().copied().filter(|_| old.type_name == wanted.kind.name);
    sets.filter(move |set| set.iter().all(has))
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
