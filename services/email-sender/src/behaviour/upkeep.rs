//! What keeps a message to one worker, one mail and one place: holds, keys and deletes.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{CONCURRENCY, QUICK, of, start};
use crate::fake::{FakeQueue, MAX_RECEIVES, VISIBILITY_TIMEOUT};
use crate::mailer::FaultKind;

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
async fn a_change_of_the_visibility_timeout_makes_no_duplicate() {
    for changed in [Duration::from_secs(3), VISIBILITY_TIMEOUT * 20] {
        let running = start(of([1]), |_, _| (VISIBILITY_TIMEOUT * 4, Ok(()))).await;
        running.until(|running| running.mailer.under_way() == 1).await;
        running.queue.state().facts.visibility_timeout = changed;
        running.until(|running| running.mailer.sent().len() == 1).await;
        assert_eq!(running.queue.receive_count("m1"), Some(1), "{changed:?}");
        running.drained().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_queues_attributes_are_followed() {
    let running = start(FakeQueue::default(), |_, _| (QUICK, Err(FaultKind::Transient))).await;
    running.queue.state().facts.max_receives = Some(MAX_RECEIVES + 2);
    sleep(Duration::from_secs(61)).await;
    running.queue.notify("m1", None);
    running.drained().await;
    assert_eq!(running.stopped().await.1.tries("m1"), MAX_RECEIVES + 2);
}

#[tokio::test(start_paused = true)]
async fn entries_that_a_delete_refuses_are_deleted_before_they_come_back() {
    let running = start(of(0..10), |_, _| (QUICK, Ok(()))).await;
    running.queue.state().refused_deletes = 15;
    let started = Instant::now();
    running.drained().await;
    assert!(started.elapsed() < VISIBILITY_TIMEOUT, "{:?}", started.elapsed());
    assert_eq!(running.stopped().await.1.sent().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn slow_deletes_are_made_side_by_side() {
    let running = start(of(0..200), |_, _| (QUICK, Ok(()))).await;
    running.queue.state().delete_takes = Duration::from_secs(5);
    running.drained().await;
    let (queue, mailer) = running.stopped().await;
    assert_eq!((queue.state().most_deletes_under_way, mailer.sent().len()), (8, 200));
}
