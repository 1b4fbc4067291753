//! How many requests each load balancer answered, by target group and status.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Requests that a load balancer answered alike since the count was last cleared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCount {
    /// The load balancer's name.
    pub load_balancer: String,
    /// The ARN of the target group that was chosen; none where the load balancer answered without one.
    pub target_group: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// How many.
    pub requests: u64,
}

/// The count of all load balancers.
#[derive(Debug, Default)]
pub(super) struct Counts(BTreeMap<(String, Option<String>, u16), u64>);

impl Counts {
    pub(super) fn add(&mut self, balancer: &str, group: Option<&str>, status: u16) {
        *self.0.entry((balancer.into(), group.map(str::to_owned), status)).or_default() += 1;
    }

    pub(super) fn list(&self) -> Vec<RequestCount> {
        let counts = self.0.iter().map(|((balancer, group, status), requests)| RequestCount {
            load_balancer: balancer.clone(),
            target_group: group.clone(),
            status: *status,
            requests: *requests,
        });
        counts.collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
