//! What in a stack would cause downtime, though AWS takes it.
//!
//! A lint is a file in `rules`, and its line in [`LINTS`]. It reads properties by the names that AWS gives them, through
//! the references of the stack, and says nothing about what is not known yet. A stack allows it by its name.

use std::collections::BTreeSet;

use crate::address::Address;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::plan::known::{Known, before_creation};
use crate::stack::{Attributes, Graph};

mod rules;
mod scene;
#[cfg(test)]
mod tests;

use scene::{Found, Scene};

/// A thing that is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Lint {
    /// Its name, by which a stack allows it.
    pub name: &'static str,
    /// What it finds.
    pub about: &'static str,
    /// The type of the resources that it looks at.
    kind: &'static str,
    check: fn(&Scene<'_>, usize) -> Found,
}

const SERVICE: &str = "AWS::ECS::Service";
const TASK_DEFINITION: &str = "AWS::ECS::TaskDefinition";
const TARGET_GROUP: &str = "AWS::ElasticLoadBalancingV2::TargetGroup";
const SUBNET: &str = "AWS::EC2::Subnet";
const SCALABLE_TARGET: &str = "AWS::ApplicationAutoScaling::ScalableTarget";

/// All lints, by name.
pub const LINTS: &[Lint] = &[
    rules::circuit_breaker::LINT,
    rules::deregistration_delay::LINT,
    rules::desired_count::LINT,
    rules::health_check::LINT,
    rules::health_check_grace_period::LINT,
    rules::image_tag::LINT,
    rules::minimum_healthy_percent::LINT,
    rules::single_zone::LINT,
    rules::strategy::LINT,
];

/// Something that a lint found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The lint's name.
    pub lint: &'static str,
    /// How bad it is: an error is a deployment that can't succeed.
    pub severity: Severity,
    /// The resource.
    pub address: Address,
    /// Where it is written.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// How it is mended.
    pub help: String,
}

impl Finding {
    /// As a message with its place.
    pub fn diagnostic(&self) -> Diagnostic {
        let new = if self.severity == Severity::Error { Diagnostic::error } else { Diagnostic::warning };
        let mut diagnostic = new(&self.span, format!("{}: {}", self.lint, self.message)).help(&self.help);
        // Components that are used twice share their places.
        diagnostic.label = (!self.address.as_str().is_empty()).then(|| self.address.to_string());
        diagnostic
    }
}

/// What is found in the nodes that are `looked_at`, with what is `known`, but for what the stack allows.
///
/// Where all nodes are looked at, what is allowed and was not found is told as well.
pub fn lint(graph: &Graph, known: &dyn Attributes, looked_at: &dyn Fn(usize) -> bool) -> Vec<Finding> {
    let nodes = || (0..graph.nodes().len()).filter(|node| looked_at(*node));
    let whole = nodes().count() == graph.nodes().len();
    if graph.allowed().is_empty()
        && !graph.nodes().iter().any(|node| LINTS.iter().any(|lint| lint.kind == node.kind.name))
    {
        return Vec::new();
    }
    let scene = Scene::new(graph, known);
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut used = BTreeSet::new();
    let mut undecided = BTreeSet::new();
    for node in nodes() {
        for lint in LINTS.iter().filter(|lint| lint.kind == graph.nodes()[node].kind.name) {
            let allowed_at = |node: usize| {
                let allowed = graph.nodes()[node].allowed.iter().copied();
                allowed.filter(|index| graph.allowed()[*index].lint == lint.name)
            };
            let Ok(findings) = (lint.check)(&scene, node) else {
                undecided.extend(allowed_at(node));
                continue;
            };
            for finding in findings {
                // What concerns a service through what it refers to may be allowed at either.
                let allowed: Vec<usize> = allowed_at(finding.node).chain(allowed_at(node)).collect();
                let place = (finding.span.source.path.clone(), finding.span.range.start);
                match allowed.is_empty() {
                    false => used.extend(allowed),
                    true if seen.insert((lint.name, place, finding.message.clone())) => found.push(Finding {
                        lint: lint.name,
                        severity: finding.severity,
                        address: graph.nodes()[finding.node].address.clone(),
                        span: finding.span,
                        message: finding.message,
                        help: format!("{}; or say why not: `allow: {{ {}: … }}`", finding.help, lint.name),
                    }),
                    true => {}
                }
            }
        }
    }
    if whole {
        found.extend(stale(graph, &used, &undecided));
    }
    found
}

/// What is allowed and was not found, though everything about it is known.
fn stale(graph: &Graph, used: &BTreeSet<usize>, undecided: &BTreeSet<usize>) -> Vec<Finding> {
    let place = |index: usize| {
        let span = &graph.allowed()[index].span;
        (span.source.path.clone(), span.range.start)
    };
    // The instances of a `for_each`, and the uses of a component, share theirs.
    let mut needed: BTreeSet<_> = used.iter().chain(undecided).map(|index| place(*index)).collect();
    let mut found = Vec::new();
    for (index, allowed) in graph.allowed().iter().enumerate() {
        let Some(lint) = LINTS.iter().find(|lint| lint.name == allowed.lint) else { continue };
        if !needed.insert(place(index)) {
            continue;
        }
        let address = graph.nodes().iter().find(|node| node.allowed.contains(&index));
        found.push(Finding {
            lint: lint.name,
            severity: Severity::Warning,
            address: address.map_or_else(|| Address::from(""), |node| node.address.clone()),
            span: allowed.span.clone(),
            message: "it is allowed here, and there is nothing to allow".to_owned(),
            help: "remove it; a reason that comes to `null` allows nothing: `${params.environment == 'dev' ? 'why' : null}`"
                .to_owned(),
        });
    }
    found
}

/// What is found without asking any cloud.
pub fn offline(graph: &Graph) -> Vec<Finding> {
    let mut known = Known::new(graph);
    for (index, node) in graph.nodes().iter().enumerate() {
        let Ok(properties) = graph.properties(index, &known) else { continue };
        known.set(index, before_creation(&node.kind, node.kind.normalized(properties)));
    }
    lint(graph, &known, &|_| true)
}
