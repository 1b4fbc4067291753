use infra::address::Address;
use std::time::Duration;

use infra::apply::{Event, Interrupt, Outcome, Stopped};
use infra::cloud::fake::Verb;
use infra::plan::Options;
use infra::state::LogKey;
use tokio::sync::watch;
use tokio::time::sleep;

use super::support::User;

const STACK: &str = r#"
resources:
  Alb: { type: Test::Net::LoadBalancer, properties: { Subnets: [] } }
  Service: { type: Test::App::Service, properties: { Containers: [{ Name: a, Image: "${Alb.DNSName}" }] } }
"#;

/// Applies, and asks for `interrupt` while the load balancer is awaited.
async fn interrupted(user: &User, asked: &[Interrupt]) -> infra::apply::Report {
    let (asking, interrupt) = watch::channel(Interrupt::None);
    let ask = async {
        for interrupt in asked {
            sleep(Duration::from_secs(30)).await;
            asking.send_replace(*interrupt);
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        report = user.try_apply(STACK, interrupt) => report.unwrap(),
        () = ask => unreachable!(),
    }
}

#[tokio::test(start_paused = true)]
async fn one_interrupt_lets_what_is_under_way_finish_and_starts_nothing_new() {
    let user = User::in_slow_cloud();
    let report = interrupted(&user, &[Interrupt::Drain]).await;
    assert_eq!(report.outcome, Outcome::Interrupted);
    assert_eq!(report.done, [("Alb".into(), infra::apply::Activity::Create)]);
    assert_eq!(report.skipped, [("Service".into(), None)]);
    let draining = user.events().into_iter().find_map(|event| match event {
        Event::Draining { under_way } => Some(under_way),
        _ => None,
    });
    assert_eq!(draining.unwrap(), ["Alb".into()]);
    assert!(user.state(STACK).await.resources[&Address::from("Alb")].settled);
    assert_eq!(user.plan(STACK).await, "+ Service\n");
    user.applied(STACK).await;
}

#[tokio::test(start_paused = true)]
async fn two_interrupts_stop_at_once_and_the_next_run_goes_on_from_there() {
    let user = User::in_slow_cloud();
    let began = tokio::time::Instant::now();
    let report = interrupted(&user, &[Interrupt::Drain, Interrupt::Stop]).await;
    assert_eq!(report.outcome, Outcome::Interrupted);
    assert!(began.elapsed() < Duration::from_secs(90), "it did not wait for the load balancer");
    let alb = user.id("Alb");
    assert!(!user.state(STACK).await.resources[&Address::from("Alb")].settled);
    assert!(user.plan(STACK).await.starts_with("! Alb (an earlier run did not see it ready)\n+ Service"));
    let beside = Options { at_work: true, ..Options::default() };
    let (graph, state) = (user.graph(STACK).await.unwrap(), user.state(STACK).await);
    let planned = user.driver().plan(graph, state, &beside).await.unwrap();
    assert_eq!(planned.plan.steps[0].reason.as_deref(), Some("a run under way has yet to see it ready"));
    user.applied(STACK).await;
    assert_eq!(user.id("Alb"), alb);
}

#[tokio::test(start_paused = true)]
async fn whoever_lost_the_log_sends_nothing_more() {
    let user = User::in_slow_cloud();
    let thief = async {
        sleep(Duration::from_secs(30)).await;
        // What a process sees that comes back from a long sleep: the next numbers are taken.
        let log = LogKey::new("shop", "default");
        let last = user.store.read(&log, 1).await.unwrap().last().map(|(serial, _)| *serial).unwrap();
        user.store.append(&log, last + 1, b"{}".to_vec()).await.unwrap();
        std::future::pending::<()>().await;
    };
    let (_asking, interrupt) = watch::channel(Interrupt::None);
    let stopped = tokio::select! {
        stopped = user.try_apply(STACK, interrupt) => stopped.unwrap_err(),
        () = thief => unreachable!(),
    };
    assert!(matches!(stopped, Stopped::Journal { .. }));
    sleep(Duration::from_secs(600)).await;
    assert_eq!(user.cloud.count(Verb::Create), 1, "the service is not made");
}
