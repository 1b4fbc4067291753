use infra::address::Address;
use std::time::Duration;

use infra::apply::{Event, Interrupt, Outcome, Stopped};
use infra::catalog::TypeInfo;
use infra::cloud::fake::catalog::catalog;
use infra::cloud::fake::{Effect, FakeCloud, Fault, Verb};
use infra::cloud::{Cloud, Op};
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

#[tokio::test(start_paused = true)]
async fn what_is_being_deleted_since_an_interrupt_and_is_wanted_again_is_made_anew_once_it_is_gone() {
    let stack = "resources: { Queue: { type: Test::App::Queue, properties: { QueueName: orders } } }";
    let times = |verb: Verb, _: &TypeInfo| if verb == Verb::Delete { Duration::from_secs(90) } else { Duration::ZERO };
    let mut user = User::of(FakeCloud::builder(catalog()).times(times).build());
    user.applied(stack).await;
    let first = user.id("Queue");
    user.options.destroy = true;
    let (cloud, going) = (user.cloud.clone(), first.clone());
    // What the cloud was asked for it does, whatever becomes of who asked.
    user.cloud.inject(Fault::new(Effect::Hang).on(Verb::Delete));
    let (asking, interrupt) = watch::channel(Interrupt::None);
    let ask = async {
        sleep(Duration::from_secs(1)).await;
        tokio::spawn(async move {
            let kind = catalog().get("Test::App::Queue").cloned().unwrap();
            let op = Op::new("op".into(), "Queue".into(), "shop".into(), "default".into());
            cloud.delete(&kind, &op, &going).await.unwrap();
        });
        asking.send_replace(Interrupt::Stop);
        std::future::pending::<()>().await;
    };
    let report = tokio::select! {
        report = user.try_apply(stack, interrupt) => report.unwrap(),
        () = ask => unreachable!(),
    };
    assert_eq!(report.outcome, Outcome::Interrupted);
    user.options.destroy = false;
    user.applied(stack).await;
    assert_ne!(user.id("Queue"), first);
    assert_eq!(user.cloud.len(), 1);
}
