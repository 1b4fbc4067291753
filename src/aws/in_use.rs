//! Patience with what is still in use: what goes by itself is waited for, what somebody else put there is named at once.

use std::time::Duration;

use tokio::time::Instant;

use super::client::Aws;
use super::resource::{Resource, Result};
use super::tags::{TagSet, is_of_stack, whose};
use super::wait::Backoff;
use crate::address::Id;
use crate::cloud::{CloudError, ErrorKind, Op};

/// How long a deletion waits for what still uses the resource to go: network interfaces of a load balancer or of Fargate
/// tasks stay for minutes.
const PATIENCE: Duration = Duration::from_secs(600);
/// Time between two looks at what that is.
const LOOK: Duration = Duration::from_secs(20);
/// What a message names at most.
const NAMED: usize = 5;

/// Something that stands against a deletion.
#[derive(Debug)]
pub struct Holder {
    /// What it is: `network interface eni-1 (bastion)`.
    pub what: String,
    /// Its tags.
    pub tags: TagSet,
    /// Whether AWS made it for something else, and takes it away with that.
    pub passes: bool,
}

impl Holder {
    /// Whether waiting for it is vain: nobody who is known of is about to delete it.
    fn stays(&self, op: &Op) -> bool {
        !self.passes && !is_of_stack(&self.tags, op)
    }

    fn told(&self, op: &Op) -> String {
        let whose = match self.passes && !is_of_stack(&self.tags, op) {
            true => "AWS's own, which goes with what it is for".to_owned(),
            false => whose(&self.tags, op),
        };
        format!("{}, {whose}", self.what)
    }
}

fn told(holders: &[Holder], op: &Op) -> String {
    let mut told: Vec<String> = holders.iter().take(NAMED).map(|holder| holder.told(op)).collect();
    if holders.len() > NAMED {
        told.push(format!("{} more", holders.len() - NAMED));
    }
    told.join("; ")
}

/// Deletes, and again for as long as what still uses it may go.
///
/// # Errors
/// Those of the deletion; in use, with what holds it as far as AWS tells, as soon as something does that nobody who is known
/// of is about to delete.
pub async fn delete<T: Resource>(aws: &Aws, op: &Op, id: &Id) -> Result<()> {
    let (started, mut look) = (Instant::now(), Instant::now() + aws.scaled(LOOK));
    let mut backoff = Backoff::new(aws);
    let mut said = String::new();
    loop {
        let error = match T::delete(aws, id).await {
            Err(error) if error.kind == ErrorKind::InUse => error,
            outcome => return outcome,
        };
        let over = started.elapsed() >= aws.scaled(PATIENCE);
        if over || Instant::now() >= look {
            // It is an extra: where AWS does not tell, the deletion goes on without.
            let mut holders = T::holders(aws, id).await.unwrap_or_default();
            let stay = holders.iter().any(|holder| holder.stays(op));
            if stay {
                holders.retain(|holder| holder.stays(op));
            }
            let held_by = told(&holders, op);
            if over || stay {
                return Err(held(error, &held_by));
            }
            if !held_by.is_empty() && held_by != said {
                op.tell(format!("waiting for what still uses it: {held_by}"));
                said = held_by;
            }
            look = Instant::now() + aws.scaled(LOOK);
        }
        backoff.pause().await;
    }
}

fn held(mut error: CloudError, by: &str) -> CloudError {
    if !by.is_empty() {
        error.message.push_str(&format!(" (held by {by})"));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Address, OpId};
    use crate::aws::tags::{ADDRESS, ENVIRONMENT, STACK};

    #[test]
    fn what_is_of_this_stack_or_goes_by_itself_is_waited_for() {
        let op = Op::new(OpId::from("01"), Address::from("Vpc"), "shop".into(), "dev".into());
        let holder = |tags: &[(&str, &str)], passes| Holder {
            what: "network interface eni-1".to_owned(),
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            passes,
        };
        let ours = [(STACK, "shop"), (ENVIRONMENT, "dev"), (ADDRESS, "Web")];
        let other = [(STACK, "shop"), (ENVIRONMENT, "prod"), (ADDRESS, "Web")];
        for (holder, stays, words) in [
            (holder(&ours, false), false, "Web of this stack"),
            (holder(&other, false), true, "not of this stack: Web of shop (prod)"),
            (holder(&[("Name", "mine")], false), true, "not of this stack, nor of any other of infra"),
            (holder(&[], true), false, "AWS's own, which goes with what it is for"),
        ] {
            assert_eq!(holder.stays(&op), stays, "{holder:?}");
            assert_eq!(holder.told(&op), format!("network interface eni-1, {words}"));
        }
    }
}
