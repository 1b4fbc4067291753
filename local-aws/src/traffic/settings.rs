//! The settings of a target group: how it is checked, and how long its targets drain.

use std::time::Duration;

use crate::xml::Element;

/// How often a target is checked at most, however fast time passes.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(50);
/// How long a target has for its answer at least: the target itself does not run faster.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(1);

/// A target group, as far as its targets' traffic goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct GroupSettings {
    pub(super) check: HealthCheck,
    /// Whether requests to its targets are plain HTTP.
    pub(super) plain: bool,
    /// How long deregistered targets drain, before scaling.
    pub(super) deregistration_delay: Duration,
}

/// How the targets of a group are checked; times before scaling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HealthCheck {
    pub(super) method: Method,
    /// None is the port that the target was registered with.
    pub(super) port: Option<u16>,
    pub(super) path: String,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) healthy_threshold: u32,
    pub(super) unhealthy_threshold: u32,
    /// The codes of a healthy target, as first and last of ranges.
    pub(super) matcher: Vec<(u16, u16)>,
}

/// What a check does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Gets the path.
    Http,
    /// Connects.
    Tcp,
    /// Fails: TLS to targets is not spoken here.
    Unsupported,
}

impl Default for HealthCheck {
    /// Elastic Load Balancing's defaults for an HTTP group with IP targets.
    fn default() -> Self {
        Self {
            method: Method::Http,
            port: None,
            path: "/".into(),
            interval: Duration::from_secs(30),
            timeout: Duration::from_secs(5),
            healthy_threshold: 5,
            unhealthy_threshold: 2,
            matcher: vec![(200, 200)],
        }
    }
}

impl GroupSettings {
    /// Reads a member of DescribeTargetGroups and the group's attributes.
    pub(super) fn read(group: &Element, attributes: &[Element]) -> Self {
        let delay = attribute(attributes, "deregistration_delay.timeout_seconds").and_then(|text| text.parse().ok());
        Self {
            check: HealthCheck::read(group),
            plain: group.text_at("Protocol") == "HTTP",
            deregistration_delay: Duration::from_secs(delay.unwrap_or(300)),
        }
    }
}

/// Finds an attribute of a load balancer or target group.
pub(super) fn attribute<'a>(attributes: &'a [Element], key: &str) -> Option<&'a str> {
    attributes.iter().find(|attribute| attribute.text_at("Key") == key).map(|attribute| attribute.text_at("Value"))
}

impl HealthCheck {
    fn read(group: &Element) -> Self {
        let default = Self::default();
        let number = |name: &str| group.text_at(name).parse::<u32>().ok();
        let seconds = |name: &str| number(name).map(|seconds| Duration::from_secs(seconds.into()));
        let path = group.text_at("HealthCheckPath");
        let codes = ranges(group.text_at("Matcher/HttpCode"));
        Self {
            method: match group.text_at("HealthCheckProtocol") {
                "HTTP" => Method::Http,
                "TCP" => Method::Tcp,
                _ => Method::Unsupported,
            },
            port: group.text_at("HealthCheckPort").parse().ok(),
            path: if path.is_empty() { default.path } else { path.into() },
            interval: seconds("HealthCheckIntervalSeconds").unwrap_or(default.interval),
            timeout: seconds("HealthCheckTimeoutSeconds").unwrap_or(default.timeout),
            healthy_threshold: number("HealthyThresholdCount").unwrap_or(default.healthy_threshold),
            unhealthy_threshold: number("UnhealthyThresholdCount").unwrap_or(default.unhealthy_threshold),
            matcher: if codes.is_empty() { default.matcher } else { codes },
        }
    }

    /// Says whether `code` is a healthy target's.
    pub(super) fn accepts(&self, code: u16) -> bool {
        self.matcher.iter().any(|(first, last)| (*first..=*last).contains(&code))
    }

    pub(super) fn scaled_interval(&self, scale: f64) -> Duration {
        self.interval.mul_f64(scale).max(SHORTEST_INTERVAL)
    }

    pub(super) fn scaled_timeout(&self, scale: f64) -> Duration {
        self.timeout.mul_f64(scale).max(SHORTEST_TIMEOUT.min(self.timeout))
    }
}

/// Reads a matcher: `200`, `200,202`, `200-299`.
fn ranges(text: &str) -> Vec<(u16, u16)> {
    let parts = text.split(',').filter_map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matcher_takes_codes_lists_and_ranges() {
        for (matcher, code, wanted) in [
            ("200", 200, true),
            ("200", 204, false),
            ("200,302", 302, true),
            ("200-299", 250, true),
            ("200-299", 300, false),
        ] {
            let matched = Element::new("Matcher", vec![Element::leaf("HttpCode", matcher)]);
            let check = HealthCheck::read(&Element::new("member", vec![matched]));
            assert_eq!(check.accepts(code), wanted, "{code} against {matcher}");
        }
    }

    #[test]
    fn what_a_group_leaves_out_is_aws_default() {
        let group = Element::new("member", vec![Element::leaf("HealthCheckProtocol", "HTTP")]);
        let settings = GroupSettings::read(&group, &[]);
        assert_eq!(settings.check, HealthCheck::default());
        assert_eq!(settings.deregistration_delay, Duration::from_secs(300));
    }

    #[test]
    fn time_never_passes_faster_than_a_target_can_answer() {
        let check = HealthCheck::default();
        assert_eq!(check.scaled_interval(0.0), SHORTEST_INTERVAL);
        assert_eq!(check.scaled_timeout(0.0), SHORTEST_TIMEOUT);
        assert_eq!((check.scaled_interval(1.0), check.scaled_timeout(1.0)), (check.interval, check.timeout));
    }
}
