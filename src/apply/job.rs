//! An operation with all that it needs, ready to be carried out.

use tokio::sync::mpsc;

use super::operation::{CreateCause, Operation, Work};
use super::perform::{Effect, Fault, Made, Performer, Wanted};
use super::recover::{LeftOver, may_have, take_delete};
use crate::address::Id;
use crate::cloud::{Cloud, CloudError, ErrorKind, Live};
use crate::state::{BegunAction, Deposed, Record};

/// An operation with all it needs.
pub(super) struct Job<'a> {
    pub(super) index: usize,
    pub(super) operation: &'a Operation,
    pub(super) wanted: Option<Wanted>,
    pub(super) managed: Option<&'a Record>,
    pub(super) live: Option<Live>,
    pub(super) left_over: LeftOver,
    /// Earlier incarnations of it that are still to be deleted.
    pub(super) deposed: &'a [&'a Deposed],
    /// Who is to be told once it exists, if anybody waits for that.
    pub(super) early: Option<mpsc::UnboundedSender<Made>>,
}

impl Job<'_> {
    pub(super) async fn perform<C: Cloud>(self, performer: &Performer<'_, C>) -> Result<Effect, Fault> {
        match &self.operation.work {
            Work::Delete { id, .. } => self.delete(performer, id).await,
            Work::CleanUp => {
                performer.clean_up(self.left_over).await?;
                Ok(Effect::Gone)
            }
            Work::Forget => {
                if self.managed.is_some() || !self.deposed.is_empty() {
                    performer.journal.forgot(&self.operation.address).await?;
                }
                for (op, _) in self.left_over {
                    performer.journal.failed(&op).await?;
                }
                Ok(Effect::Gone)
            }
            work => {
                let Some(wanted) = &self.wanted else { return Ok(Effect::Gone) };
                self.stand(performer, work, wanted).await
            }
        }
    }

    async fn stand<C: Cloud>(
        &self,
        performer: &Performer<'_, C>,
        work: &Work,
        wanted: &Wanted,
    ) -> Result<Effect, Fault> {
        let early = self.early.as_ref().map(|made| (self.index, made));
        let left_over = || self.left_over.clone();
        let stands = |live| Ok(Effect::Stands { live, replaced: false });
        match (work, self.managed, self.live.clone()) {
            (Work::Create { cause: CreateCause::Replaces { forced: false }, .. }, Some(record), Some(live))
                if self.left_over.iter().all(|(_, begun)| begun.action == BegunAction::Update)
                    && !self.replaces(performer, wanted, record, &live) =>
            {
                stands(match self.left_over.is_empty() {
                    true => performer.update(wanted, record, live, &[]).await?,
                    false => performer.recover(wanted, record, Some(&live), left_over(), self.deposed).await?,
                })
            }
            (Work::Create { cause, .. }, record, _) => {
                let mut left_over = left_over();
                if let (CreateCause::New, Some(record)) = (cause, record) {
                    match take_delete(&mut left_over, &record.id) {
                        // An earlier run began to delete it: until that is done its names may still be taken.
                        Some(op) => {
                            let kind = performer.kind(&record.type_name)?;
                            performer.delete(&kind, &wanted.address, &record.id, Some(op)).await?;
                        }
                        None => performer.journal.gone(None, &wanted.address, &record.id).await?,
                    }
                }
                if let (CreateCause::Replaces { .. }, Some(record)) = (cause, record) {
                    performer.fold_changes(&wanted.address, record, &mut left_over).await?;
                }
                let mut adopted = None;
                let live = match performer.adopt_or_create(wanted, left_over, early, &mut adopted).await {
                    // What it replaced before may stand in its way, where the stack wants that one's like again.
                    Err(Fault::Cloud(error)) if error.kind == ErrorKind::Conflict => {
                        self.in_the_way(performer, wanted, *cause, error).await?
                    }
                    made => made?,
                };
                if let Some(id) = adopted.filter(|id| *id != live.id) {
                    performer.delete(&wanted.kind, &wanted.address, &id, None).await?;
                }
                Ok(Effect::Stands { live, replaced: true })
            }
            (Work::Recover { .. }, Some(record), live) => {
                stands(performer.recover(wanted, record, live.as_ref(), left_over(), self.deposed).await?)
            }
            (Work::Keep { .. }, Some(record), Some(live)) => {
                performer.keep(wanted, record, &live).await?;
                stands(live)
            }
            (_, Some(record), Some(live)) => stands(performer.update(wanted, record, live, &[]).await?),
            _ => {
                let message = "it was neither read nor planned to be made";
                Err(CloudError::new(ErrorKind::Other, "apply", message).into())
            }
        }
    }

    /// Makes it although something is in its way, if that is an earlier incarnation. Where that one will do, it is the
    /// present one again: it may be in use, so that it could not go. Else it goes.
    async fn in_the_way<C: Cloud>(
        &self,
        performer: &Performer<'_, C>,
        wanted: &Wanted,
        cause: CreateCause,
        error: CloudError,
    ) -> Result<Live, Fault> {
        let early = self.early.as_ref().map(|made| (self.index, made));
        // Where it is made anew only because something else changed, none that was there before will do.
        let will_do = match (cause, self.managed, &self.live) {
            (CreateCause::Replaces { forced: true }, Some(record), live) => {
                record.type_name != wanted.kind.name
                    || live.as_ref().is_some_and(|live| self.replaces(performer, wanted, record, live))
            }
            _ => true,
        };
        let going = |old: &Deposed| {
            self.left_over.iter().any(|(_, begun)| matches!(&begun.action, BegunAction::Delete(id) if *id == old.id))
        };
        let standing = self.deposed.iter().copied().filter(|old| will_do && !going(old)).collect();
        if let Some(live) = performer.take_back(wanted, standing, early).await? {
            return Ok(live);
        }
        let way = self.deposed.iter().copied().filter(|old| may_have(wanted, old)).collect();
        match performer.make_way(&wanted.address, way).await? {
            true => performer.create(wanted, early).await,
            false => Err(error.into()),
        }
    }

    /// Whether, now that all is known, something that can't change in place does.
    fn replaces<C: Cloud>(&self, performer: &Performer<'_, C>, wanted: &Wanted, record: &Record, live: &Live) -> bool {
        let live = wanted.shape.conceal_live(live);
        let record = wanted.possibly_applied(record, &self.left_over);
        let difference = wanted.differs(performer.journal, &record.properties, &live.properties);
        difference.changes.iter().any(|change| change.replaces)
    }

    async fn delete<C: Cloud>(&self, performer: &Performer<'_, C>, id: &Id) -> Result<Effect, Fault> {
        let mut left_over = self.left_over.clone();
        let op = take_delete(&mut left_over, id);
        if let Some(record) = self.managed.filter(|record| record.id == *id) {
            performer.fold_changes(&self.operation.address, record, &mut left_over).await?;
        }
        performer.clean_up(left_over).await?;
        let kind = performer.kind(&self.operation.type_name)?;
        performer.delete(&kind, &self.operation.address, id, op).await?;
        Ok(Effect::Gone)
    }
}
