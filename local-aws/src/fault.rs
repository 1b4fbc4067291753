//! Faults on demand: which calls go wrong, and how.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What stands for every service or operation.
const ANY: &str = "*";

/// A rule for which calls go wrong, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The service as the SigV4 scope names it (`ec2`, `elasticloadbalancing`, …), or `*`.
    #[serde(default = "any")]
    pub service: String,
    /// The operation (`CreateVpc`), or `*`.
    #[serde(default = "any")]
    pub operation: String,
    /// Which of the matching calls go wrong.
    #[serde(default)]
    pub when: When,
    /// How many calls go wrong at most; one if `when` is `nth`, else as many as there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// What happens to them.
    pub action: Action,
}

/// Which of the matching calls go wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Every one.
    #[default]
    Always,
    /// From this one on, counted from 1 since the rule was made.
    Nth(u64),
    /// Each with this probability, the same ones for the same seed.
    Chance {
        /// Between 0 and 1.
        probability: f64,
        /// Where the random sequence starts.
        #[serde(default)]
        seed: u64,
    },
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It takes longer.
    Latency {
        /// Milliseconds, at least.
        ms: u64,
        /// Up to as many more, at random.
        #[serde(default)]
        jitter_ms: u64,
    },
    /// It is refused as called too often, without being done.
    Throttle,
    /// It fails with this HTTP status, without being done.
    Status(u16),
    /// It fails with this error, without being done.
    Error {
        /// AWS's error code.
        code: String,
        /// Its message.
        message: String,
        /// The HTTP status.
        status: u16,
    },
    /// The connection closes before it is done.
    DropBefore,
    /// It is done, and the connection closes before the answer.
    DropAfter,
    /// It is neither done nor answered, and nor is any later call: all connections stay open until the rule is deleted, and
    /// close then. So a client can be stopped at this very call.
    HoldBefore,
    /// The same after it is done.
    HoldAfter,
}

/// The number of a rule, to delete it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultId(pub u64);

/// A rule as it stands: how often it has met a call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActiveFault {
    /// The rule's number.
    pub id: FaultId,
    /// The rule.
    pub fault: Fault,
    /// Calls that matched.
    pub matched: u64,
    /// Calls that went wrong by it.
    pub applied: u64,
    #[serde(skip)]
    random: Random,
}

/// What the faults make of one call.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) delay: Duration,
    /// The first of the other actions that applies, and whose it is.
    pub(crate) action: Option<(FaultId, Action)>,
}

/// All rules.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<ActiveFault>,
    made: u64,
}

impl Faults {
    /// Adds a rule.
    pub(crate) fn add(&mut self, fault: Fault) -> FaultId {
        self.made += 1;
        let id = FaultId(self.made);
        let seed = if let When::Chance { seed, .. } = fault.when { seed } else { self.made };
        self.rules.push(ActiveFault { id, fault, matched: 0, applied: 0, random: Random(seed) });
        id
    }

    /// Removes a rule; says whether there was one.
    pub(crate) fn remove(&mut self, id: FaultId) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.id != id);
        self.rules.len() < before
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn list(&self) -> &[ActiveFault] {
        &self.rules
    }

    /// Counts a call against every rule that it matches, and says what becomes of it.
    pub(crate) fn judge(&mut self, service: &str, operation: &str) -> Verdict {
        let mut verdict = Verdict::default();
        for rule in &mut self.rules {
            if !is(&rule.fault.service, service) || !is(&rule.fault.operation, operation) {
                continue;
            }
            rule.matched += 1;
            let chosen = match rule.fault.when {
                When::Always => true,
                When::Nth(nth) => rule.matched >= nth,
                When::Chance { probability, .. } => rule.random.fraction() < probability,
            };
            let most = rule.fault.times.unwrap_or(if matches!(rule.fault.when, When::Nth(_)) { 1 } else { u64::MAX });
            if !chosen || rule.applied >= most {
                continue;
            }
            match &rule.fault.action {
                Action::Latency { ms, jitter_ms } => {
                    let jitter = (rule.random.fraction() * *jitter_ms as f64) as u64;
                    verdict.delay += Duration::from_millis(ms.saturating_add(jitter));
                }
                // One call can go wrong in one way only; the next rule keeps its turn.
                _ if verdict.action.is_some() => continue,
                action => verdict.action = Some((rule.id, action.clone())),
            }
            rule.applied += 1;
        }
        verdict
    }
}

fn any() -> String {
    ANY.into()
}

fn is(pattern: &str, name: &str) -> bool {
    pattern == ANY || pattern.eq_ignore_ascii_case(name)
}

/// The generator SplitMix64 (Steele, Lea and Flood, 2014): small, and the same on every machine.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Random(u64);

impl Random {
    /// Returns the next number from 0 up to, not including, 1.
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(when: When, times: Option<u64>) -> Fault {
        Fault { service: "ec2".into(), operation: "CreateVpc".into(), when, times, action: Action::Throttle }
    }

    /// Which of 1,000 matching calls, counted from 1, go wrong.
    fn wrong(fault: Fault) -> Vec<u64> {
        let mut faults = Faults::default();
        faults.add(fault);
        faults.judge("ec2", "CreateSubnet");
        faults.judge("ecs", "CreateVpc");
        (1..=1000).filter(|_| faults.judge("ec2", "CreateVpc").action.is_some()).collect()
    }

    #[test]
    fn the_nth_call_and_no_other_goes_wrong() {
        assert_eq!(wrong(fault(When::Nth(3), None)), [3]);
        assert_eq!(wrong(fault(When::Nth(3), Some(2))), [3, 4]);
        assert_eq!(wrong(fault(When::Always, Some(2))), [1, 2]);
        assert_eq!(wrong(fault(When::Always, None)).len(), 1000);
    }

    #[test]
    fn chance_is_kept_and_repeats_with_its_seed() {
        let chance = |seed| wrong(fault(When::Chance { probability: 0.2, seed }, None));
        assert_eq!(chance(7), chance(7));
        assert_ne!(chance(7), chance(8));
        assert!((150..250).contains(&chance(7).len()));
    }

    #[test]
    fn latency_adds_up_and_leaves_the_other_action() {
        let mut faults = Faults::default();
        let latency = Action::Latency { ms: 20, jitter_ms: 0 };
        faults.add(Fault { action: latency.clone(), ..fault(When::Always, None) });
        faults.add(Fault { action: latency, ..fault(When::Always, None) });
        faults.add(fault(When::Always, None));
        let verdict = faults.judge("EC2", "createvpc");
        let action = verdict.action.map(|(_, action)| action);
        assert_eq!((verdict.delay, action), (Duration::from_millis(40), Some(Action::Throttle)));
    }

    #[test]
    fn rules_are_written_as_documented() {
        let text = r#"{"service":"ec2","operation":"CreateVpc","when":{"nth":2},"action":"drop_after"}"#;
        let read: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(read.when, When::Nth(2));
        assert_eq!(read.action, Action::DropAfter);
        let text = r#"{"when":{"chance":{"probability":0.1}},"action":{"latency":{"ms":5}}}"#;
        let read: Fault = serde_json::from_str(text).unwrap();
        assert_eq!((read.service.as_str(), read.operation.as_str()), ("*", "*"));
        assert!(serde_json::from_str::<Fault>(r#"{"servise":"ec2","action":"throttle"}"#).is_err());
    }
}
