//! The life of a stack, calm or killed at one call after another.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use local_aws::{Action, Control, Fault, LocalAws, Options, When};
use serde_json::Value as Json;

use crate::account::{account, difference};
use crate::process::{Infra, LOOK, Run, Running};

/// The stack as the command line names it.
const STACK: [&str; 3] = ["stacks/notification", "-e", "dev"];
/// What is done to it, one after the other: the first version, the second, and its end.
pub(crate) const PHASES: [(&str, &[&str]); 3] = [
    ("apply", &["--set", "api_image=notification-api:1.0.0", "--set", "sender_image=email-sender:1.0.0"]),
    (
        "apply",
        &[
            "--set",
            "api_image=notification-api:1.1.0",
            "--set",
            "sender_image=email-sender:1.0.0",
            "--set",
            "min_tasks=4",
        ],
    ),
    ("destroy", &[]),
];

/// A moment at which a run is killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Boundary {
    pub(crate) phase: usize,
    /// `ec2:CreateVpc`.
    pub(crate) call: String,
    /// The first, the second, … of these calls in its phase, from 1.
    pub(crate) nth: u64,
    /// Whether the call is carried out before, rather than not at all.
    pub(crate) after: bool,
}

/// A life without kills: what each phase comes to, and all moments at which it could have been killed, in order.
pub(crate) struct Calm {
    pub(crate) accounts: Vec<Vec<String>>,
    pub(crate) boundaries: Vec<Boundary>,
}

/// What came of a life with kills.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    pub(crate) kills: usize,
    pub(crate) before: usize,
    pub(crate) after: usize,
    /// Moments that never came, because an interrupted run was taken up in another way.
    pub(crate) unreached: Vec<Boundary>,
    /// Creations that one run began and another ended.
    pub(crate) taken_up: usize,
    pub(crate) took: Duration,
}

pub(crate) struct Life {
    pub(crate) local: LocalAws,
    pub(crate) infra: Infra,
}

impl Life {
    pub(crate) async fn new() -> Self {
        let local = LocalAws::start(Options::default()).await.unwrap();
        let infra = Infra::new(&local, &STACK);
        Self { local, infra }
    }

    pub(crate) fn control(&self) -> &Control {
        self.local.control()
    }

    /// Starts what a phase does.
    pub(crate) fn start(&self, phase: usize) -> Running {
        let (command, values) = PHASES[phase];
        self.infra.start(&[command], &[values, &["--auto-approve"]].concat())
    }

    /// What a phase, which has ended, has come to; nothing is left to be done.
    pub(crate) async fn outcome(&self, phase: usize) -> Vec<String> {
        let (command, values) = PHASES[phase];
        if command == "destroy" {
            assert_eq!(self.control().inventory().await.unwrap(), [], "a destroy leaves nothing");
            let listed = self.infra.run(&["state", "list"], &[]).await.expect(0);
            assert_eq!(listed.out, "", "{listed}");
            return Vec::new();
        }
        let plan = self.infra.run(&["plan"], &[values, &["--detailed-exitcode"]].concat()).await;
        plan.expect(0).says(&["No changes."]);
        account(&self.local, &self.infra).await
    }

    /// Like `outcome`, which must be as it is without interruptions.
    pub(crate) async fn is_as(&self, phase: usize, calm: &Calm) {
        let outcome = self.outcome(phase).await;
        let differs = difference(&calm.accounts[phase], &outcome);
        assert!(differs.is_empty(), "after phase {phase}, it is not as without interruptions:\n{differs}");
    }
}

/// Lives without kills.
pub(crate) async fn calm() -> Calm {
    let life = Life::new().await;
    let (mut accounts, mut boundaries) = (Vec::new(), Vec::new());
    for phase in 0..PHASES.len() {
        life.control().clear_calls();
        life.start(phase).ended().await.expect(0);
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        for call in life.control().calls().calls.iter().filter(|call| call.changes && call.done) {
            let call = format!("{}:{}", call.service, call.operation);
            let nth = seen.entry(call.clone()).or_default();
            *nth += 1;
            boundaries.extend([false, true].map(|after| Boundary { phase, call: call.clone(), nth: *nth, after }));
        }
        accounts.push(life.outcome(phase).await);
    }
    life.local.stop().await;
    Calm { accounts, boundaries }
}

/// Lives, killed at each of `boundaries` as it comes.
pub(crate) async fn swept(calm: &Calm, boundaries: Vec<Boundary>) -> Swept {
    let began = Instant::now();
    let life = Life::new().await;
    let mut swept = Swept::default();
    for phase in 0..PHASES.len() {
        let mut left: Vec<Boundary> = boundaries.iter().filter(|one| one.phase == phase).cloned().collect();
        let mut done: BTreeMap<String, u64> = BTreeMap::new();
        life.control().clear_calls();
        while let Some(killed) = killed_once(&life, phase, &mut left, &mut done, &mut swept).await {
            swept.kills += 1;
            assert!(killed.code.is_none(), "{killed}");
        }
        swept.unreached.append(&mut left);
        life.is_as(phase, calm).await;
    }
    swept.taken_up = taken_up(&life.infra);
    swept.took = began.elapsed();
    life.local.stop().await;
    swept
}

/// Runs until the next of the boundaries and kills there; none if the run came to its end, which must be good.
async fn killed_once(
    life: &Life,
    phase: usize,
    left: &mut Vec<Boundary>,
    done: &mut BTreeMap<String, u64>,
    swept: &mut Swept,
) -> Option<Run> {
    let control = life.control();
    let mut armed = Vec::new();
    for (at, boundary) in left.iter().enumerate() {
        let so_far = done.get(&boundary.call).copied().unwrap_or(0);
        // Of two that ask for the same call, the one before it comes first.
        if boundary.nth <= so_far || armed.iter().any(|(_, other)| same_call(&left[*other], boundary)) {
            continue;
        }
        let (service, operation) = boundary.call.split_once(':').unwrap();
        let action = if boundary.after { Action::HoldAfter } else { Action::HoldBefore };
        let when = When::Nth(boundary.nth - so_far);
        let fault = Fault { service: service.into(), operation: operation.into(), when, times: None, action };
        armed.push((control.add_fault(fault), at));
    }
    let mut running = life.start(phase);
    running.until(|running| control.holds() || running.has_ended(), "a call is held, or it ends").await;
    let killed = if control.holds() {
        Some(running.kill())
    } else {
        running.ended().await.expect(0);
        None
    };
    // What was under way at its death is carried out to its end, as on AWS.
    while control.calls().calls.iter().any(|call| call.changes && call.status.is_none() && !call.held) {
        tokio::time::sleep(LOOK).await;
    }
    let faults = control.faults();
    let mut hit: Vec<usize> = Vec::new();
    for (id, at) in armed {
        if faults.iter().any(|fault| fault.id == id && fault.applied > 0) {
            hit.push(at);
        }
    }
    for at in hit.into_iter().rev() {
        let boundary = left.remove(at);
        *(if boundary.after { &mut swept.after } else { &mut swept.before }) += 1;
    }
    control.clear_faults();
    for call in control.calls().calls.iter().filter(|call| call.changes && call.done) {
        *done.entry(format!("{}:{}", call.service, call.operation)).or_default() += 1;
    }
    control.clear_calls();
    killed
}

fn same_call(one: &Boundary, other: &Boundary) -> bool {
    one.call == other.call && one.nth == other.nth
}

/// How many creations one run began and another ended, as the log tells.
fn taken_up(infra: &Infra) -> usize {
    let mut begun: BTreeMap<String, String> = BTreeMap::new();
    let mut taken_up = 0;
    let mut files = files(infra);
    files.sort();
    for file in files {
        let batch: Json = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let session = batch["session"].as_str().unwrap();
        for entry in batch["entries"].as_array().unwrap() {
            if let Some(op) = entry["begin"]["op"].as_str() {
                begun.insert(op.to_owned(), session.to_owned());
            }
            if let Some(op) = entry["made"]["op"].as_str() {
                taken_up += usize::from(begun.get(op).is_some_and(|began| began != session));
            }
        }
    }
    taken_up
}

/// The files of the stack's log.
fn files(infra: &Infra) -> Vec<std::path::PathBuf> {
    let log = infra.state.path().join("notification/dev/log");
    let files = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path());
    // What a kill left unfinished has another name.
    files.filter(|file| file.extension().is_some_and(|extension| extension == "json")).collect()
}
