//! The end.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{CONCURRENCY, LONG, QUICK, STOP_TIMEOUT, of, start};
use crate::fake::FakeQueue;
use crate::mailer::FaultKind;

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
async fn at_the_end_deletes_have_the_whole_budget() {
    let running = start(of(0..30), |_, _| (QUICK, Ok(()))).await;
    running.queue.state().deletes_fail_until = Some(Instant::now() + LONG);
    running.until(|running| running.mailer.sent().len() == 30).await;
    let asked = Instant::now();
    running.queue.state().deletes_fail_until = Some(asked + Duration::from_secs(50));
    let (queue, mailer) = running.stopped().await;
    assert!(asked.elapsed() > Duration::from_secs(50) && asked.elapsed() < STOP_TIMEOUT);
    assert!(queue.state().waiting.is_empty(), "deleted at the last");
    assert_eq!(mailer.sent().len(), 30);
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
