//! An operation with all that it needs, ready to be carried out.

use tokio::sync::mpsc;

use super::operation::{CreateCause, Operation, Work};
use super::perform::{Effect, Fault, Made, Performer, Wanted};
use super::recover::{LeftOver, take_delete};
use crate::address::Id;
use crate::cloud::{Cloud, CloudError, ErrorKind, Live};
use crate::state::{Deposed, Record};

/// An operation with all it needs.
pub(super) struct Job<'a> {
    pub(super) index: usize,
    pub(super) operation: &'a Operation,
    pub(super) wanted: Option<Wanted>,
    pub(super) managed: Option<&'a Record>,
    pub(super) live: Option<Live>,
    pub(super) left_over: LeftOver,
    /// Earlier incarnations of it that are still to be deleted.
    pub(super) deposed: &'a [Deposed],
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
                if self.left_over.is_empty() && !self.replaces(performer, wanted, record, &live) =>
            {
                stands(performer.update(wanted, record, live).await?)
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
                let live = match performer.adopt_or_create(wanted, left_over, early).await {
                    // What it replaced before may stand in its way, where the stack wants that one's like again.
                    Err(Fault::Cloud(error))
                        if error.kind == ErrorKind::Conflict
                            && performer.make_way(&wanted.address, self.deposed).await? =>
                    {
                        performer.create(wanted, early).await?
                    }
                    made => made?,
                };
                Ok(Effect::Stands { live, replaced: true })
            }
            (Work::Recover { .. }, Some(record), live) => {
                stands(performer.recover(wanted, record, live.as_ref(), left_over()).await?)
            }
            (Work::Keep { .. }, Some(record), Some(live)) => {
                performer.keep(wanted, record, &live).await?;
                stands(live)
            }
            (_, Some(record), Some(live)) => stands(performer.update(wanted, record, live).await?),
            _ => {
                let message = "it was neither read nor planned to be made";
                Err(CloudError::new(ErrorKind::Other, "apply", message).into())
            }
        }
    }

    /// Whether, now that all is known, something that can't change in place does.
    fn replaces<C: Cloud>(&self, performer: &Performer<'_, C>, wanted: &Wanted, record: &Record, live: &Live) -> bool {
        let live = wanted.shape.conceal_live(live);
        let difference = wanted.differs(performer.journal, &record.properties, &live.properties);
        difference.changes.iter().any(|change| change.replaces)
    }

    async fn delete<C: Cloud>(&self, performer: &Performer<'_, C>, id: &Id) -> Result<Effect, Fault> {
        let mut left_over = self.left_over.clone();
        let op = take_delete(&mut left_over, id);
        performer.clean_up(left_over).await?;
        let kind = performer.kind(&self.operation.type_name)?;
        performer.delete(&kind, &self.operation.address, id, op).await?;
        Ok(Effect::Gone)
    }
}
