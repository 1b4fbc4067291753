//! Deleting an incarnation of a resource.

use super::{Fault, Performer};
use crate::address::{Address, Id, OpId};
use crate::catalog::TypeInfo;
use crate::cloud::{Cloud, CloudError, ErrorKind, Op};
use crate::state::{Begun, BegunAction};
use crate::value::Value;

impl<C: Cloud> Performer<'_, C> {
    /// Deletes an incarnation of a resource; `op` where an interrupted run began to.
    pub(in crate::apply) async fn delete(
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
    pub(in crate::apply) async fn delete_call(
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
}
