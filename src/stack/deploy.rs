//! `deploy`: how changes of an ECS service reach what serves, in the words of the field, as ECS's own properties.

use std::collections::BTreeMap;

use super::document::{Deploy, Entry, EntryKind};
use super::expression::{Template, Tree};
use crate::cloud::Patience;
use crate::diagnostic::{Diagnostic, Span};
use crate::value::Value;

#[cfg(test)]
mod tests;
mod words;

use words::translate;

/// The type whose changes are deployments.
const TYPE: &str = "AWS::ECS::Service";
/// The property that says how a deployment goes.
const CONFIGURATION: &str = "DeploymentConfiguration";
/// The property that is infra's default.
const BREAKER: &str = "DeploymentConfiguration.DeploymentCircuitBreaker";

/// A word of `deploy`, and the property of `DeploymentConfiguration` that it stands for.
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) property: Option<&'static str>,
    pub(super) about: &'static str,
}

const fn setting(name: &'static str, property: Option<&'static str>, about: &'static str) -> Setting {
    Setting { name, property, about }
}

/// All words of `deploy`.
pub(super) const SETTINGS: &[Setting] = &[
    setting("wait", None, "Whether a deployment is followed to its end; `true` where not given."),
    setting("timeout", None, "How long a deployment is followed at most, such as `30m`."),
    setting(
        "strategy",
        Some("Strategy"),
        "How the new version takes over; `rolling`, task by task, where not given. The others need target groups to \
         move traffic between.",
    ),
    setting(
        "minimum_healthy",
        Some("MinimumHealthyPercent"),
        "The fewest healthy tasks during a deployment, in percent of the desired count.",
    ),
    setting(
        "maximum",
        Some("MaximumPercent"),
        "The most tasks during a deployment, in percent of the desired count; at least 100.",
    ),
    setting(
        "circuit_breaker",
        Some("DeploymentCircuitBreaker"),
        "Whether a deployment whose tasks keep failing is given up and rolled back; `true` where not given.",
    ),
    setting(
        "bake_time",
        Some("BakeTimeInMinutes"),
        "How long both versions run after all traffic has moved, in whole minutes; not for `rolling`.",
    ),
    setting("step", Some("LinearConfiguration.StepPercent"), "Percent of the traffic that moves with each step."),
    setting("step_interval", Some("LinearConfiguration.StepBakeTimeInMinutes"), "The time between two steps."),
    setting("canary", Some("CanaryConfiguration.CanaryPercent"), "Percent of the traffic that moves first."),
    setting(
        "canary_interval",
        Some("CanaryConfiguration.CanaryBakeTimeInMinutes"),
        "How long only the first part has moved.",
    ),
    setting("alarms", Some("Alarms"), "Names of CloudWatch alarms that stop a deployment."),
    setting(
        "rollback",
        None,
        "Whether a deployment that the circuit breaker or an alarm stops is rolled back; `true` where not given.",
    ),
];

/// The words of `strategy`.
pub(super) const STRATEGIES: [&str; 4] = ["rolling", "blue_green", "linear", "canary"];
/// The keys of `circuit_breaker`, where it is a map.
const BREAKER_KEYS: [&str; 3] = ["threshold", "rollback", "reset_on_healthy_task"];

/// The names of all words.
pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    SETTINGS.iter().map(|setting| setting.name)
}

/// Whether changes of this type are deployments.
pub(super) fn applies(type_name: &str) -> bool {
    type_name == TYPE
}

/// The word of `deploy` that gives the property at `path` of a service, where one does.
pub(super) fn word_of<'t>(deploy: &'t Deploy, path: &str) -> Option<&'t Span> {
    let path = path.strip_prefix(CONFIGURATION)?.strip_prefix('.')?;
    let Tree::Map(entries) = &deploy.settings.tree else { return None };
    let gives = |name: &str| {
        let setting = SETTINGS.iter().find(|setting| setting.name == name);
        setting.and_then(|setting| setting.property).is_some_and(|property| {
            path.strip_prefix(property).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    entries.iter().find(|(name, ..)| gives(name)).map(|(_, span, _)| span)
}

/// What `deploy` comes to.
struct Deployment {
    patience: Patience,
    /// Properties below `DeploymentConfiguration`, by their paths.
    properties: Vec<(&'static str, Value)>,
}

/// Checks what can be told of `deploy` without evaluating anything.
pub(super) fn check(entry: &Entry, type_name: &str, properties: &Template, errors: &mut Vec<Diagnostic>) {
    let Some(deploy) = &entry.deploy else { return };
    if !applies(type_name) {
        let error = Diagnostic::error(&deploy.span, format!("`deploy` is for `{TYPE}`, not for `{type_name}`"));
        errors.push(error.help("remove it: only changes of a service are deployments"));
        return;
    }
    if let Some(configuration) = properties.entry(CONFIGURATION) {
        twice(deploy, |path| written(configuration, path), errors);
    }
    translate(deploy, |template| template.constant().unwrap_or(Value::Unknown), errors);
}

/// Adds what `deploy` says to the evaluated `properties` of a service, and the circuit breaker where the stack says nothing
/// of it. Returns the paths of what infra added by itself.
pub(super) fn fold(
    entry: &Entry,
    evaluate: impl Fn(&Template) -> Result<Value, Diagnostic>,
    properties: &mut BTreeMap<String, Value>,
    errors: &mut Vec<Diagnostic>,
) -> Vec<&'static str> {
    let EntryKind::Resource { properties: template, .. } = &entry.kind else { return Vec::new() };
    if matches!(properties.get(CONFIGURATION), Some(Value::Unknown)) {
        return Vec::new();
    }
    if let Some(deploy) = &entry.deploy {
        if let (Some(given), Some(written_at)) = (properties.get(CONFIGURATION), template.entry(CONFIGURATION)) {
            twice(deploy, |path| given.at(path).map(|_| nearest(written_at, path)), errors);
        }
        let deployment = evaluated(deploy, evaluate, errors);
        let mut configuration = properties.remove(CONFIGURATION).unwrap_or_else(Value::map);
        for (path, value) in deployment.properties {
            put(&mut configuration, path, value);
        }
        if configuration.as_map().is_some_and(|map| !map.is_empty()) {
            properties.insert(CONFIGURATION.to_owned(), configuration);
        }
    }
    if !breaker_by_default(properties) {
        return Vec::new();
    }
    let on = ["Enable", "Rollback"].map(|key| (key.to_owned(), Value::Bool(true))).into_iter().collect();
    let configuration = properties.entry(CONFIGURATION.to_owned()).or_insert_with(Value::map);
    put(configuration, "DeploymentCircuitBreaker", on);
    vec![BREAKER]
}

/// How long the stack says that a change is awaited. What is wrong with it is told where the properties are evaluated.
pub(super) fn patience(deploy: &Deploy, evaluate: impl Fn(&Template) -> Result<Value, Diagnostic>) -> Patience {
    evaluated(deploy, evaluate, &mut Vec::new()).patience
}

fn evaluated(
    deploy: &Deploy,
    evaluate: impl Fn(&Template) -> Result<Value, Diagnostic>,
    errors: &mut Vec<Diagnostic>,
) -> Deployment {
    let failed = std::cell::RefCell::new(Vec::new());
    let value = |template: &Template| match evaluate(template) {
        Ok(value) if value.has_secret() => {
            let error = Diagnostic::error(&template.span, "`deploy` can't be secret: it shows in the plan");
            failed.borrow_mut().push(error);
            Value::Unknown
        }
        Ok(value) => value,
        Err(error) => {
            failed.borrow_mut().push(error);
            Value::Unknown
        }
    };
    let deployment = translate(deploy, value, errors);
    errors.extend(failed.into_inner());
    deployment
}

/// Whether the circuit breaker is on because the stack says nothing: ECS has it for its own controller, and not for
/// services behind a Classic Load Balancer.
fn breaker_by_default(properties: &BTreeMap<String, Value>) -> bool {
    let controller = properties.get("DeploymentController");
    let ecs = match controller.map(|controller| controller.get("Type")) {
        None => true,
        Some(Some(Value::String(name))) => name == "ECS",
        Some(_) => false,
    };
    let classic = match properties.get("LoadBalancers") {
        None => false,
        Some(Value::List(list)) => list.iter().any(|one| one.get("LoadBalancerName").is_some()),
        Some(_) => true,
    };
    let given = properties.get(CONFIGURATION).is_some_and(|given| given.get("DeploymentCircuitBreaker").is_some());
    ecs && !classic && !given
}

/// Where the property at `path` is written below `template`, where it is.
fn written<'t>(template: &'t Template, path: &str) -> Option<&'t Span> {
    let mut found = None;
    let mut template = template;
    for key in path.split('.') {
        let Tree::Map(entries) = &template.tree else { return None };
        let (_, span, value) = entries.iter().find(|(name, ..)| name == key)?;
        (found, template) = (Some(span), value);
    }
    found
}

/// Where the property at `path` is written, or the nearest around it that is.
fn nearest<'t>(template: &'t Template, path: &str) -> &'t Span {
    let paths = std::iter::successors(Some(path), |path| path.rsplit_once('.').map(|(outer, _)| outer));
    paths.into_iter().find_map(|path| written(template, path)).unwrap_or(&template.span)
}

/// Reports what stands both in `deploy` and in the properties.
fn twice<'t>(deploy: &Deploy, given: impl Fn(&str) -> Option<&'t Span>, errors: &mut Vec<Diagnostic>) {
    let Tree::Map(entries) = &deploy.settings.tree else { return };
    for (name, span, _) in entries {
        let setting = SETTINGS.iter().find(|setting| setting.name == name);
        let Some(property) = setting.and_then(|setting| setting.property) else { continue };
        if let Some(there) = given(property) {
            let message = format!("`{name}` and the property `{CONFIGURATION}.{property}` say the same thing");
            let error = Diagnostic::error(span, message).related(there, "given here as well");
            errors.push(error.help("keep one of the two"));
        }
    }
}

/// Puts `value` at `path`, making the maps on the way.
fn put(target: &mut Value, path: &str, value: Value) {
    let Value::Map(map) = target else { return };
    match path.split_once('.') {
        None => drop(map.insert(path.to_owned(), value)),
        Some((first, rest)) => put(map.entry(first.to_owned()).or_insert_with(Value::map), rest, value),
    }
}
