//! One seed's story: disturbed runs, and after each of them one more, which must end in the wished state.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use infra::apply::{Event, Interrupt, Outcome, Report, Stopped};
use infra::catalog::TypeInfo;
use infra::cloud::fake::catalog::catalog;
use infra::cloud::fake::{FakeCloud, Verb};
use infra::cloud::{Cloud, Live};
use infra::driver::Driver;
use infra::plan;
use infra::stack::{self, Checked};
use infra::state::{Holder, OpenOptions};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::disk::Disk;
use crate::faults::Fault;
use crate::model::{Model, Part};
use crate::oracle::{Ids, Oracle};
use crate::process::Process;
use crate::region::Region;
use crate::scenario::{Attempt, ByHand, Scenario};
use crate::tally::Tally;
use crate::wire::Wire;
use crate::wish::Wish;

/// Nothing takes longer than this, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(4 * 3600);

/// How a run ended.
enum Ended {
    Reported(Box<Report>),
    /// Before anything was changed, or because the log was lost.
    Stopped(String),
    Died,
}

/// A user with a stack, who does not give up.
pub(crate) struct Story<'a> {
    folder: &'a Path,
    holder: Holder,
    region: Arc<Region>,
    jitter: u64,
    processes: usize,
    foreign: Vec<Live>,
    model: Model,
    ids: Ids,
}

/// Plays a scenario; `folder` holds the stack's files. Tells what was counted, and what went wrong.
pub(crate) fn play(scenario: &Scenario, folder: &Path, holder: &Holder) -> (Tally, Result<(), String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return (Tally::default(), Err(error.to_string())),
    };
    runtime.block_on(async {
        let mut story = Story::new(scenario, folder, holder.clone());
        let result = story.play(scenario).await;
        let mut tally = story.region.tally().clone();
        tally.seeds = 1;
        (tally, result)
    })
}

impl<'a> Story<'a> {
    fn new(scenario: &Scenario, folder: &'a Path, holder: Holder) -> Self {
        let slow = Duration::from_secs(scenario.world.slow.into());
        let times = move |verb: Verb, kind: &TypeInfo| match (verb, kind.name) {
            (Verb::Settle, "Test::Net::LoadBalancer" | "Test::App::Service") => slow,
            (Verb::Update, "Test::App::Service") | (Verb::Delete, "Test::Net::LoadBalancer") => slow / 2,
            (Verb::Delete, "Test::App::Queue") => slow / 10,
            _ => Duration::ZERO,
        };
        let unseen = Duration::from_secs(scenario.world.unseen.into());
        let cloud = FakeCloud::builder(catalog()).unseen(unseen).times(times).build();
        let foreign = [
            ("Test::Net::Vpc", json!({"CidrBlock": "10.0.0.0/8"})),
            ("Test::App::Queue", json!({"QueueName": "sweep-default-r1"})),
            ("Test::App::Secret", json!({"Name": "theirs", "SecretString": "theirs"})),
        ];
        let foreign = foreign.into_iter().filter_map(|(type_name, properties)| {
            let id = cloud.insert(type_name, &properties.into()).ok()?;
            cloud.get(&id)
        });
        let foreign = foreign.collect();
        let region = Arc::new(Region::new(cloud));
        let jitter = scenario.world.jitter;
        let (model, ids) = (Model::default(), Ids::new());
        Self { folder, holder, region, jitter, processes: 0, foreign, model, ids }
    }

    async fn play(&mut self, scenario: &Scenario) -> Result<(), String> {
        let mut first = Model::default();
        scenario.first.iter().for_each(|new| first.add(new));
        for (number, episode) in scenario.episodes.iter().enumerate() {
            let lost = self.by_hand(episode.by_hand.as_ref());
            let mut stacks = vec![self.model.clone()];
            let begin = if number == 0 { first.clone() } else { self.model.clone() };
            self.region.begin_episode();
            let mut model = self.attempts(begin, &episode.attempts, &mut stacks).await?;
            model = model.edited(&episode.last);
            stacks.push(model.clone());
            let at = || format!("episode {number}");
            let rivals = episode.attempts.iter().any(|attempt| attempt.rival.is_some());
            self.clean(&model, false, &stacks, &lost, rivals).await.map_err(|error| format!("{}: {error}", at()))?;
        }
        let mut stacks = vec![self.model.clone()];
        let model = self.attempts(self.model.clone(), &scenario.destroy, &mut stacks).await?;
        self.clean(&model, true, &stacks, &BTreeSet::new(), true).await.map_err(|error| format!("destroy: {error}"))
    }

    /// What somebody does behind our back; what is no more after it.
    fn by_hand(&self, by_hand: Option<&ByHand>) -> BTreeSet<Part> {
        let at = |at: u8| {
            let parts: Vec<Part> = self.ids.keys().copied().collect();
            (!parts.is_empty()).then(|| parts[usize::from(at) % parts.len()])
        };
        match by_hand {
            Some(ByHand::Deletes(which)) => {
                let lost = at(*which).filter(|part| self.region.cloud.remove(&self.ids[part]));
                lost.into_iter().collect()
            }
            Some(ByHand::Tags(which)) => {
                if let Some(part) = at(*which) {
                    self.region.cloud.tag(&self.ids[&part], "by", "hand");
                }
                BTreeSet::new()
            }
            None => BTreeSet::new(),
        }
    }

    async fn attempts(
        &mut self,
        mut model: Model,
        attempts: &[Attempt],
        stacks: &mut Vec<Model>,
    ) -> Result<Model, String> {
        for attempt in attempts {
            model = model.edited(&attempt.edits);
            stacks.push(if attempt.destroy { model.emptied() } else { model.clone() });
            let checked = self.checked(&model)?;
            let process = self.process(&attempt.faults);
            let run = process.host(self.run(&process, &checked, attempt.destroy));
            let Some(rival) = &attempt.rival else {
                let ended = timeout(PATIENCE, run).await;
                ended.map_err(|_| "a disturbed run hangs".to_owned())?;
                continue;
            };
            model = model.edited(&rival.edits);
            stacks.push(model.clone());
            let checked = self.checked(&model)?;
            let other = Process::new(process.number + 1000, &self.region, &rival.faults, self.jitter);
            let later = async {
                sleep(Duration::from_millis(u64::from(rival.after) * 100)).await;
                other.host(self.run(&other, &checked, false)).await
            };
            self.region.tally().rivals += 1;
            let ended = timeout(PATIENCE, async { tokio::join!(run, later) }).await;
            ended.map_err(|_| "one of two runs at once hangs".to_owned())?;
        }
        Ok(model)
    }

    /// One more run, which nothing disturbs, and all that must be true after it.
    async fn clean(
        &mut self,
        model: &Model,
        destroy: bool,
        stacks: &[Model],
        lost: &BTreeSet<Part>,
        rivals: bool,
    ) -> Result<(), String> {
        let checked = self.checked(model)?;
        let process = self.process(&[]);
        let ended = timeout(PATIENCE, process.host(self.run(&process, &checked, destroy))).await;
        let explained = |what: String| format!("{what}\n{}", model.text());
        match ended.map_err(|_| explained("the run after it hangs".to_owned()))?.unwrap_or(Ended::Died) {
            Ended::Reported(report) if report.outcome == Outcome::Done => {}
            Ended::Reported(report) => return Err(explained(format!("the run after it is not done: {report:#?}"))),
            Ended::Stopped(why) => return Err(explained(format!("the run after it stopped: {why}"))),
            Ended::Died => return Err(explained("the run after it died".to_owned())),
        }
        let model = if destroy { model.emptied() } else { model.clone() };
        let mut stacks = stacks.to_vec();
        if destroy {
            stacks.push(model.clone());
        }
        let one_stack = stacks[1..].iter().all(|stack| stack.text() == model.text());
        let wish = Wish::new(&stacks, lost, rivals);
        let (region, foreign, before) = (&*self.region, &*self.foreign, &self.ids);
        let oracle = Oracle { region, model: &model, foreign, wish: &wish, before, one_stack };
        let ids = oracle.check().await.map_err(|error| format!("{error}\n{}", model.text()))?;
        if !destroy {
            self.next_plan_is_empty(&checked).await.map_err(|error| format!("{error}\n{}", model.text()))?;
        }
        let mut tally = self.region.tally();
        tally.checks += 1;
        tally.resources += ids.len();
        drop(tally);
        (self.model, self.ids) = (model, ids);
        Ok(())
    }

    async fn next_plan_is_empty(&mut self, checked: &Checked) -> Result<(), String> {
        let process = self.process(&[]);
        let driver = Driver::new(Wire(Arc::clone(&process)), Arc::new(Disk(process)));
        let graph = driver.graph(checked).await.map_err(|error| error.to_string())?;
        let state = driver.state(&graph).await.map_err(|error| error.to_string())?;
        let planned = driver.plan(graph, state, &plan::Options::default()).await.map_err(|error| error.to_string())?;
        if planned.plan.is_empty() { Ok(()) } else { Err(format!("the next plan is not empty: {:#?}", planned.plan)) }
    }

    fn process(&mut self, faults: &[Fault]) -> Arc<Process> {
        self.processes += 1;
        Process::new(self.processes, &self.region, faults, self.jitter)
    }

    fn checked(&self, model: &Model) -> Result<Checked, String> {
        let path = self.folder.join("stack.yaml");
        let text = model.text();
        std::fs::write(&path, &text).map_err(|error| error.to_string())?;
        let options = stack::Options { variables: Default::default(), ..stack::Options::default() };
        stack::load(&path, &options, self.region.cloud.catalog()).map_err(|errors| format!("{errors:#?}\n{text}"))
    }

    /// What the commands `apply` and `destroy` do.
    async fn run(&self, process: &Arc<Process>, checked: &Checked, destroy: bool) -> Ended {
        self.region.tally().runs += 1;
        let driver = Driver::new(Wire(Arc::clone(process)), Arc::new(Disk(Arc::clone(process))));
        let graph = match driver.graph(checked).await {
            Ok(graph) => graph,
            Err(error) => return Ended::Stopped(error.to_string()),
        };
        let (journal, state) = match driver.open(&graph, OpenOptions::new(self.holder.clone())).await {
            Ok(opened) => opened,
            Err(error) => return Ended::Stopped(error.to_string()),
        };
        let options = plan::Options { destroy, ..plan::Options::default() };
        let ended = match driver.plan(graph, state, &options).await {
            Ok(planned) => {
                let silent = |_: Event| {};
                match driver.apply(&planned, &journal, &silent, process.interrupts()).await {
                    Ok(report) => Ended::Reported(Box::new(report)),
                    Err(Stopped::Plan(errors)) => Ended::Stopped(format!("{errors:?}")),
                    Err(stopped) => Ended::Stopped(stopped.to_string()),
                }
            }
            Err(infra::driver::Error::Stack(errors)) => Ended::Stopped(format!("{errors:?}")),
            Err(error) => Ended::Stopped(error.to_string()),
        };
        if *process.interrupts().borrow() != Interrupt::Stop {
            let _ = journal.close().await;
        }
        ended
    }
}
