//! A user at work: stacks as text, one cloud, one state.

mod render;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use infra::address::{Address, Id};
use infra::apply::{Event, Interrupt, Outcome, Report, Stopped};
use infra::cloud::fake::catalog::catalog;
use infra::cloud::fake::{FakeCloud, Verb};
use infra::diagnostic::Diagnostic;
use infra::driver::{Driver, Error, Planned};
use infra::plan::Options;
use infra::stack::{self, Graph};
use infra::state::{Holder, MemoryStore, OpenOptions, State, Store};
use tokio::sync::watch;

pub(crate) use render::{plan_text, report_text};

/// One user with one stack, `shop`.
pub(crate) struct User {
    pub(crate) cloud: FakeCloud,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) options: Options,
    folder: tempfile::TempDir,
    events: Mutex<Vec<Event>>,
}

impl User {
    /// In a cloud where nothing takes time.
    pub(crate) fn new() -> Self {
        Self::of(FakeCloud::new(catalog()))
    }

    /// In a cloud where a load balancer takes two minutes to be usable, and a service one.
    pub(crate) fn in_slow_cloud() -> Self {
        let times = |verb: Verb, kind: &infra::catalog::TypeInfo| match (verb, kind.name) {
            (Verb::Settle, "Test::Net::LoadBalancer") => Duration::from_secs(120),
            (Verb::Settle, "Test::App::Service") => Duration::from_secs(60),
            _ => Duration::ZERO,
        };
        Self::of(FakeCloud::builder(catalog()).latency(Duration::from_millis(100)).times(times).build())
    }

    /// In this cloud.
    pub(crate) fn of(cloud: FakeCloud) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, options) = (Arc::new(MemoryStore::new()), Options::default());
        Self { cloud, store, options, folder, events: Mutex::default() }
    }

    /// The same user with other options.
    pub(crate) fn with(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    pub(crate) fn driver(&self) -> Driver<FakeCloud> {
        Driver::new(self.cloud.clone(), Arc::clone(&self.store))
    }

    pub(crate) async fn graph(&self, text: &str) -> Result<Graph, Error> {
        let path = self.folder.path().join("stack.yaml");
        std::fs::write(&path, format!("stack: shop\nregion: us-east-1\n{text}")).unwrap();
        let checked = stack::load(&path, &stack::Options::default(), &catalog()).map_err(Error::Stack)?;
        self.driver().graph(&checked).await
    }

    pub(crate) async fn try_plan(&self, text: &str) -> Result<Planned, Error> {
        let graph = self.graph(text).await?;
        let state = self.driver().state(&graph).await?;
        self.driver().plan(graph, state, &self.options).await
    }

    /// The plan as lines of text.
    pub(crate) async fn plan(&self, text: &str) -> String {
        plan_text(&self.try_plan(text).await.unwrap_or_else(|error| panic!("{}", explained(&error))).plan)
    }

    /// What keeps a plan from being made.
    pub(crate) async fn refused(&self, text: &str) -> String {
        match self.try_plan(text).await {
            Ok(planned) => panic!("planned: {}", plan_text(&planned.plan)),
            Err(error) => explained(&error),
        }
    }

    pub(crate) async fn try_apply(&self, text: &str, interrupt: watch::Receiver<Interrupt>) -> Result<Report, Stopped> {
        let graph = self.graph(text).await.unwrap_or_else(|error| panic!("{}", explained(&error)));
        let (journal, state) = self.driver().open(&graph, OpenOptions::new(Holder::current("test"))).await.unwrap();
        let planned = self.driver().plan(graph, state, &self.options).await;
        let planned = planned.unwrap_or_else(|error| panic!("{}", explained(&error)));
        let events = |event: Event| self.events.lock().unwrap().push(event);
        let report = self.driver().apply(&planned, &journal, &events, interrupt).await;
        let _ = journal.close().await;
        report
    }

    /// Applies, and tells how it went.
    pub(crate) async fn apply(&self, text: &str) -> Report {
        let (_asking, interrupt) = watch::channel(Interrupt::None);
        self.try_apply(text, interrupt).await.unwrap()
    }

    /// Applies a stack with which nothing goes wrong, after which nothing is left to do.
    pub(crate) async fn applied(&self, text: &str) {
        let report = self.apply(text).await;
        assert_eq!(report.outcome, Outcome::Done, "{}", report_text(&report));
        self.assert_settled(text).await;
    }

    /// The next plan is empty, an apply of it makes no call that changes anything, and nothing is left over.
    pub(crate) async fn assert_settled(&self, text: &str) {
        let planned = self.try_plan(text).await.unwrap_or_else(|error| panic!("{}", explained(&error)));
        assert!(planned.plan.is_empty(), "a second plan is not empty:\n{}", plan_text(&planned.plan));
        let changes = self.cloud.changes();
        let serial = planned.state.serial;
        assert_eq!(self.apply(text).await.outcome, Outcome::Done);
        assert_eq!(self.cloud.changes(), changes, "an apply of an empty plan changed something");
        let state = self.state(text).await;
        assert_eq!(state.serial, serial, "an apply of an empty plan changed the state");
        assert!(state.begun.is_empty() && state.deposed.is_empty(), "{state:#?}");
    }

    pub(crate) async fn destroy(&mut self, text: &str) -> Report {
        self.options.destroy = true;
        let report = self.apply(text).await;
        self.options.destroy = false;
        report
    }

    pub(crate) async fn state(&self, text: &str) -> State {
        let graph = self.graph(text).await.unwrap_or_else(|error| panic!("{}", explained(&error)));
        self.driver().state(&graph).await.unwrap()
    }

    /// The one thing that was made for an address and exists.
    pub(crate) fn id(&self, address: &str) -> Id {
        let ids = self.cloud.made_for(&Address::from(address));
        assert_eq!(ids.len(), 1, "{address}: {ids:?}");
        ids[0].clone()
    }

    /// A property of what was made for an address.
    pub(crate) fn property(&self, address: &str, name: &str) -> serde_json::Value {
        let live = self.cloud.get(&self.id(address)).unwrap();
        live.properties.get(name).map(infra::value::Value::reveal).unwrap_or_default()
    }

    /// All that change something, as `Create Vpc`, in the order in which they began.
    pub(crate) fn changing_calls(&self) -> Vec<String> {
        let calls = self.cloud.calls();
        let changing = calls.iter().filter(|call| call.verb.changes() && call.verb != Verb::Settle);
        changing
            .map(|call| {
                let address = call.address.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("{:?} {address}", call.verb)
            })
            .collect()
    }

    /// What was told so far.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }
}

/// All messages of an error, with their places.
pub(crate) fn explained(error: &Error) -> String {
    let place = |diagnostic: &Diagnostic| match &diagnostic.span {
        Some(span) => {
            let (line, column) = span.source.line_column(span.range.start);
            format!("{line}:{column}: ")
        }
        None => String::new(),
    };
    match error {
        Error::Stack(diagnostics) => {
            let lines = diagnostics.iter().map(|diagnostic| format!("{}{}", place(diagnostic), diagnostic.message));
            lines.collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    }
}
