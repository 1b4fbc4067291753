//! The routing table: what all load balancers do with a request, read from the emulator when a call changed it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::http::request::Parts;

use crate::error::AwsError;
use crate::facts::Facts;
use crate::shared::Shared;
use crate::traffic::action::Action;
use crate::traffic::condition::Condition;
use crate::traffic::groups::Groups;
use crate::traffic::settings::{GroupSettings, attribute};
use crate::view;
use crate::xml::Element;

/// An account and a region.
pub(super) type Scope = (String, String);

/// What stands at one moment.
#[derive(Debug, Default)]
pub(super) struct Routes {
    /// Which changes it holds.
    pub(super) version: u64,
    /// The load balancers by each host name that leads to them.
    hosts: HashMap<String, Arc<Balancer>>,
    names: HashMap<String, Arc<Balancer>>,
    pub(super) groups: HashMap<String, Arc<GroupSettings>>,
    used: HashSet<String>,
}

/// A load balancer.
#[derive(Debug)]
pub(super) struct Balancer {
    pub(super) arn: String,
    pub(super) name: String,
    /// How long a target may be silent; not scaled.
    pub(super) idle_timeout: Duration,
    listeners: Vec<Listener>,
}

/// A listener, its rules in the order in which they are tried.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) port: u16,
    pub(super) protocol: String,
    rules: Vec<Rule>,
    default: Action,
}

#[derive(Debug)]
struct Rule {
    priority: u32,
    conditions: Vec<Condition>,
    action: Action,
}

impl Routes {
    /// Reads what stands in `scopes`.
    pub(super) async fn load(shared: &Shared, scopes: &BTreeSet<Scope>, version: u64) -> Result<Self, AwsError> {
        let mut routes = Self { version, ..Self::default() };
        for (account, region) in scopes {
            routes.add(&Facts::of(shared, account, region)).await?;
        }
        Ok(routes)
    }

    async fn add(&mut self, facts: &Facts<'_>) -> Result<(), AwsError> {
        for group in facts.elb("DescribeTargetGroups").await?.iter() {
            let attributes = attributes(facts, "TargetGroup", group.text_at("TargetGroupArn")).await?;
            self.add_group(group, &attributes);
        }
        let mut listeners = facts.elb("DescribeListeners").await?.to_vec();
        view::forward::complete_all(&mut listeners, "ListenerArn", "DefaultActions", &facts.shared.memory());
        let mut rules = facts.elb("DescribeRules").await?.to_vec();
        view::forward::complete_all(&mut rules, "RuleArn", "Actions", &facts.shared.memory());
        view::rule::complete_all(&mut rules, facts.shared);
        for item in facts.elb("DescribeLoadBalancers").await?.iter() {
            let attributes = attributes(facts, "LoadBalancer", item.text_at("LoadBalancerArn")).await?;
            self.add_balancer(item, &attributes, &listeners, &rules);
        }
        Ok(())
    }

    /// Adds a target group, as DescribeTargetGroups tells it.
    pub(super) fn add_group(&mut self, item: &Element, attributes: &[Element]) {
        self.groups.insert(item.text_at("TargetGroupArn").into(), Arc::new(GroupSettings::read(item, attributes)));
    }

    /// Adds a load balancer with those of the listeners and rules that are its own.
    pub(super) fn add_balancer(
        &mut self,
        item: &Element,
        attributes: &[Element],
        listeners: &[Element],
        rules: &[Element],
    ) {
        let arn = item.text_at("LoadBalancerArn");
        let timeout = attribute(attributes, "idle_timeout.timeout_seconds").and_then(|text| text.parse().ok());
        let own = listeners.iter().filter(|listener| listener.text_at("LoadBalancerArn") == arn);
        let balancer = Balancer {
            arn: arn.into(),
            name: item.text_at("LoadBalancerName").into(),
            idle_timeout: Duration::from_secs(timeout.unwrap_or(60)),
            listeners: own.map(|listener| Listener::read(listener, rules)).collect(),
        };
        for listener in &balancer.listeners {
            let actions = listener.rules.iter().map(|rule| &rule.action).chain([&listener.default]);
            self.used.extend(actions.flat_map(Action::groups).map(str::to_owned));
        }
        let name = balancer.name.to_lowercase();
        let balancer = Arc::new(balancer);
        self.hosts.insert(dns_name(item).to_lowercase(), Arc::clone(&balancer));
        self.hosts.insert(format!("{name}.alb.localhost"), Arc::clone(&balancer));
        self.names.insert(name, balancer);
    }

    pub(super) fn by_host(&self, host: &str) -> Option<&Arc<Balancer>> {
        self.hosts.get(host)
    }

    pub(super) fn by_name(&self, name: &str) -> Option<&Arc<Balancer>> {
        self.names.get(&name.to_lowercase())
    }

    /// Tells `groups` what is known of one of them.
    pub(super) fn tell(&self, group: &str, groups: &mut Groups) {
        if let Some(settings) = self.groups.get(group) {
            groups.set(group, settings, self.uses(group));
        }
    }

    /// Says whether a listener or rule forwards to the group.
    pub(super) fn uses(&self, group: &str) -> bool {
        self.used.contains(group)
    }
}

async fn attributes(facts: &Facts<'_>, kind: &str, arn: &str) -> Result<Vec<Element>, AwsError> {
    let operation = format!("Describe{kind}Attributes");
    let answer = facts.elb_call(&operation, &[(&format!("{kind}Arn"), arn)]).await?;
    Ok(answer.list(&format!("{operation}Result/Attributes")).to_vec())
}

/// Returns the DNS name of a load balancer: AWS's, but below `localhost`, where every name leads here.
pub(super) fn dns_name(item: &Element) -> String {
    let own = item.text_at("DNSName");
    own.strip_suffix(".amazonaws.com").map_or_else(|| own.to_owned(), |name| format!("{name}.localhost"))
}

impl Balancer {
    /// Finds the listener of a port; without one, that of HTTP's port, or the first.
    pub(super) fn listener(&self, port: Option<u16>) -> Option<&Listener> {
        match port {
            Some(port) => self.listeners.iter().find(|listener| listener.port == port),
            None => self.listeners.iter().find(|listener| listener.port == 80).or(self.listeners.first()),
        }
    }
}

impl Listener {
    fn read(item: &Element, rules: &[Element]) -> Self {
        // A rule's ARN is its listener's with another kind and one more step.
        let below = format!("{}/", item.text_at("ListenerArn").replace(":listener/", ":listener-rule/"));
        let own = rules.iter().filter(|rule| rule.text_at("RuleArn").starts_with(&below));
        // The default rule, whose priority is no number, is the listener's own actions.
        let own = own.filter_map(|rule| {
            Some(Rule {
                priority: rule.text_at("Priority").parse().ok()?,
                conditions: rule.list("Conditions").iter().map(Condition::read).collect(),
                action: Action::read(rule.list("Actions")),
            })
        });
        let mut rules: Vec<Rule> = own.collect();
        rules.sort_by_key(|rule| rule.priority);
        Self {
            port: item.text_at("Port").parse().unwrap_or(80),
            protocol: item.text_at("Protocol").into(),
            rules,
            default: Action::read(item.list("DefaultActions")),
        }
    }

    /// Returns what is done with a request: the first rule's action whose conditions are all met, or the default.
    pub(super) fn action(&self, request: &Parts, path: &str, source: IpAddr) -> &Action {
        let met = |rule: &&Rule| rule.conditions.iter().all(|condition| condition.is_met(request, path, source));
        self.rules.iter().find(met).map_or(&self.default, |rule| &rule.action)
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn rule(id: u32, priority: &str, path: &str) -> Element {
        let text = format!(
            "<member><RuleArn>a:listener-rule/app/lb/1/2/{id}</RuleArn><Priority>{priority}</Priority><Conditions><member>\
             <Field>path-pattern</Field><Values><member>{path}</member></Values></member></Conditions><Actions><member>\
             <Type>forward</Type><TargetGroupArn>group-{id}</TargetGroupArn></member></Actions></member>"
        );
        Element::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_first_rule_by_priority_that_is_met_decides() {
        let text = "<member><ListenerArn>a:listener/app/lb/1/2</ListenerArn><Port>80</Port><DefaultActions><member>\
                    <Type>fixed-response</Type><FixedResponseConfig><StatusCode>404</StatusCode></FixedResponseConfig>\
                    </member></DefaultActions></member>";
        let rules = [rule(1, "20", "/a*"), rule(2, "9", "/ab"), rule(3, "30", "/*"), rule(4, "default", "*")];
        let listener = Listener::read(&Element::parse(text.as_bytes()).unwrap(), &rules);
        for (path, wanted) in [("/ab", "group-2"), ("/abc", "group-1"), ("/x", "group-3"), ("*", "")] {
            let request = Request::get("/").body(()).unwrap().into_parts().0;
            let action = listener.action(&request, path, [127, 0, 0, 1].into());
            assert_eq!(action.groups().next().unwrap_or(""), wanted, "{path}");
        }
    }

    #[test]
    fn a_dns_name_leads_to_this_machine() {
        let item = Element::new("member", vec![Element::leaf("DNSName", "web-1a2b.us-east-1.elb.amazonaws.com")]);
        assert_eq!(dns_name(&item), "web-1a2b.us-east-1.elb.localhost");
    }
}
