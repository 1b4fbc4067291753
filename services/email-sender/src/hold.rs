//! Keeps received messages hidden from others for as long as they are worked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::RwLock;
use tokio::time::{Instant, sleep};

use crate::facts::Facts;
use crate::queue::{BATCH, Queue, Receipt};

/// How often it is looked for what is due to be hidden anew: the shortest visibility timeout is 3 s.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The messages that this worker holds.
#[derive(Debug)]
pub(crate) struct Holds<Q> {
    queue: Arc<Q>,
    facts: Arc<Facts>,
    held: Mutex<HashMap<Receipt, Hidden>>,
    /// Written while messages are hidden for longer, read while one is let go: else the later answer might win, and a
    /// message that was given back would stay hidden.
    hiding: RwLock<()>,
}

/// How long a message is hidden: each by the visibility timeout of when that was asked for.
#[derive(Debug, Clone, Copy)]
struct Hidden {
    since: Instant,
    lasting: Duration,
}

/// A message held: it is hidden until this is dropped, and then until its visibility timeout passes.
#[derive(Debug)]
pub(crate) struct Hold<Q> {
    receipt: Receipt,
    holds: Arc<Holds<Q>>,
}

impl<Q: Queue> Holds<Q> {
    /// Makes a register of messages of `queue`, which are hidden for as long as `facts` say.
    pub(crate) fn new(queue: Arc<Q>, facts: Arc<Facts>) -> Arc<Self> {
        let held = Mutex::new(HashMap::new());
        Arc::new(Self { queue, facts, held, hiding: RwLock::new(()) })
    }

    /// Holds a message that was received just now, and hidden for `lasting`.
    pub(crate) fn hold(self: &Arc<Self>, receipt: Receipt, lasting: Duration) -> Hold<Q> {
        self.held().insert(receipt.clone(), Hidden { since: Instant::now(), lasting });
        Hold { receipt, holds: Arc::clone(self) }
    }

    /// Hides what is held again and again, before its visibility timeout passes. Never ends.
    pub(crate) async fn keep_hidden(&self) {
        loop {
            sleep(LOOK_EVERY).await;
            if self.due().is_empty() {
                continue;
            }
            let _nobody_lets_go = self.hiding.write().await;
            let hidden = Hidden { since: Instant::now(), lasting: self.facts.hidden_for() };
            for receipts in self.due().chunks(BATCH) {
                self.hide(receipts, hidden).await;
            }
        }
    }

    /// Returns what has been hidden for a third of its time.
    fn due(&self) -> Vec<Receipt> {
        let held = self.held();
        let due = held.iter().filter(|(_, hidden)| hidden.since.elapsed() >= hidden.lasting / 3);
        due.map(|(receipt, _)| receipt.clone()).collect()
    }

    async fn hide(&self, receipts: &[Receipt], anew: Hidden) {
        let refused = match self.queue.hide(receipts, anew.lasting).await {
            Ok(refused) => refused,
            Err(error) => {
                tracing::warn!(%error, messages = receipts.len(), "could not keep messages hidden; trying again");
                return;
            }
        };
        let mut held = self.held();
        for receipt in receipts {
            let refusal = refused.iter().find(|refusal| refusal.receipt == *receipt);
            match (refusal, held.get_mut(receipt)) {
                (None, Some(hidden)) => *hidden = anew,
                // Deleted in between, or hidden for 12 hours, which is all that SQS allows: nothing helps but going on.
                (Some(refusal), Some(_)) if refusal.is_final => {
                    tracing::warn!(
                        message_id = receipt.message_id,
                        code = refusal.code,
                        "a message is no longer hidden"
                    );
                    held.remove(receipt);
                }
                _ => {}
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Receipt, Hidden>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Q: Queue> Hold<Q> {
    /// Returns what the message is deleted by.
    pub(crate) fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Lets the message go, to be received again when `delay` has passed.
    pub(crate) async fn let_go(self, delay: Duration) {
        let holds = Arc::clone(&self.holds);
        let receipt = self.receipt.clone();
        drop(self);
        let_all_go(&holds, &[receipt], delay).await;
    }
}

impl<Q> Drop for Hold<Q> {
    fn drop(&mut self) {
        self.holds.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.receipt);
    }
}

/// Lets messages go that are to be received again at once.
pub(crate) async fn give_back<Q: Queue>(holds: &Holds<Q>, given: Vec<Hold<Q>>) {
    let receipts: Vec<Receipt> = given.iter().map(|hold| hold.receipt.clone()).collect();
    drop(given);
    for receipts in receipts.chunks(BATCH) {
        let_all_go(holds, receipts, Duration::ZERO).await;
    }
}

async fn let_all_go<Q: Queue>(holds: &Holds<Q>, receipts: &[Receipt], delay: Duration) {
    let _nothing_hides_them_again = holds.hiding.read().await;
    match holds.queue.hide(receipts, delay).await {
        Ok(refused) => {
            for refusal in refused {
                let message_id = refusal.receipt.message_id;
                tracing::warn!(
                    message_id,
                    code = refusal.code,
                    "a message comes back when its visibility timeout passes"
                );
            }
        }
        Err(error) => {
            let messages = receipts.len();
            tracing::warn!(%error, messages, "messages come back when their visibility timeout passes");
        }
    }
}
