//! How simulated tasks behave, by the images of their containers.

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// What a health check finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It succeeds.
    Healthy,
    /// It fails.
    Unhealthy,
}

/// How the containers of an image behave when they are simulated. What is left out is as of one that runs well.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Behaviour {
    /// A part of the image's name; empty, all images.
    pub image: String,
    /// After how many seconds of AWS's time the container ends, counted from its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_after_s: Option<f64>,
    /// The exit code that it then has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// Why it never starts: `CannotPullContainerError: …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub never_starts: Option<String>,
    /// What its own health check finds, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_health: Option<Health>,
    /// What the health checks of its target groups find.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_health: Option<Health>,
    /// The status with which it answers a load balancer's requests; without one, those are told that it is simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_status: Option<u16>,
    /// The lines that it writes when it starts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

/// All behaviours; those who watch learn of changes.
#[derive(Debug, Clone)]
pub(crate) struct Behaviours(watch::Sender<Vec<Behaviour>>);

impl Default for Behaviours {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl Behaviours {
    /// Adds a behaviour, for what runs already too.
    pub(crate) fn add(&self, behaviour: Behaviour) {
        self.0.send_modify(|all| all.push(behaviour));
    }

    /// Returns all, the oldest first.
    pub(crate) fn list(&self) -> Vec<Behaviour> {
        self.0.borrow().clone()
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        self.0.send_replace(Vec::new());
    }

    pub(super) fn watch(&self) -> watch::Receiver<Vec<Behaviour>> {
        self.0.subscribe()
    }
}

/// Returns how containers of `image` behave: the newest that matches counts.
pub(super) fn of(all: &[Behaviour], image: &str) -> Behaviour {
    all.iter().rev().find(|behaviour| image.contains(&behaviour.image)).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_behaviour_that_matches_the_image_counts() {
        let behaviours = Behaviours::default();
        for (image, code) in [("", 1), ("web", 2), ("web:2", 3)] {
            behaviours.add(Behaviour { image: image.into(), exit_code: Some(code), ..Behaviour::default() });
        }
        let code = |image: &str| of(&behaviours.list(), image).exit_code;
        assert_eq!([code("registry/web:2"), code("registry/web:1"), code("mail:2")], [Some(3), Some(2), Some(1)]);
        behaviours.clear();
        assert_eq!(code("web:2"), None);
    }
}
