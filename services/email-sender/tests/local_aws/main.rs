//! The real program over the SQS and SES of the local AWS: every notification is a mail, once.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod stage;

use std::process::Command;
use std::time::Duration;

use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use local_aws::{Action, When};
use serde_json::json;
use tokio::time::sleep;

use crate::stage::{Stage, attribute};

#[tokio::test(flavor = "multi_thread")]
async fn every_notification_is_one_mail_across_failures_and_poison_is_set_aside() {
    let stage = Stage::set("").await;
    stage.fault("ses", "SendEmail", When::Nth(5), Some(5), Action::Throttle);
    stage.fault("ses", "SendEmail", When::Nth(20), Some(5), Action::Status(500));
    // The first are deleted, and the program is not told.
    stage.fault("sqs", "DeleteMessageBatch", When::Always, Some(2), Action::DropAfter);
    stage.fault("sqs", "ReceiveMessage", When::Nth(3), Some(2), Action::Status(500));
    stage.put("poison", "p").await;
    for number in 0..60 {
        stage.notify(&format!("plain {number}"), None, None).await;
    }
    for number in 0..6 {
        stage.notify(&format!("copy {}", number % 2), Some(&format!("key {}", number % 2)), None).await;
    }
    stage.notify("hello", None, Some(json!({"name": "Ada"}))).await;

    let program = stage.program(&[]);
    program.is_ready().await;
    let mut health = Command::new(env!("CARGO_BIN_EXE_email-sender"));
    assert!(health.arg("health").env("PORT", program.port.to_string()).status().unwrap().success());
    stage.until_mails(63).await;
    stage.until_empty().await;
    let faults = stage.aws.control().faults();
    assert!(
        faults.iter().all(|fault| Some(fault.applied) == fault.fault.times),
        "all went wrong that should: {faults:?}"
    );
    assert_eq!(program.end().await, Some(0));
    assert!(!health.status().unwrap().success());

    let mails = stage.mails().await;
    assert_eq!(mails.len(), 63, "{mails:?}");
    assert!(mails.values().all(|times| *times == 1), "{mails:?}");
    assert!(mails.contains_key("Ada: hello"), "{mails:?}");
    let dead = stage.dead_letters().await;
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].body(), attribute(&dead[0], "Trace")), (Some("poison"), "t1"));
    assert_eq!(attribute(&dead[0], "ErrorCode"), "InvalidNotification");
    assert!(attribute(&dead[0], "ErrorMessage").contains("not JSON"));
    assert!(attribute(&dead[0], "FailedAt").ends_with('Z'));
    assert_eq!(attribute(&dead[0], "SourceMessageId").len(), 36);
    stage.aws.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_in_the_midst_of_work_loses_nothing_and_sends_nothing_twice() {
    let stage = Stage::set("").await;
    stage.fault("ses", "SendEmail", When::Always, None, Action::Latency { ms: 300, jitter_ms: 200 });
    for number in 0..120 {
        stage.notify(&format!("m{number}"), None, None).await;
    }
    let mut sent = 0;
    for _ in 0..2 {
        let program = stage.program(&[]);
        stage.until_mails(sent + 10).await;
        assert_eq!(program.end().await, Some(0));
        let (waiting, hidden) = stage.left().await;
        sent = stage.mails().await.len();
        assert_eq!(hidden, 0, "what was not sent is given back");
        assert_eq!(waiting as usize, 120 - sent, "what was sent is deleted");
        assert!(waiting > 0, "it ended in the midst of work");
    }
    let last = [stage.program(&[]), stage.program(&[])];
    stage.until_empty().await;
    for program in last {
        assert_eq!(program.end().await, Some(0));
    }
    let mails = stage.mails().await;
    assert_eq!(mails.len(), 120);
    assert!(mails.values().all(|times| *times == 1), "{mails:?}");
    stage.aws.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifo_queue_is_worked_and_its_poison_set_aside_in_its_group() {
    let stage = Stage::set(".fifo").await;
    for number in 0..20 {
        stage.notify(&format!("m{number}"), None, None).await;
        stage.notify(&format!("m{number}"), None, None).await;
    }
    stage.put("poison", "bad").await;
    let programs = [stage.program(&[]), stage.program(&[])];
    stage.until_empty().await;
    for program in programs {
        assert_eq!(program.end().await, Some(0));
    }
    let mails = stage.mails().await;
    assert_eq!(mails.len(), 20);
    assert!(mails.values().all(|times| *times == 1), "{mails:?}");
    let dead = stage.dead_letters().await;
    assert_eq!(dead.len(), 1);
    let group = dead[0].attributes().and_then(|told| told.get(&MessageSystemAttributeName::MessageGroupId));
    assert_eq!(group.map(String::as_str), Some("bad"));
    stage.aws.stop().await;
}

#[test]
fn a_bad_environment_is_refused_whole_with_64() {
    let output = Command::new(env!("CARGO_BIN_EXE_email-sender"))
        .env_clear()
        .envs([("PORT", "none"), ("QUEUE_URL", "messages"), ("SENDER_ADDRESS", "grüße@example.org")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    let said = String::from_utf8(output.stderr).unwrap();
    for name in ["PORT", "AWS_REGION", "QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "SENDER_ADDRESS"] {
        assert!(said.contains(&format!("\n  {name} ")), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_visibility_timeout_makes_no_duplicate() {
    let stage = Stage::set("").await;
    stage.fault("ses", "SendEmail", When::Always, None, Action::Latency { ms: 4000, jitter_ms: 0 });
    let programs = [stage.program(&[]), stage.program(&[])];
    for program in &programs {
        program.is_ready().await;
    }
    let changed = stage.sqs.set_queue_attributes().queue_url(&stage.queue);
    changed.attributes(QueueAttributeName::VisibilityTimeout, "1").send().await.unwrap();
    // A receive that is under way began before.
    sleep(Duration::from_secs(2)).await;
    for number in 0..4 {
        stage.notify(&format!("m{number}"), None, None).await;
    }
    stage.until_mails(4).await;
    stage.until_empty().await;
    for program in programs {
        assert_eq!(program.end().await, Some(0));
    }
    let mails = stage.mails().await;
    assert!(mails.values().all(|times| *times == 1), "{mails:?}");
    stage.aws.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_does_not_exist_yet_may_be_made() {
    let stage = Stage::set("").await;
    let program = stage.program(&[("TEMPLATE_NAME", "later")]);
    stage.notify("hello", None, Some(json!({"name": "Ada"}))).await;
    stage.notify("plain", None, None).await;
    stage.until_mails(1).await;
    while stage.aws.control().calls().counts["ses:SendEmail"] < 2 {
        sleep(Duration::from_millis(50)).await;
    }
    stage.template("later").await;
    stage.until_mails(2).await;
    stage.until_empty().await;
    assert_eq!(program.end().await, Some(0));
    assert!(stage.dead_letters().await.is_empty());
    stage.aws.stop().await;
}
