//! Rough weather: AWS throttles, fails, loses answers, is slow or late to show what was made; every apply and destroy ends well
//! all the same, and without many more calls than in calm weather.
//!
//! `cargo test --workspace --test weather -- --nocapture` prints the table of `docs/reliability.md`.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod credentials;
mod in_use;
#[path = "../process/mod.rs"]
#[allow(dead_code, reason = "others need more of it")]
mod process;
mod unseen;

use std::io::Write as _;
use std::time::Duration;

use local_aws::{Action, Fault, LocalAws, Options, Settings, When};
use process::Infra;

const STACK: &[&str] = &["tests/weather/stack.yaml"];
const APPROVED: &[&str] = &["--auto-approve"];
/// Of how many times the calls of a calm run a run may need, those that were refused apart.
const MOST: u64 = 2;

/// One kind of weather.
struct Weather {
    name: &'static str,
    faults: Vec<Fault>,
    /// How many calls change something before it comes.
    comes_after: u64,
    /// After how long the faults pass; none where they stay.
    lasts: Option<Duration>,
    /// For how long new ids are not visible.
    hidden: Duration,
}

fn fault(service: &str, operation: &str, when: When, action: Action) -> Fault {
    Fault { service: service.into(), operation: operation.into(), when, times: None, action }
}

fn always(action: Action) -> Vec<Fault> {
    vec![fault("*", "*", When::Always, action)]
}

fn at_random(probability: f64, action: Action) -> Vec<Fault> {
    vec![fault("*", "*", When::Chance { probability, seed: 7 }, action)]
}

fn refused(service: &str, operation: &str, code: &str, message: &str) -> Fault {
    let action = Action::Error { code: code.into(), message: message.into(), status: 400 };
    fault(service, operation, When::Always, action)
}

fn weathers() -> Vec<Weather> {
    let weather = |name, faults| Weather { name, faults, comes_after: 0, lasts: None, hidden: Duration::ZERO };
    let unassumable = vec![
        refused("ecs", "CreateService", "InvalidParameterException", "Unable to assume the role of the task"),
        refused("ec2", "CreateFlowLogs", "InvalidParameter", "The role is not valid: it cannot be assumed"),
    ];
    vec![
        weather("calm", Vec::new()),
        Weather {
            comes_after: 4,
            lasts: Some(Duration::from_secs(30)),
            ..weather("everything throttled for 30 s", always(Action::Throttle))
        },
        weather("10 % of calls fail with 500", at_random(0.10, Action::Status(500))),
        weather("5 % of answers lost", at_random(0.05, Action::DropAfter)),
        weather("300 to 400 ms latency", always(Action::Latency { ms: 300, jitter_ms: 100 })),
        Weather { hidden: Duration::from_secs(5), ..weather("new ids hidden for 5 s", Vec::new()) },
        Weather { lasts: Some(Duration::from_secs(15)), ..weather("roles not assumable for 15 s", unassumable) },
    ]
}

/// What a command needed.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// Calls that AWS took.
    calls: u64,
    /// Calls that went wrong by the weather.
    wrong: u64,
    took: Duration,
}

#[tokio::test(flavor = "multi_thread")]
async fn in_any_weather_a_run_ends_well_with_few_more_calls() {
    let (mut calm, mut too_many) = (Vec::new(), Vec::new());
    let runs =
        weathers().into_iter().map(|weather| tokio::spawn(async move { (weather.name, lived_in(weather).await) }));
    tell("| weather | command | calls | of calm | gone wrong | time |");
    for run in runs.collect::<Vec<_>>() {
        let Ok((name, costs)) = run.await else {
            too_many.push("a run failed, as told above".to_owned());
            continue;
        };
        for (at, (command, cost)) in costs.iter().enumerate() {
            let Cost { calls, wrong, took } = cost;
            let alone = if name == "calm" { *calls } else { calm[at] };
            tell(&format!(
                "| {name} | {command} | {calls} | {:.2} | {wrong} | {:.0} s |",
                *calls as f64 / alone as f64,
                took.as_secs_f64(),
            ));
            if *calls > MOST * alone {
                too_many.push(format!("{command} when {name}: {calls} calls, {alone} in calm weather"));
            }
        }
        if name == "calm" {
            calm = costs.iter().map(|(_, cost)| cost.calls).collect();
        }
    }
    assert_eq!(too_many, Vec::<String>::new());
}

/// Applies, plans and destroys in such weather.
async fn lived_in(weather: Weather) -> Vec<(&'static str, Cost)> {
    let local = LocalAws::start(Options::default()).await.unwrap();
    let infra = Infra::new(&local, STACK);
    let mut costs = Vec::new();
    for command in ["apply", "destroy"] {
        let control = local.control();
        control.clear_calls();
        let hidden_ms = weather.hidden.as_millis().try_into().unwrap();
        control.set(Settings { hidden_ms: Some(hidden_ms), ..Settings::default() });
        let mut running = infra.start(&[command], APPROVED);
        running.until(|_| control.calls().changing >= weather.comes_after, "the weather comes").await;
        let faults: Vec<_> = weather.faults.iter().map(|fault| control.add_fault(fault.clone())).collect();
        if let Some(lasts) = weather.lasts {
            let refusing = |_: &mut _| control.faults().iter().any(|fault| fault.applied > 0);
            running.until(|running| refusing(running) || running.has_ended(), "the weather is felt").await;
            if !running.has_ended() {
                tokio::time::sleep(lasts).await;
            }
            for fault in faults {
                control.remove_fault(fault);
            }
        }
        let run = running.ended().await.expect(0);
        control.clear_faults();
        control.set(Settings { hidden_ms: Some(0), ..Settings::default() });
        let calls = control.calls();
        // Of those that are only slow, nothing went wrong.
        let wrong = calls.calls.iter().filter(|call| call.fault && call.status.is_none_or(|status| status >= 400));
        let wrong = wrong.count() as u64;
        costs.push((command, Cost { calls: calls.total - wrong, wrong, took: run.took }));
        if command == "apply" {
            infra.run(&["plan"], &["--detailed-exitcode"]).await.expect(0).says(&["No changes."]);
        }
    }
    assert_eq!(local.control().inventory().await.unwrap(), [], "{}: a destroy leaves nothing", weather.name);
    local.stop().await;
    costs
}

/// Tells a figure, past the test harness.
fn tell(line: &str) {
    let _nobody_reads = writeln!(std::io::stderr(), "{line}");
}
