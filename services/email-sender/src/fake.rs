//! A queue and a mail service in memory, for tests.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use service_runtime::Notification;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use crate::mailer::{Content, Fault, FaultKind, Mail, Mailer};
use crate::queue::{Message, Queue, QueueError, QueueFacts, Reason, Receipt, Refusal};

pub(crate) const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(30);
pub(crate) const MAX_RECEIVES: u32 = 3;
const WAIT: Duration = Duration::from_secs(20);

/// A queue that hides what it hands out, as SQS does.
#[derive(Default)]
pub(crate) struct FakeQueue {
    state: Mutex<State>,
    changed: Notify,
}

pub(crate) struct State {
    /// What the queue says of itself.
    pub(crate) facts: QueueFacts,
    pub(crate) waiting: Vec<Waiting>,
    /// Bodies in the dead-letter queue, with the error's code and message.
    pub(crate) dead: Vec<(String, String, String)>,
    /// Calls that delete, beginning with the next, which fail.
    pub(crate) failing_deletes: u32,
    /// Calls that delete fail until then.
    pub(crate) deletes_fail_until: Option<Instant>,
    /// Entries, beginning with the next, that calls which delete refuse for now.
    pub(crate) refused_deletes: u32,
    pub(crate) delete_takes: Duration,
    deletes_under_way: usize,
    pub(crate) most_deletes_under_way: usize,
    pub(crate) failing_set_asides: u32,
    pub(crate) deletes: Vec<usize>,
    pub(crate) receives: Vec<Instant>,
    handed_out: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            facts: QueueFacts {
                visibility_timeout: VISIBILITY_TIMEOUT,
                max_receives: Some(MAX_RECEIVES),
                max_message_bytes: 1_048_576,
            },
            waiting: Vec::new(),
            dead: Vec::new(),
            failing_deletes: 0,
            deletes_fail_until: None,
            refused_deletes: 0,
            delete_takes: Duration::ZERO,
            deletes_under_way: 0,
            most_deletes_under_way: 0,
            failing_set_asides: 0,
            deletes: Vec::new(),
            receives: Vec::new(),
            handed_out: 0,
        }
    }
}

pub(crate) struct Waiting {
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) visible_at: Instant,
    pub(crate) receive_count: u32,
    handle: String,
}

impl FakeQueue {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn add(&self, id: &str, body: &str) {
        self.state().waiting.push(Waiting {
            id: id.into(),
            body: body.into(),
            visible_at: Instant::now(),
            receive_count: 0,
            handle: String::new(),
        });
        self.changed.notify_waiters();
    }

    /// Adds a notification whose text is its id.
    pub(crate) fn notify(&self, id: &str, key: Option<&str>) {
        let notification = Notification {
            version: 1,
            id: id.into(),
            message: id.into(),
            to: "a@example.org".into(),
            subject: None,
            template_data: None,
            idempotency_key: key.map(str::to_owned),
            queued_at: 1,
        };
        self.add(id, &notification.to_body().unwrap());
    }

    /// How often a message that is still there was received.
    pub(crate) fn receive_count(&self, id: &str) -> Option<u32> {
        self.state().waiting.iter().find(|message| message.id == id).map(|message| message.receive_count)
    }

    /// Waits until nothing is left.
    pub(crate) async fn drained(&self) {
        while !self.state().waiting.is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
    }
}

fn failure() -> QueueError {
    QueueError("InternalFailure".into())
}

impl State {
    fn hand_out(&mut self, most: usize, hidden_for: Duration) -> Vec<Message> {
        let visible = self.waiting.iter_mut().filter(|message| message.visible_at <= Instant::now()).take(most);
        let mut handed_out = self.handed_out;
        let messages = visible.map(|message| {
            handed_out += 1;
            message.visible_at = Instant::now() + hidden_for;
            message.receive_count += 1;
            message.handle = handed_out.to_string();
            Message {
                receipt: Receipt { message_id: message.id.clone(), handle: message.handle.clone() },
                body: message.body.clone(),
                attributes: HashMap::new(),
                receive_count: message.receive_count,
                sent_at: Some(SystemTime::now()),
                group_id: None,
            }
        });
        let messages: Vec<_> = messages.collect();
        self.handed_out = handed_out;
        messages
    }

    fn refusals(&self, receipts: &[Receipt]) -> Vec<Refusal> {
        let is_known = |receipt: &&Receipt| self.waiting.iter().any(|message| message.handle == receipt.handle);
        let refused = receipts.iter().filter(|receipt| !is_known(receipt));
        refused
            .map(|receipt| Refusal { receipt: receipt.clone(), code: "ReceiptHandleIsInvalid".into(), is_final: true })
            .collect()
    }
}

impl Queue for FakeQueue {
    async fn facts(&self) -> Result<QueueFacts, QueueError> {
        Ok(self.state().facts)
    }

    async fn receive(&self, most: usize, hidden_for: Duration) -> Result<Vec<Message>, QueueError> {
        self.state().receives.push(Instant::now());
        let end = Instant::now() + WAIT;
        loop {
            let changed = self.changed.notified();
            let next = {
                let mut state = self.state();
                let messages = state.hand_out(most, hidden_for);
                if !messages.is_empty() || Instant::now() >= end {
                    return Ok(messages);
                }
                state.waiting.iter().map(|message| message.visible_at).min().map_or(end, |at| at.min(end))
            };
            tokio::select! {
                () = changed => {}
                () = sleep_until(next) => {}
            }
        }
    }

    async fn delete(&self, receipts: &[Receipt]) -> Result<Vec<Refusal>, QueueError> {
        let takes = {
            let mut state = self.state();
            state.deletes_under_way += 1;
            state.most_deletes_under_way = state.most_deletes_under_way.max(state.deletes_under_way);
            state.delete_takes
        };
        sleep(takes).await;
        let mut state = self.state();
        state.deletes_under_way -= 1;
        if state.failing_deletes > 0 || state.deletes_fail_until.is_some_and(|until| Instant::now() < until) {
            state.failing_deletes = state.failing_deletes.saturating_sub(1);
            return Err(failure());
        }
        state.deletes.push(receipts.len());
        let for_now = receipts.len().min(state.refused_deletes as usize);
        state.refused_deletes -= u32::try_from(for_now).unwrap();
        let (for_now, receipts) = receipts.split_at(for_now);
        let mut refused = state.refusals(receipts);
        refused.extend(for_now.iter().map(|receipt| Refusal {
            receipt: receipt.clone(),
            code: "InternalError".into(),
            is_final: false,
        }));
        state.waiting.retain(|message| receipts.iter().all(|receipt| receipt.handle != message.handle));
        Ok(refused)
    }

    async fn hide(&self, receipts: &[Receipt], timeout: Duration) -> Result<Vec<Refusal>, QueueError> {
        let mut state = self.state();
        let refused = state.refusals(receipts);
        for message in &mut state.waiting {
            if receipts.iter().any(|receipt| receipt.handle == message.handle) {
                message.visible_at = Instant::now() + timeout;
            }
        }
        self.changed.notify_waiters();
        Ok(refused)
    }

    async fn set_aside(&self, message: &Message, reason: &Reason, _: usize) -> Result<(), QueueError> {
        let mut state = self.state();
        if state.failing_set_asides > 0 {
            state.failing_set_asides -= 1;
            return Err(failure());
        }
        state.dead.push((message.body.clone(), reason.code.clone(), reason.message.clone()));
        Ok(())
    }
}

/// What the mail service does with a mail: how long it takes, and what it says then.
pub(crate) type Reply = (Duration, Result<(), FaultKind>);

type Replies = dyn Fn(&str, u32) -> Reply + Send + Sync;

/// A mail service that does as it is told, by the mail's text and how often it has come.
pub(crate) struct FakeMailer {
    reply: Box<Replies>,
    state: Mutex<Mails>,
}

#[derive(Default)]
struct Mails {
    tries: HashMap<String, u32>,
    sent: Vec<String>,
    under_way: usize,
    most_under_way: usize,
}

impl FakeMailer {
    pub(crate) fn new(reply: impl Fn(&str, u32) -> Reply + Send + Sync + 'static) -> Self {
        Self { reply: Box::new(reply), state: Mutex::default() }
    }

    /// The texts of what was sent, in order.
    pub(crate) fn sent(&self) -> Vec<String> {
        self.state.lock().unwrap().sent.clone()
    }

    pub(crate) fn tries(&self, text: &str) -> u32 {
        self.state.lock().unwrap().tries.get(text).copied().unwrap_or_default()
    }

    pub(crate) fn under_way(&self) -> usize {
        self.state.lock().unwrap().under_way
    }

    pub(crate) fn most_under_way(&self) -> usize {
        self.state.lock().unwrap().most_under_way
    }
}

impl Mailer for FakeMailer {
    async fn send(&self, mail: &Mail) -> Result<(), Fault> {
        let Content::Text(text) = &mail.content else { panic!("tests send plain mail") };
        let tries = {
            let mut mails = self.state.lock().unwrap();
            mails.under_way += 1;
            mails.most_under_way = mails.most_under_way.max(mails.under_way);
            let tries = mails.tries.entry(text.clone()).or_default();
            *tries += 1;
            *tries
        };
        let (after, result) = (self.reply)(text, tries);
        sleep(after).await;
        let mut mails = self.state.lock().unwrap();
        mails.under_way -= 1;
        match result {
            Ok(()) => {
                mails.sent.push(text.clone());
                Ok(())
            }
            Err(kind) => Err(Fault { kind, code: format!("{kind:?}"), message: "it was refused".into() }),
        }
    }

    async fn send_rate(&self) -> Result<f64, Fault> {
        Ok(1000.0)
    }
}
