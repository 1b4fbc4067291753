//! Mails that are not taken.

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use tokio::time::Instant;
use tracing::subscriber::set_global_default;

use super::{QUICK, of, start};
use crate::fake::{FakeQueue, MAX_RECEIVES};
use crate::mailer::FaultKind;

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
async fn a_mail_that_alone_is_denied_stops_nobody_for_long_and_is_set_aside() {
    let started = Instant::now();
    let running = start(of(0..200), |text, _| match text {
        "m1" => (QUICK, Err(FaultKind::Denied)),
        _ => (QUICK, Ok(())),
    })
    .await;
    running.until(|running| running.mailer.sent().len() == 199).await;
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    running.drained().await;
    let (queue, _) = running.stopped().await;
    let state = queue.state();
    assert_eq!((state.dead.len(), state.dead[0].1.as_str()), (1, "Denied"));
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_one_mail_alone_is_denied_waits_for_half_a_minute_at_most() {
    let running = start(of([1]), |text, _| match text {
        "m1" => (QUICK, Err(FaultKind::Denied)),
        _ => (QUICK, Ok(())),
    })
    .await;
    running.until(|running| running.mailer.tries("m1") == 8).await;
    running.queue.notify("m2", None);
    let came = Instant::now();
    running.until(|running| running.mailer.sent() == ["m2"]).await;
    assert!(came.elapsed() <= Duration::from_secs(31), "{:?}", came.elapsed());
    running.drained().await;
    assert_eq!(running.stopped().await.0.state().dead.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn while_all_are_denied_none_is_set_aside() {
    let until = Instant::now() + Duration::from_secs(300);
    let denied = move || if Instant::now() < until { Err(FaultKind::Denied) } else { Ok(()) };
    let running = start(of(0..30), move |_, _| (QUICK, denied())).await;
    running.drained().await;
    let (queue, mailer) = running.stopped().await;
    assert_eq!((mailer.sent().len(), queue.state().dead.len()), (30, 0));
}

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes to the log of the thread, which is that of one test.
struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_logged_when_it_begins_and_when_it_ends() {
    set_global_default(tracing_subscriber::fmt().json().flatten_event(true).with_writer(|| Log).finish()).unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    let blocked = move || if Instant::now() < until { Err(FaultKind::Blocked) } else { Ok(()) };
    let running = start(of(0..30), move |_, _| (QUICK, blocked())).await;
    running.drained().await;
    running.stopped().await;
    let text = LOG.with_borrow(|log| String::from_utf8(log.clone()).unwrap());
    for line in [r#""message":"nothing can be sent: "#, r#""message":"mail is taken again: "#, r#""reason":"it was"#] {
        assert_eq!(text.matches(line).count(), 1, "{line}: {text}");
    }
}
