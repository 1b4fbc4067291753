//! What lints look at: the properties of a stack's resources, and through their references.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::{SCALABLE_TARGET, TARGET_GROUP, TASK_DEFINITION};
use crate::diagnostic::{Severity, Span};
use crate::stack::{Attributes, Graph, References};
use crate::value::Value;

/// What it takes to tell is not known yet.
#[derive(Debug)]
pub(super) struct Unknown;

/// What a lint found.
pub(super) type Found = Result<Vec<Fault>, Unknown>;

/// Something that a lint found.
#[derive(Debug)]
pub(super) struct Fault {
    /// The resource that must change.
    pub(super) node: usize,
    pub(super) severity: Severity,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: String,
}

/// A stack's resources with what is known of them.
pub(super) struct Scene<'a> {
    graph: &'a Graph,
    known: &'a dyn Attributes,
    references: OnceCell<References<'a>>,
    properties: RefCell<HashMap<usize, Option<Rc<Value>>>>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(graph: &'a Graph, known: &'a dyn Attributes) -> Self {
        Self { graph, known, references: OnceCell::new(), properties: RefCell::default() }
    }

    /// The properties of a node.
    pub(super) fn properties(&self, node: usize) -> Result<Rc<Value>, Unknown> {
        let mut properties = self.properties.borrow_mut();
        let evaluated = properties.entry(node).or_insert_with(|| {
            let properties = self.graph.properties(node, self.known).ok()?;
            Some(Rc::new(self.graph.nodes()[node].kind.normalized(properties)))
        });
        evaluated.clone().ok_or(Unknown)
    }

    /// The nodes of a type that the property at `path` refers to.
    pub(super) fn referred(&self, node: usize, path: &str, type_name: &str) -> Vec<usize> {
        let references = self.references.get_or_init(|| self.graph.references());
        let mut found = references.of(node, path);
        found.retain(|node| self.graph.nodes()[*node].kind.name == type_name);
        found
    }

    /// What is wrong with a node, at the first of the properties that is written, or else at its name.
    pub(super) fn fault(
        &self,
        node: usize,
        paths: &[&str],
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Fault {
        let mut spans = paths.iter().filter_map(|path| self.graph.property_span(node, path));
        let span = spans.next().unwrap_or(&self.graph.nodes()[node].span).clone();
        Fault { node, severity: Severity::Warning, span, message: message.into(), help: help.into() }
    }

    /// The address of a node.
    pub(super) fn name(&self, node: usize) -> String {
        self.graph.nodes()[node].address.to_string()
    }

    /// The task definition that a service runs, where the stack has it.
    pub(super) fn task_definition(&self, service: usize) -> Option<usize> {
        match self.referred(service, "TaskDefinition", TASK_DEFINITION).as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// The load balancing of a service: each entry of `LoadBalancers` with the target group that it names, where the stack
    /// has that.
    pub(super) fn load_balancers(&self, service: usize) -> Result<Vec<(Value, Option<usize>)>, Unknown> {
        let properties = self.properties(service)?;
        let entries = list(&properties, "LoadBalancers")?;
        let entries = entries.iter().enumerate().map(|(index, entry)| {
            let path = format!("LoadBalancers[{index}].TargetGroupArn");
            let group = match self.referred(service, &path, TARGET_GROUP).as_slice() {
                [only] => Some(*only),
                _ => None,
            };
            (entry.clone(), group)
        });
        Ok(entries.collect())
    }

    /// How many tasks a service runs at least, where it runs a number of tasks: what scales it may say more than it does
    /// itself.
    pub(super) fn desired_count(&self, service: usize) -> Result<Option<i64>, Unknown> {
        let properties = self.properties(service)?;
        if text(&properties, "SchedulingStrategy")? == Some("DAEMON") {
            return Ok(None);
        }
        let mut scaled = None;
        for (target, node) in self.graph.nodes().iter().enumerate() {
            if node.kind.name == SCALABLE_TARGET
                && self.referred(target, "ResourceId", super::SERVICE).contains(&service)
            {
                scaled = int(&*self.properties(target)?, "MinCapacity")?.or(scaled);
            }
        }
        match scaled {
            Some(least) => Ok(Some(least)),
            None => Ok(Some(int(&properties, "DesiredCount")?.unwrap_or(1))),
        }
    }

    /// The strategy of a service that ECS deploys itself; none where something else does.
    pub(super) fn strategy(&self, service: usize) -> Result<Option<String>, Unknown> {
        let properties = self.properties(service)?;
        if text(&properties, "DeploymentController.Type")?.is_some_and(|controller| controller != "ECS") {
            return Ok(None);
        }
        Ok(Some(text(&properties, "DeploymentConfiguration.Strategy")?.unwrap_or("ROLLING").to_owned()))
    }
}

/// The value at `path`; nothing where it is not given.
pub(super) fn at<'v>(value: &'v Value, path: &str) -> Result<Option<&'v Value>, Unknown> {
    let mut value = value;
    for key in path.split('.') {
        value = match value {
            Value::Unknown => return Err(Unknown),
            Value::Map(map) => match map.get(key) {
                Some(value) => value,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
    }
    match value {
        Value::Unknown => Err(Unknown),
        Value::Null => Ok(None),
        value => Ok(Some(value)),
    }
}

pub(super) fn text<'v>(value: &'v Value, path: &str) -> Result<Option<&'v str>, Unknown> {
    Ok(at(value, path)?.and_then(Value::as_str))
}

pub(super) fn list<'v>(value: &'v Value, path: &str) -> Result<&'v [Value], Unknown> {
    Ok(at(value, path)?.and_then(Value::as_list).unwrap_or_default())
}

pub(super) fn boolean(value: &Value, path: &str) -> Result<Option<bool>, Unknown> {
    Ok(match at(value, path)? {
        Some(Value::Bool(value)) => Some(*value),
        _ => None,
    })
}

/// A whole number, in text or not.
pub(super) fn int(value: &Value, path: &str) -> Result<Option<i64>, Unknown> {
    Ok(match at(value, path)? {
        Some(Value::Int(value)) => Some(*value),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    })
}
