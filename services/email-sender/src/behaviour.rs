//! What a worker does with its messages, on a queue and a mail service in memory and in virtual time.

use std::sync::Arc;
use std::time::Duration;

use service_runtime::{Health, Metrics, Shutdown};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::compose::Composer;
use crate::fake::{FakeMailer, FakeQueue, MAX_RECEIVES, Reply, VISIBILITY_TIMEOUT};
use crate::figures::METRICS;
use crate::mailer::FaultKind;
use crate::pacer::Pacer;
use crate::queue::Queue;
use crate::worker::{Settings, run};

const CONCURRENCY: usize = 4;
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
const QUICK: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(600);

struct Running {
    queue: Arc<FakeQueue>,
    mailer: Arc<FakeMailer>,
    health: Health,
    shutdown: Shutdown,
    task: JoinHandle<()>,
}

async fn start(queue: FakeQueue, reply: impl Fn(&str, u32) -> Reply + Send + Sync + 'static) -> Running {
    let (queue, mailer) = (Arc::new(queue), Arc::new(FakeMailer::new(reply)));
    let (health, shutdown) = (Health::default(), Shutdown::new(STOP_TIMEOUT));
    let settings = Settings {
        concurrency: CONCURRENCY,
        remembered: Duration::from_secs(3600),
        composer: Composer { default_subject: "Notification".into(), has_template: false },
        facts: queue.facts().await.unwrap(),
        longest_silence: Duration::from_secs(60),
    };
    let task = {
        let (queue, mailer, health, shutdown) =
            (Arc::clone(&queue), Arc::clone(&mailer), health.clone(), shutdown.clone());
        tokio::spawn(async move {
            let metrics = Metrics::new("Test".into(), "email-sender", METRICS);
            let pacer = Arc::new(Pacer::new(1000.0));
            run(queue, mailer, pacer, settings, &health, metrics, &shutdown).await;
        })
    };
    Running { queue, mailer, health, shutdown, task }
}

impl Running {
    async fn drained(&self) {
        timeout(LONG, self.queue.drained()).await.unwrap();
    }

    async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !condition(self) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(LONG, waiting).await.unwrap();
    }

    async fn stopped(self) -> (Arc<FakeQueue>, Arc<FakeMailer>) {
        self.shutdown.request();
        self.task.await.unwrap();
        (self.queue, self.mailer)
    }
}

fn of(ids: impl IntoIterator<Item = u32>) -> FakeQueue {
    let queue = FakeQueue::default();
    for id in ids {
        queue.notify(&format!("m{id}"), None);
    }
    queue
}

#[tokio::test(start_paused = true)]
async fn every_message_is_sent_once_and_deleted_within_the_concurrency() {
    let running = start(of(0..50), |_, _| (QUICK, Ok(()))).await;
    running.drained().await;
    let (queue, mailer) = running.stopped().await;
    let mut sent = mailer.sent();
    assert_eq!(sent.len(), 50);
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), 50);
    assert_eq!(mailer.most_under_way(), CONCURRENCY);
    let deletes = queue.state().deletes.clone();
    assert!(deletes.len() <= 15, "deleted in batches: {deletes:?}");
}

#[tokio::test(start_paused = true)]
async fn notifications_with_one_key_are_one_mail_also_when_they_are_worked_at_once() {
    let queue = FakeQueue::default();
    for id in ["a", "b", "c"] {
        queue.notify(id, Some("order 7"));
    }
    let running = start(queue, |_, _| (QUICK, Ok(()))).await;
    running.drained().await;
    running.queue.notify("d", Some("order 7"));
    running.drained().await;
    assert_eq!(running.stopped().await.1.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_sent_and_could_not_be_deleted_is_not_sent_again() {
    let queue = of([1]);
    queue.state().failing_deletes = 5;
    let running = start(queue, |_, _| (QUICK, Ok(()))).await;
    running.until(|running| running.queue.receive_count("m1") == Some(2)).await;
    running.drained().await;
    assert_eq!(running.stopped().await.1.sent(), ["m1"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_stays_hidden_while_it_is_worked() {
    let running = start(of([1]), |_, _| (VISIBILITY_TIMEOUT * 7, Ok(()))).await;
    let started = Instant::now();
    running.until(|running| running.mailer.sent().len() == 1).await;
    assert!(started.elapsed() > VISIBILITY_TIMEOUT * 6);
    assert_eq!(running.queue.receive_count("m1"), Some(1));
    running.drained().await;
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_now_is_tried_again_and_holds_nobody_up() {
    let running = start(of(0..40), |text, tries| match (text, tries) {
        ("m0" | "m1" | "m2" | "m3" | "m4", 1..MAX_RECEIVES) => (QUICK, Err(FaultKind::Transient)),
        _ => (QUICK, Ok(())),
    })
    .await;
    running.drained().await;
    let (queue, mailer) = running.stopped().await;
    let sent = mailer.sent();
    assert_eq!((sent.len(), mailer.tries("m0")), (40, MAX_RECEIVES));
    assert!(sent[35..].iter().all(|text| text.len() == 2), "the others came first: {sent:?}");
    assert!(queue.state().dead.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_fails_to_the_last_receive_is_set_aside_with_its_reason() {
    let running = start(of([1, 2]), |text, _| match text {
        "m1" => (QUICK, Err(FaultKind::Transient)),
        _ => (QUICK, Ok(())),
    })
    .await;
    running.drained().await;
    let (queue, mailer) = running.stopped().await;
    assert_eq!((mailer.tries("m1"), mailer.sent()), (MAX_RECEIVES, vec!["m2".to_owned()]));
    let state = queue.state();
    assert_eq!(state.dead.len(), 1);
    assert_eq!((state.dead[0].1.as_str(), state.dead[0].2.as_str()), ("Transient", "it was refused"));
}

#[tokio::test(start_paused = true)]
async fn poison_is_set_aside_at_once_and_the_rest_is_sent() {
    let queue = FakeQueue::default();
    for number in 0..20 {
        queue.add(&format!("p{number}"), "poison");
        queue.notify(&format!("m{number}"), None);
    }
    queue.notify("refused", None);
    let running = start(queue, |text, _| match text {
        "refused" => (QUICK, Err(FaultKind::Permanent)),
        _ => (QUICK, Ok(())),
    })
    .await;
    running.drained().await;
    let (queue, mailer) = running.stopped().await;
    assert_eq!((mailer.sent().len(), mailer.tries("refused")), (20, 1));
    let state = queue.state();
    assert_eq!(state.dead.len(), 21);
    assert_eq!(
        state.dead.iter().filter(|(body, code, _)| body == "poison" && code == "InvalidNotification").count(),
        20
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_set_aside_is_not_deleted_but_set_aside_later() {
    let queue = FakeQueue::default();
    queue.add("p", "poison");
    queue.state().failing_set_asides = 2;
    let running = start(queue, |_, _| (QUICK, Ok(()))).await;
    running.drained().await;
    assert_eq!(running.stopped().await.0.state().dead.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn throttling_never_ends_in_the_dead_letter_queue() {
    let running = start(of(0..5), |_, tries| match tries {
        1..10 => (QUICK, Err(FaultKind::Throttled)),
        _ => (QUICK, Ok(())),
    })
    .await;
    running.until(|running| running.mailer.tries("m0") == 9).await;
    assert_eq!(running.queue.receive_count("m0"), Some(1), "a try is not a receive");
    running.drained().await;
    let (queue, mailer) = running.stopped().await;
    assert_eq!(mailer.sent().len(), 5);
    assert!(queue.state().dead.is_empty());
}

#[tokio::test(start_paused = true)]
async fn while_nobodys_mail_is_taken_messages_are_kept_and_the_service_is_not_ready() {
    let running = start(of(0..30), |_, tries| match tries {
        1..4 => (QUICK, Err(FaultKind::Blocked)),
        _ => (QUICK, Ok(())),
    })
    .await;
    running.until(|running| running.health.ready().is_err_and(|why| why.starts_with("SES: Blocked"))).await;
    assert_eq!(running.health.live(), Ok(()));
    running.drained().await;
    assert_eq!(running.health.ready(), Ok(()));
    let (queue, mailer) = running.stopped().await;
    assert_eq!(mailer.sent().len(), 30);
    assert!(queue.state().dead.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_bug_that_one_message_brings_out_ends_that_message_alone() {
    let running = start(of(0..20), |text, _| {
        assert_ne!(text, "m3", "a bug");
        (QUICK, Ok(()))
    })
    .await;
    running.drained().await;
    let (queue, mailer) = running.stopped().await;
    assert_eq!(mailer.sent().len(), 19);
    let state = queue.state();
    assert_eq!(state.dead.len(), 1);
    assert_eq!(state.dead[0].1, "Panic");
}

#[tokio::test(start_paused = true)]
async fn at_the_end_what_is_held_is_worked_off_and_nothing_more_is_received() {
    let running = start(of(0..30), |_, _| (Duration::from_secs(5), Ok(()))).await;
    running.until(|running| running.mailer.under_way() == CONCURRENCY).await;
    let asked = Instant::now();
    let (queue, mailer) = running.stopped().await;
    let held = mailer.sent().len();
    assert_eq!(held, 2 * CONCURRENCY, "what is sent and what waits for it");
    assert!(asked.elapsed() < Duration::from_secs(16));
    let state = queue.state();
    assert_eq!(state.waiting.len(), 30 - held, "what was sent is deleted");
    assert!(state.waiting.iter().all(|message| message.visible_at <= Instant::now()), "nothing stays hidden");
    assert!(state.waiting.iter().all(|message| message.receive_count == 0), "nothing is received in vain");
    assert!(state.receives.iter().all(|at| *at <= asked), "nothing is received after");
}

#[tokio::test(start_paused = true)]
async fn at_the_end_what_cannot_be_begun_in_time_is_given_back() {
    let running = start(of(0..8), |_, _| (Duration::from_secs(45), Ok(()))).await;
    running.until(|running| running.mailer.under_way() == CONCURRENCY).await;
    let asked = Instant::now();
    let (queue, mailer) = running.stopped().await;
    assert_eq!(mailer.sent().len(), CONCURRENCY, "what was begun is finished");
    assert!(asked.elapsed() < STOP_TIMEOUT);
    let state = queue.state();
    assert_eq!(state.waiting.len(), 8 - CONCURRENCY);
    assert!(state.waiting.iter().all(|message| message.visible_at <= Instant::now() && message.receive_count == 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_receive_hands_out_at_the_end_is_sent() {
    let running = start(FakeQueue::default(), |_, _| (QUICK, Ok(()))).await;
    running.until(|running| !running.queue.state().receives.is_empty()).await;
    running.shutdown.request();
    sleep(QUICK).await;
    running.queue.notify("m1", None);
    let (queue, mailer) = running.stopped().await;
    assert_eq!(mailer.sent(), ["m1"]);
    assert!(queue.state().waiting.is_empty(), "and deleted");
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_at_the_end_is_not_received_again_by_the_worker_that_ends() {
    let running = start(of([1]), |_, _| (QUICK, Err(FaultKind::Blocked))).await;
    running.until(|running| running.mailer.tries("m1") == 5).await;
    let given_by = running.shutdown.clone();
    given_by.request();
    sleep(QUICK).await;
    running.queue.notify("m2", None);
    let (queue, mailer) = running.stopped().await;
    assert!(mailer.sent().is_empty());
    for id in ["m1", "m2"] {
        assert!(queue.receive_count(id) <= Some(1), "{id}");
    }
    assert!(queue.state().waiting.iter().all(|message| message.visible_at <= Instant::now()));
}

#[tokio::test(start_paused = true)]
async fn deletes_have_what_is_left_of_the_budget() {
    let running = start(of([1]), |_, _| (QUICK, Ok(()))).await;
    running.queue.state().failing_deletes = 4;
    running.until(|running| running.mailer.sent().len() == 1).await;
    let (queue, _) = running.stopped().await;
    assert!(queue.state().waiting.is_empty(), "deleted with the fifth try");
}

#[tokio::test(start_paused = true)]
async fn a_throttled_mail_does_not_hold_the_end_up() {
    let running = start(of([1]), |_, _| (QUICK, Err(FaultKind::Blocked))).await;
    running.until(|running| running.mailer.tries("m1") == 5).await;
    let asked = Instant::now();
    let (queue, _) = running.stopped().await;
    assert!(asked.elapsed() <= Duration::from_secs(20), "no longer than a receive");
    assert!(queue.state().waiting[0].visible_at <= Instant::now());
}

#[tokio::test(start_paused = true)]
async fn the_end_comes_within_its_time_whatever_hangs() {
    let running = start(of([1]), |_, _| (LONG, Ok(()))).await;
    running.until(|running| running.mailer.under_way() == 1).await;
    let asked = Instant::now();
    let (queue, _) = running.stopped().await;
    assert!(asked.elapsed() <= STOP_TIMEOUT);
    assert!(queue.state().waiting[0].visible_at > Instant::now(), "it may have been sent: it stays hidden");
}
