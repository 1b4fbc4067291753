//! What this process made a moment ago: AWS may not show it everywhere yet, so its absence is not believed at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::address::Id;
use crate::value::Value;

/// How long AWS may take to show everywhere what it made.
const WINDOW: Duration = Duration::from_secs(60);

/// Ids made by this process, each with the moment it was made.
#[derive(Debug, Default)]
pub struct Fresh(Mutex<HashMap<Id, Instant>>);

impl Fresh {
    /// Remembers that `id` was just made.
    pub fn made(&self, id: &Id) {
        let mut ids = self.ids();
        ids.retain(|_, made| made.elapsed() < WINDOW);
        ids.insert(id.clone(), Instant::now());
    }

    /// Remembers that `id` was deleted: its absence is true.
    pub fn deleted(&self, id: &Id) {
        self.ids().remove(id);
    }

    /// Whether `id` was made so recently that it may not show yet.
    pub fn holds(&self, id: &Id) -> bool {
        self.ids().get(id).is_some_and(|made| made.elapsed() < WINDOW)
    }

    /// Whether `properties` refer to something made so recently that it may not show yet.
    pub fn is_named_in(&self, properties: &Value) -> bool {
        let ids = self.ids();
        ids.iter().any(|(id, made)| made.elapsed() < WINDOW && names(properties, id.as_str()))
    }

    fn ids(&self) -> MutexGuard<'_, HashMap<Id, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether some text in `value` is `id`, one of its parts, or holds it.
fn names(value: &Value, id: &str) -> bool {
    match value {
        Value::String(text) => !text.is_empty() && (text.contains(id) || id.split('|').any(|part| part == text)),
        Value::List(list) => list.iter().any(|value| names(value, id)),
        Value::Map(map) => map.values().any(|value| names(value, id)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_just_made_is_fresh_until_the_window_closes_or_it_is_deleted() {
        let fresh = Fresh::default();
        let (vpc, service) = (Id::new("vpc-1"), Id::new("arn:x/web|main"));
        fresh.made(&vpc);
        fresh.made(&service);
        assert!(fresh.holds(&vpc));
        assert!(fresh.is_named_in(&Value::from(json!({"VpcId": "vpc-1"}))));
        assert!(fresh.is_named_in(&Value::from(json!({"List": ["arn:x/web"]}))));
        assert!(!fresh.is_named_in(&Value::from(json!({"VpcId": "vpc-2"}))));
        fresh.deleted(&service);
        assert!(!fresh.holds(&service));
        tokio::time::advance(WINDOW).await;
        assert!(!fresh.holds(&vpc));
    }
}
