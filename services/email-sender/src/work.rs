//! One message, from its receive to its end: sent, known, set aside, tried later or given back.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use service_runtime::Metrics;
use service_runtime::health::Condition;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::backoff::backoff;
use crate::batch::Batches;
use crate::compose::Composer;
use crate::delete::Deletion;
use crate::denials::Denials;
use crate::ending::Ending;
use crate::facts::Facts;
use crate::figures::{Figures, Outcome};
use crate::hold::Hold;
use crate::mailer::{Fault, FaultKind, Mail, Mailer};
use crate::once::{Done, Once};
use crate::pacer::Pacer;
use crate::queue::{Message, Queue, Reason};

/// A message that failed is received again after this, doubled with each receive.
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_secs(900);
/// A mail that was throttled is sent again after this, doubled with each try.
const FIRST_RESEND: Duration = Duration::from_millis(250);
const LONGEST_RESEND: Duration = Duration::from_secs(60);
/// SES asks to wait up to 10 minutes.
/// See <https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html>.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// How long others wait, where it may be that only one mail is denied.
const LONGEST_DOUBT: Duration = Duration::from_secs(30);

/// What all messages are worked with.
pub(crate) struct Work<Q, M> {
    pub(crate) queue: Arc<Q>,
    pub(crate) mailer: Arc<M>,
    pub(crate) composer: Composer,
    pub(crate) once: Once,
    pub(crate) pacer: Arc<Pacer>,
    /// Mails under way.
    pub(crate) sending: Semaphore,
    pub(crate) facts: Arc<Facts>,
    pub(crate) denials: Denials,
    pub(crate) deletes: Batches<Deletion<Q>>,
    pub(crate) returns: Batches<Hold<Q>>,
    pub(crate) metrics: Metrics,
    /// That mail is taken.
    pub(crate) mail_is_taken: Condition,
    pub(crate) ending: Ending,
}

/// Why a mail was not sent now.
enum Unsent {
    /// The worker ends, and there is no time left to begin the mail.
    Stopping,
    /// The mail was refused, or the way to the service failed.
    Failed(Fault),
}

impl<Q: Queue, M: Mailer> Work<Q, M> {
    /// Works one message and sees to what becomes of it.
    pub(crate) async fn work(&self, message: Message, hold: Hold<Q>) {
        let started = Instant::now();
        let age = message.sent_at.and_then(|sent_at| sent_at.elapsed().ok());
        let mut throttled = 0;
        let sent = AssertUnwindSafe(self.send_once(&message, &mut throttled)).catch_unwind().await;
        let sent = sent.unwrap_or_else(|panic| Err(Unsent::Failed(of_panic(&*panic))));
        let outcome = self.settle(&message, hold, sent).await;
        Figures { outcome, processing: started.elapsed(), age, throttled }.count(&self.metrics);
    }

    async fn send_once(&self, message: &Message, throttled: &mut u32) -> Result<Done, Unsent> {
        if self.once.is_done(&by_message(message)) {
            return Ok(Done::Before);
        }
        let (key, mail) = self.composer.compose(&message.body).map_err(Unsent::Failed)?;
        self.once.run(&format!("key {key}"), || self.send(&message.receipt.message_id, &mail, throttled)).await
    }

    /// Sends a mail, again and again while the service takes nobody's or not so many.
    async fn send(&self, message_id: &str, mail: &Mail, throttled: &mut u32) -> Result<(), Unsent> {
        let mut tries = 0;
        loop {
            let begun = async {
                let permit = self.sending.acquire().await;
                self.pacer.turn().await;
                permit
            };
            let permit = tokio::select! {
                biased;
                () = self.ending.begin_none.cancelled() => return Err(Unsent::Stopping),
                permit = begun => permit,
            };
            let begun_at = Instant::now();
            let Err(fault) = self.mailer.send(mail).await else {
                if let Some(stopped) = self.pacer.taken(begun_at) {
                    self.mail_is_taken.set(Ok(()));
                    tracing::info!(seconds = stopped.as_secs(), "mail is taken again: sending");
                }
                return Ok(());
            };
            drop(permit);
            tries += 1;
            let wait = match fault.kind {
                FaultKind::Throttled => {
                    self.pacer.throttled();
                    *throttled += 1;
                    let rate = self.pacer.rate();
                    tracing::warn!(code = fault.code, rate, "throttled: sending more slowly");
                    backoff(tries, FIRST_RESEND, LONGEST_RESEND)
                }
                FaultKind::Denied if self.pacer.has_taken_since(self.denials.since(message_id)) => {
                    return Err(Unsent::Failed(fault));
                }
                FaultKind::Blocked | FaultKind::Denied => {
                    if self.ending.requested.is_cancelled() {
                        // Waiting would use the budget up in vain.
                        self.ending.begin_none.cancel();
                    }
                    let longest = if fault.kind == FaultKind::Denied { LONGEST_DOUBT } else { LONGEST_PAUSE };
                    let pause = self.pacer.pause(longest);
                    if pause.is_first {
                        self.mail_is_taken.set(Err(fault.to_string()));
                        tracing::error!(
                            code = fault.code,
                            reason = fault.message,
                            "nothing can be sent: pausing until a mail is taken"
                        );
                    }
                    pause.left.max(backoff(tries, FIRST_RESEND, LONGEST_RESEND))
                }
                FaultKind::Transient | FaultKind::Permanent => return Err(Unsent::Failed(fault)),
            };
            tokio::select! {
                biased;
                () = self.ending.begin_none.cancelled() => return Err(Unsent::Stopping),
                () = sleep(wait) => {}
            }
        }
    }

    async fn settle(&self, message: &Message, hold: Hold<Q>, sent: Result<Done, Unsent>) -> Outcome {
        let message_id = message.receipt.message_id.as_str();
        match sent {
            Ok(done) => {
                self.deletes.add(Deletion::new(hold)).await;
                if done == Done::Now {
                    tracing::info!(message_id, "sent");
                    return Outcome::Sent;
                }
                tracing::info!(message_id, "sent before: deleted");
                Outcome::Duplicate
            }
            Err(Unsent::Stopping) => {
                // Earlier, a receive of this worker's own or of another that ends might be handed it again and again, and
                // each time counts towards the queue's limit.
                self.ending.receives_ended.cancelled().await;
                self.returns.add(hold).await;
                Outcome::GivenBack
            }
            Err(Unsent::Failed(fault)) => {
                let is_last = self.facts.max_receives().is_some_and(|most| message.receive_count >= most);
                if fault.kind == FaultKind::Permanent || is_last {
                    return self.set_aside(message, hold, fault).await;
                }
                self.retry(message, hold, &fault).await
            }
        }
    }

    async fn set_aside(&self, message: &Message, hold: Hold<Q>, fault: Fault) -> Outcome {
        let message_id = message.receipt.message_id.as_str();
        let reason = Reason { code: fault.code, message: fault.message, failed_at: SystemTime::now() };
        match self.queue.set_aside(message, &reason, self.facts.max_message_bytes()).await {
            Ok(()) => {
                tracing::error!(
                    message_id,
                    code = reason.code,
                    reason = reason.message,
                    "not sent: in the dead-letter queue"
                );
                // It is remembered in case that the delete fails: not all of them have a key.
                self.once.remember(&by_message(message));
                self.deletes.add(Deletion::new(hold)).await;
                Outcome::Failed
            }
            Err(error) => {
                let message = format!("could not be moved to the dead-letter queue: {error}");
                let fault = Fault { kind: FaultKind::Transient, code: "NotSetAside".into(), message };
                self.retry_later(message_id, hold, &fault, 1).await
            }
        }
    }

    async fn retry(&self, message: &Message, hold: Hold<Q>, fault: &Fault) -> Outcome {
        self.retry_later(&message.receipt.message_id, hold, fault, message.receive_count).await
    }

    async fn retry_later(&self, message_id: &str, hold: Hold<Q>, fault: &Fault, tries: u32) -> Outcome {
        let delay = backoff(tries, FIRST_RETRY, LONGEST_RETRY);
        let seconds = delay.as_secs();
        tracing::warn!(message_id, code = fault.code, reason = fault.message, seconds, "not sent: tried later");
        hold.let_go(delay).await;
        Outcome::Retried
    }
}

fn by_message(message: &Message) -> String {
    format!("message {}", message.receipt.message_id)
}

/// A bug that one message brings out ends that message, not the worker.
fn of_panic(panic: &(dyn Any + Send)) -> Fault {
    let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Fault { kind: FaultKind::Transient, code: "Panic".into(), message: said }
}
