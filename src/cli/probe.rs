//! Watching what a stack serves, around an apply.

use std::process::ExitCode;

use tokio::sync::watch;
use tokio::time::Instant;

use super::args::Format;
use super::error::CommandError;
use super::style::{YELLOW, duration, paint};
use super::{interrupt, progress, render, run, terminal};
use crate::apply::Interrupt;
use crate::cloud::Cloud;
use crate::cloud::services::{SERVICE, Services};
use crate::driver::{Driver, Planned};
use crate::plan::Action;
use crate::plan::known::{Known, on_record};
use crate::probe::{Phase, Report, Watch};
use crate::rollback::{Left, left};
use crate::stack::{Graph, Probe};
use crate::state::{Journal, State};

/// Carries out a plan and watches what the stack or the command line asks to be watched. Where less was available than
/// asked for, the services that it changed go back to what served before, and it has failed.
pub(super) async fn carry_out_watched<C: Services>(
    format: Format,
    url: Option<&str>,
    driver: &Driver<C>,
    planned: Planned,
    journal: &Journal,
    interrupts: &watch::Receiver<Interrupt>,
) -> Result<ExitCode, CommandError> {
    let probing = Probing::begin(url, format, &planned, interrupts).await?;
    probing.change();
    let result = run::carry_out(format, driver, &planned, journal, interrupts).await;
    // Who stopped it does not want to wait; who has a failed apply wants to know whether the old version serves on.
    let seen = probing.end(driver, &planned.graph, interrupts).await;
    let code = result?;
    let Some(seen) = seen?.filter(|seen| !seen.met) else { return Ok(code) };
    let missed = CommandError::failed(render::missed(&seen));
    match take_back(format, driver, planned, journal, interrupts).await {
        Ok(Some(left)) => {
            let missed = missed.hint(
                "the services that it changed are back at what served before; the next apply deploys what the stack's \
                 files and parameters ask for by then",
            );
            Err(render::left(&left).into_iter().fold(missed, CommandError::hint))
        }
        Ok(None) => Err(missed.hint("nothing is rolled back: no service was taken from one version to another")),
        Err(why) => {
            Err(why.hint(format!("{}, and it could not be rolled back; `infra rollback` tries again", missed.message)))
        }
    }
}

/// Takes the services that a plan has brought a new version back to what served before; tells what is left at the images
/// that were taken back, or nothing where there was no service to take back.
async fn take_back<C: Services>(
    format: Format,
    driver: &Driver<C>,
    planned: Planned,
    journal: &Journal,
    interrupts: &watch::Receiver<Interrupt>,
) -> Result<Option<Vec<Left>>, CommandError> {
    let changed = planned.plan.steps.iter().filter(|step| {
        let new_version = step.changes.iter().any(|change| change.path == "TaskDefinition");
        step.type_name == SERVICE && step.action == Action::Update && new_version
    });
    let changed: Vec<_> = changed.map(|step| step.address.clone()).collect();
    let state = driver.state(&planned.graph).await?;
    let way = driver.way_back(&planned.graph, &state, &changed).await?;
    if way.back.is_empty() {
        return Ok(None);
    }
    terminal::tell(&render::lacks(&way.lacks));
    if format == Format::Text {
        for (address, revision) in &way.back {
            terminal::tell(&format!("{} {address} goes back to {revision}\n", paint(YELLOW, "Rolling back:")));
        }
    }
    let (services, images) = (way.back.clone(), way.images.clone());
    let back = driver.plan_rollback(planned.graph, state, way).await?;
    run::carry_out(format, driver, &back, journal, interrupts).await?;
    let left = left(&driver.state(&back.graph).await?, &images);
    if format == Format::Json {
        progress::tell_rolled_back(&services, &left)?;
    }
    Ok(Some(left))
}

/// The watch around an apply, where one is asked for.
struct Probing<'a> {
    /// The URL that the command line names.
    url: Option<&'a str>,
    format: Format,
    probe: Option<Probe>,
    watch: Option<Watch>,
}

impl<'a> Probing<'a> {
    /// Begins to watch, where the stack or the command line asks for it and what to watch is known; returns once it has
    /// been watched for as long as asked for before anything changes.
    async fn begin(
        url: Option<&'a str>,
        format: Format,
        planned: &Planned,
        interrupts: &watch::Receiver<Interrupt>,
    ) -> Result<Self, CommandError> {
        let mut probing = Self { url, format, probe: None, watch: None };
        if planned.plan.is_empty() || planned.plan.destroy {
            return Ok(probing);
        }
        probing.probe = probing.asked(&planned.graph, &planned.state)?;
        let Some(Probe { url: Some(url), before, .. }) = &probing.probe else { return Ok(probing) };
        let before = *before;
        let phase = if before.is_zero() { Phase::During } else { Phase::Before };
        probing.watch = Some(probing.start(url, phase)?);
        if !before.is_zero() {
            probing.tell(&format!("Watching {url} for {} before anything changes\n", duration(before)));
            let watching = async {
                tokio::time::sleep(before).await;
                Ok(())
            };
            run::until_interrupted(interrupts, watching).await?;
        }
        Ok(probing)
    }

    /// Says that the changes begin.
    fn change(&self) {
        if let Some(watch) = &self.watch {
            watch.enter(Phase::During);
        }
    }

    /// Watches for as long as asked for after everything is changed, and tells what was seen.
    async fn end<C: Cloud>(
        mut self,
        driver: &Driver<C>,
        graph: &Graph,
        interrupts: &watch::Receiver<Interrupt>,
    ) -> Result<Option<Report>, CommandError> {
        if self.probe.is_none() {
            return Ok(None);
        }
        if *interrupts.borrow() != Interrupt::None {
            let told = match &self.watch {
                Some(watch) => format!("{} is not watched after the changes", watch.url()),
                None => "nothing was watched".to_owned(),
            };
            self.tell(&format!("{} {told}\n", paint(YELLOW, "Interrupted:")));
            return self.cut_short().await;
        }
        // What only AWS could tell is known now; what was replaced is somewhere else now.
        let state = driver.state(graph).await?;
        let Some(probe) = self.asked(graph, &state)? else { return Ok(None) };
        let watched = self.watch.as_ref().map(Watch::url);
        match &probe.url {
            None => {
                self.stop().await?;
                self.tell("Nothing was watched: the probe's URL is not known, because what it names was not made\n");
                return Ok(None);
            }
            Some(url) if watched != Some(url) => {
                self.stop().await?;
                self.probe = Some(probe.clone());
                self.watch = Some(self.start(url, Phase::After)?);
            }
            Some(_) => {}
        }
        if let Some(watch) = &self.watch {
            watch.enter(Phase::After);
            let (url, after) = (watch.url(), duration(probe.after));
            self.tell(&format!("Watching {url} for {after} more\n"));
            let began = Instant::now();
            tokio::select! {
                () = tokio::time::sleep(probe.after) => {}
                () = interrupt::heard(interrupts) => {
                    let watched = duration(began.elapsed());
                    self.tell(&format!("{} {url} was watched for {watched} of the {after}\n", paint(YELLOW, "Interrupted:")));
                    return self.cut_short().await;
                }
            }
        }
        self.stop().await
    }

    /// Ends the watch before its time: what was seen is told, but where nothing that counts was, it says nothing of the SLO.
    async fn cut_short(&mut self) -> Result<Option<Report>, CommandError> {
        Ok(self.stop().await?.filter(|seen| seen.counted > 0))
    }

    /// Ends the watch under way, and tells what it saw.
    async fn stop(&mut self) -> Result<Option<Report>, CommandError> {
        let Some(watch) = self.watch.take() else { return Ok(None) };
        let report = watch.end().await;
        match self.format {
            Format::Text => terminal::print(&render::probe(&report))?,
            Format::Json => progress::tell_probe(&report)?,
        }
        Ok(Some(report))
    }

    fn start(&self, url: &str, phase: Phase) -> Result<Watch, CommandError> {
        let Some(probe) = &self.probe else { return Err(CommandError::failed("nothing is to be watched")) };
        Watch::start(probe, url, phase).map_err(|why| CommandError::failed(format!("{url} can't be watched: {why}")))
    }

    /// What is asked for, with what is on record now.
    fn asked(&self, graph: &Graph, state: &State) -> Result<Option<Probe>, CommandError> {
        let mut known = Known::new(graph);
        for (index, node) in graph.nodes().iter().enumerate() {
            if let Some(record) = state.resources.get(&node.address) {
                known.set(index, on_record(record));
            }
        }
        let asked = graph.probe(&known).map_err(|error| CommandError::stack(vec![error]))?;
        Ok(match (self.url, asked) {
            (None, asked) => asked,
            (Some(url), Some(probe)) => Some(Probe { url: Some(url.to_owned()), ..probe }),
            (Some(url), None) => Some(Probe::of(Some(url.to_owned()))),
        })
    }

    fn tell(&self, text: &str) {
        if self.format == Format::Text {
            terminal::tell(text);
        }
    }
}
