//! Random stacks, random changes, random failures: whatever happens, the next run that nothing disturbs ends clean.

use std::fmt::Write;
use std::time::Duration;

use infra::apply::{Interrupt, Outcome};
use infra::cloud::ErrorKind;
use infra::cloud::fake::{Effect, Fault, Verb};
use tokio::sync::watch;
use tokio::time::timeout;

use super::support::{User, report_text};

/// A small generator of numbers (xorshift): the same seed, the same story.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

#[derive(Clone, Debug)]
enum Kind {
    Queue,
    Role,
    Service,
}

#[derive(Clone, Debug)]
struct Resource {
    number: usize,
    /// Its first number.
    label: usize,
    kind: Kind,
    /// Changes in place.
    value: usize,
    /// Replaces.
    fixed: usize,
    /// Numbers of others, referred to where it can change in place.
    uses: Vec<usize>,
    /// One referred to where it can't.
    fixed_use: Option<usize>,
    /// Whether it has a name of its own, so that it can't stand beside its successor. Nothing refers to it then.
    named: bool,
}

#[derive(Clone, Debug, Default)]
struct Model {
    resources: Vec<Resource>,
    made: usize,
    moved: Vec<(usize, usize)>,
}

impl Model {
    fn add(&mut self, random: &mut Random) {
        let others: Vec<usize> = self.resources.iter().filter(|other| !other.named).map(|other| other.number).collect();
        let pick = |random: &mut Random| (!others.is_empty()).then(|| others[random.below(others.len())]);
        let uses = (0..random.below(3)).filter_map(|_| pick(random)).collect();
        let fixed_use = if random.chance(40) { pick(random) } else { None };
        let kind = [Kind::Queue, Kind::Role, Kind::Service][random.below(3)].clone();
        let named = random.chance(25);
        self.made += 1;
        let (value, fixed) = (random.below(4), random.below(2));
        self.resources.push(Resource {
            number: self.made,
            label: self.made,
            kind,
            value,
            fixed,
            uses,
            fixed_use,
            named,
        });
    }

    fn change(&mut self, random: &mut Random) {
        self.moved.clear();
        for _ in 0..=random.below(4) {
            if self.resources.is_empty() || random.chance(20) {
                self.add(random);
                continue;
            }
            let at = random.below(self.resources.len());
            let number = self.resources[at].number;
            match random.below(5) {
                0 => {
                    self.resources.remove(at);
                    for other in &mut self.resources {
                        other.uses.retain(|used| *used != number);
                        other.fixed_use = other.fixed_use.filter(|used| *used != number);
                    }
                }
                1 => self.resources[at].value += 1,
                2 => self.resources[at].fixed = 1 - self.resources[at].fixed,
                3 => self.resources[at].uses.truncate(random.below(2)),
                _ => self.rename(at),
            }
        }
    }

    fn rename(&mut self, at: usize) {
        let from = self.resources[at].number;
        self.made += 1;
        let to = self.made;
        self.resources[at].number = to;
        for other in &mut self.resources {
            other.uses.iter_mut().filter(|used| **used == from).for_each(|used| *used = to);
            other.fixed_use = other.fixed_use.map(|used| if used == from { to } else { used });
        }
        match self.moved.iter_mut().find(|(_, target)| *target == from) {
            Some((_, target)) => *target = to,
            None => self.moved.push((from, to)),
        }
    }

    fn text(&self) -> String {
        let mut text = String::from("tags: { app: random }\nresources:\n");
        if self.resources.is_empty() {
            return "resources: {}\n".to_owned();
        }
        for resource in &self.resources {
            let Resource { number, value, fixed, .. } = resource;
            let arn = |used: &usize| {
                let kind = self.resources.iter().find(|other| other.number == *used).map(|other| &other.kind);
                let output = if matches!(kind, Some(Kind::Service)) { "ServiceArn" } else { "Arn" };
                format!("\"${{R{used}.{output}}}\"")
            };
            let uses = resource.uses.iter().map(arn).collect::<Vec<_>>().join(", ");
            let fixed_use = resource.fixed_use.as_ref().map(arn);
            let (type_name, name, properties) = match resource.kind {
                Kind::Queue => {
                    let fixed = format!("FifoQueue: {}", *fixed == 1);
                    (
                        "Queue",
                        "QueueName",
                        format!("DelaySeconds: {value}, {fixed}, RedrivePolicy: {{ uses: [{uses}] }}"),
                    )
                }
                Kind::Role => {
                    let arn = fixed_use.unwrap_or_else(|| format!("fixed-{fixed}"));
                    let policy = format!("{{ Statement: [{{ Effect: Allow, Resource: [{uses}] }}] }}");
                    let boundary = format!("{{ Arn: {arn}, Mode: strict }}");
                    let properties =
                        format!("Description: d{value}, AssumeRolePolicyDocument: {policy}, Boundary: {boundary}");
                    ("Role", "RoleName", properties)
                }
                Kind::Service => {
                    let cluster = fixed_use.unwrap_or_else(|| format!("fixed-{fixed}"));
                    let container = format!("{{ Name: a, Image: x, Command: [{uses}] }}");
                    let properties = format!("DesiredCount: {value}, Cluster: {cluster}, Containers: [{container}]");
                    ("Service", "ServiceName", properties)
                }
            };
            let name = if resource.named { format!("{name}: named-{}, ", resource.label) } else { String::new() };
            writeln!(text, "  R{number}: {{ type: Test::App::{type_name}, properties: {{ {name}{properties} }} }}")
                .unwrap();
        }
        let moved = self.moved.iter().filter(|(_, to)| self.resources.iter().any(|resource| resource.number == *to));
        let moved: Vec<String> = moved.map(|(from, to)| format!("{{ from: R{from}, to: R{to} }}")).collect();
        writeln!(text, "moved: [{}]", moved.join(", ")).unwrap();
        text
    }
}

/// Something that goes wrong in a run.
fn disturb(user: &User, random: &mut Random) {
    let nth = 1 + random.below(12);
    match random.below(7) {
        0 => user.cloud.inject(Fault::fail(Verb::Create, ErrorKind::Quota).nth(1 + random.below(3))),
        1 => user.cloud.inject(Fault::fail(Verb::Settle, ErrorKind::Unsettled)),
        2 => user.cloud.inject(Fault::fail(Verb::Delete, ErrorKind::Unavailable)),
        3 => {
            let verb = [Verb::Create, Verb::Update, Verb::Delete][random.below(3)];
            user.cloud.inject(Fault::new(Effect::LoseAnswer).on(verb).times(3));
        }
        4 => user.cloud.inject(Fault::fail(Verb::Update, ErrorKind::Denied)),
        5 => user.cloud.inject(Fault::do_and_fail(Verb::Create, ErrorKind::Unavailable).nth(1 + random.below(3))),
        _ => {
            user.cloud.inject(Fault::new(Effect::DoAndHang).nth(nth));
            user.cloud.inject(Fault::new(Effect::Hang).nth(nth).always());
        }
    }
}

/// What somebody does behind our back.
fn meddle(user: &User, random: &mut Random) {
    let ids = user.cloud.ids();
    if ids.is_empty() {
        return;
    }
    let id = &ids[random.below(ids.len())];
    if random.chance(50) {
        user.cloud.tag(id, "by", "hand");
    } else {
        user.cloud.remove(id);
    }
}

async fn story(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut user = User::new();
    let mut model = Model::default();
    for step in 0..6 {
        model.change(&mut random);
        let text = model.text();
        if random.chance(30) {
            meddle(&user, &mut random);
        }
        if random.chance(70) {
            disturb(&user, &mut random);
            let (_asking, interrupt) = watch::channel(Interrupt::None);
            let run = timeout(Duration::from_secs(300), user.try_apply(&text, interrupt)).await;
            if let Ok(report) = run {
                report.unwrap();
            }
            user.cloud.clear_faults();
        }
        let report = user.apply(&text).await;
        let told = report_text(&report);
        assert_eq!(report.outcome, Outcome::Done, "seed {seed}, step {step}:\n{told}\n{text}");
        user.assert_settled(&text).await;
        let state = user.state(&text).await;
        assert_eq!(state.resources.len(), model.resources.len(), "seed {seed}, step {step}");
        assert_eq!(user.cloud.len(), model.resources.len(), "seed {seed}, step {step}: {:?}\n{text}", user.cloud);
        model.moved.clear();
    }
    let report = user.destroy(&model.text()).await;
    assert_eq!(report.outcome, Outcome::Done, "seed {seed}:\n{}", report_text(&report));
    assert!(user.cloud.is_empty(), "seed {seed}: {:?}", user.cloud);
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_the_next_run_ends_clean() {
    for seed in 1..=24 {
        story(seed).await;
    }
}
