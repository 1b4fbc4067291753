//! One operation on one resource: what it is, how long it may wait, and where it says how far it is.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::Detail;
use crate::address::{Address, OpId};

/// One operation on one resource, as the cloud needs to know it.
#[derive(Clone, Debug)]
pub struct Op {
    /// Its id: client token and `infra:op` tag.
    pub id: OpId,
    /// The resource.
    pub address: Address,
    /// The stack's name.
    pub stack: Arc<str>,
    /// The environment's name.
    pub environment: Arc<str>,
    /// How long to wait for what the operation sets going.
    pub patience: Patience,
    /// Whether what an earlier run set going, and has failed by now, is to be set going again.
    pub again: bool,
    reporter: Reporter,
}

impl Op {
    /// An operation that waits as long as its type sees fit, and tells nobody how far it is.
    pub fn new(id: OpId, address: Address, stack: Arc<str>, environment: Arc<str>) -> Self {
        let (patience, reporter) = (Patience::default(), Reporter::default());
        Self { id, address, stack, environment, patience, again: false, reporter }
    }

    /// The same operation with other patience.
    #[must_use]
    pub fn patient(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The same operation, which may set going again what has failed.
    #[must_use]
    pub fn again(mut self, again: bool) -> Self {
        self.again = again;
        self
    }

    /// The same operation, telling `reporter` how far it is.
    #[must_use]
    pub fn reporting(mut self, reporter: Reporter) -> Self {
        self.reporter = reporter;
        self
    }

    /// Says how far the operation is, in a few words on one line.
    pub fn tell(&self, text: impl Into<String>) {
        self.say(Saying::Progress(text.into()));
    }

    /// Says what the user should know though the operation succeeds.
    pub fn warn(&self, detail: Detail) {
        self.say(Saying::Warning(detail));
    }

    fn say(&self, saying: Saying) {
        if let Some(told) = &self.reporter.0 {
            // Nobody hears it only where the whole apply has stopped.
            let _ = told.send(Told { address: self.address.clone(), saying });
        }
    }
}

/// How long an operation waits for what it sets going: the stack's `deploy: {wait, timeout}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Whether to wait until it is usable; else until the cloud has accepted it.
    pub wait: bool,
    /// For how long; where it is not said, as long as the type sees fit.
    pub timeout: Option<Duration>,
}

impl Default for Patience {
    fn default() -> Self {
        Self { wait: true, timeout: None }
    }
}

/// Where operations say how far they are; by default nowhere.
#[derive(Clone, Debug, Default)]
pub struct Reporter(Option<mpsc::UnboundedSender<Told>>);

impl Reporter {
    /// A reporter, and where to hear it.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Told>) {
        let (told, heard) = mpsc::unbounded_channel();
        (Self(Some(told)), heard)
    }
}

/// What an operation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The resource.
    pub address: Address,
    /// What of it.
    pub saying: Saying,
}

/// What is said of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saying {
    /// How far it is, in a few words.
    Progress(String),
    /// What the user should know though it succeeds.
    Warning(Detail),
}
