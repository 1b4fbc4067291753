//! Deletes messages that are done. Those that cannot be deleted come back, and are known then.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::backoff::backoff;
use crate::hold::Hold;
use crate::queue::{Queue, Receipt};

/// Tries while the worker goes on. At the end another worker would not know the message, so there it is tried to the last.
const MOST_TRIES: u32 = 5;
const FIRST_RETRY: Duration = Duration::from_millis(200);
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// A message that is done, hidden until it is deleted.
#[derive(Debug)]
pub(crate) struct Deletion<Q> {
    hold: Hold<Q>,
    tries: u32,
}

impl<Q: Queue> Deletion<Q> {
    /// Begins the deletion of a message.
    pub(crate) fn new(hold: Hold<Q>) -> Self {
        Self { hold, tries: 0 }
    }
}

/// Deletes messages, and returns those that are to be tried again, when it is time for that.
pub(crate) async fn delete<Q: Queue>(
    queue: &Q,
    mut done: Vec<Deletion<Q>>,
    ending: &CancellationToken,
) -> Vec<Deletion<Q>> {
    let receipts: Vec<Receipt> = done.iter().map(|deletion| deletion.hold.receipt().clone()).collect();
    match queue.delete(&receipts).await {
        Ok(refused) => {
            let is_left = |deletion: &Deletion<Q>| {
                refused.iter().any(|refusal| !refusal.is_final && refusal.receipt == *deletion.hold.receipt())
            };
            done.retain(is_left);
        }
        Err(error) => tracing::warn!(%error, messages = done.len(), "could not delete messages"),
    }
    let messages = done.len();
    done.retain_mut(|deletion| {
        deletion.tries += 1;
        deletion.tries < MOST_TRIES || ending.is_cancelled()
    });
    if done.len() < messages {
        let messages = messages - done.len();
        tracing::error!(messages, "messages that were done are still in the queue; deleted when they come back");
    }
    if let Some(tries) = done.iter().map(|deletion| deletion.tries).min() {
        sleep(backoff(tries, FIRST_RETRY, LONGEST_RETRY)).await;
    }
    done
}
