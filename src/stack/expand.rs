//! A checked stack → its resources: `for_each`, `when` and components spelt out, dependencies resolved.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use super::dependencies::{Follower, Nodes};
use super::deploy;
use super::document::{Allow, Entry, EntryKind};
use super::expression::{Template, article, references};
use super::graph::{Allowed, Definition, Graph, Lifecycle, NoAttributes, Node, OutputNode};
use super::scope::{Each, Frame, Here, Inputs, Instance, Member, Session, World};
use super::{Answers, Checked, Needs, traffic};
use crate::address::Address;
use crate::catalog::TypeInfo;
use crate::cloud::{ExistingBy, Lookup, Patience};
use crate::diagnostic::Diagnostic;
use crate::value::Value;

/// The most resources that a stack may have.
const MAX_RESOURCES: usize = 1_000_000;

/// Expands `checked` with the answers there are.
pub(super) fn expand(checked: &Checked, answers: &Answers) -> Result<Graph, Needs> {
    let world = Arc::new(World {
        region: checked.region.clone(),
        answers: answers.clone(),
        variables: checked.variables.clone(),
        asked: Mutex::default(),
        files: Mutex::default(),
    });
    let root = Arc::new(Frame::new(&checked.unit, None, Inputs::Root(Arc::clone(&checked.inputs))));
    let session = Session::new(&world, &NoAttributes);
    let mut expander = Expander {
        session: &session,
        follower: Follower::default(),
        nodes: Vec::new(),
        definitions: Vec::new(),
        warned: HashSet::new(),
        warnings: Vec::new(),
        allowed: Vec::new(),
        allowed_here: Vec::new(),
        errors: Errors::default(),
    };
    let document = &checked.unit.document;
    expander.allow(&root, None, &document.allow);
    expander.frame(&root, &Nodes::new());
    let Expander { follower, nodes, definitions, warnings, allowed, mut errors, .. } = expander;
    let outputs = document
        .outputs
        .iter()
        .map(|output| OutputNode {
            name: output.name.clone(),
            description: output.description.clone(),
            secret: output.secret,
            span: output.span.clone(),
        })
        .collect();
    let mut graph = Graph {
        stack: document.name.as_str().into(),
        environment: Arc::clone(&checked.environment),
        environment_file: checked.environment_file.clone(),
        region: checked.region.clone(),
        nodes,
        by_address: follower.nodes,
        pinned: HashMap::new(),
        outputs,
        moved: Vec::new(),
        forget: Vec::new(),
        warnings,
        allowed,
        definitions,
        root,
        world: Arc::clone(&world),
    };
    moved(&mut graph, checked, &mut errors);
    // Everything is evaluated once, for the lookups and mistakes in it, before anything is asked of a cloud.
    for index in 0..graph.nodes.len() {
        session.reset();
        let mut found = Vec::new();
        graph.properties_in(index, &session, &mut found);
        found.into_iter().for_each(|error| errors.add(error));
    }
    for index in 0..graph.outputs.len() {
        session.reset();
        if let Err(error) = graph.output_in(index, &session) {
            errors.add(error);
        }
    }
    session.reset();
    let mut found = Vec::new();
    graph.probe_in(&session, &mut found);
    found.into_iter().for_each(|error| errors.add(error));
    let missing = session.missing();
    if !errors.found.is_empty() {
        return Err(Needs::Errors(errors.found));
    }
    if !missing.is_empty() {
        return Err(Needs::Lookups(missing.into_iter().collect()));
    }
    traffic::leave_to_ecs(&mut graph);
    Ok(graph)
}

/// Mistakes, each once: the instances of a `for_each` share theirs.
#[derive(Default)]
struct Errors {
    found: Vec<Diagnostic>,
    seen: HashSet<(std::path::PathBuf, usize, String)>,
}

impl Errors {
    fn add(&mut self, error: Diagnostic) {
        let place = error.span.as_ref().map(|span| (span.source.path.clone(), span.range.start));
        let (path, at) = place.unwrap_or_default();
        if self.seen.insert((path, at, error.message.clone())) {
            self.found.push(error);
        }
    }
}

/// Spells out the addresses of `moved` and `forget`, and checks them.
fn moved(graph: &mut Graph, checked: &Checked, errors: &mut Errors) {
    let document = &checked.unit.document;
    for (from, to) in &document.moved {
        let inside = graph.nodes.iter().filter(|node| node.address.is_within(&to.value));
        let pairs: Vec<(Address, Address)> = inside
            .map(|node| {
                let rest = &node.address.as_str()[to.value.as_str().len()..];
                (Address::from(format!("{}{rest}", from.value).as_str()), node.address.clone())
            })
            .collect();
        if pairs.is_empty() {
            let error = Diagnostic::error(&to.span, format!("there is no `{}` in the stack", to.value));
            errors.add(error.help("`moved` may be removed once every environment is applied with it"));
        }
        if graph.nodes.iter().any(|node| node.address.is_within(&from.value)) {
            errors.add(Diagnostic::error(&from.span, format!("`{}` still stands in the stack", from.value)));
        }
        graph.moved.extend(pairs);
    }
    for address in &document.forget {
        if graph.nodes.iter().any(|node| node.address.is_within(&address.value)) {
            let error = Diagnostic::error(&address.span, format!("`{}` still stands in the stack", address.value));
            errors.add(error.help("remove the resource from `resources` as well"));
        }
        graph.forget.push(address.value.clone());
    }
}

struct Expander<'s> {
    session: &'s Session<'s>,
    follower: Follower,
    nodes: Vec<Node>,
    definitions: Vec<Definition>,
    warned: HashSet<&'static str>,
    warnings: Vec<Diagnostic>,
    allowed: Vec<Allowed>,
    /// Those that apply where the expander is, the outermost first.
    allowed_here: Vec<usize>,
    errors: Errors,
}

impl Expander<'_> {
    /// Notes the lints that are allowed from here on; returns how many were before.
    fn allow(&mut self, frame: &Frame, each: Option<&Each>, allow: &[Allow]) -> usize {
        let before = self.allowed_here.len();
        for Allow { lint, reason } in allow {
            let Some(value) = self.known(frame, each, reason, "a reason") else { continue };
            match super::allow::reason(lint, reason, value) {
                Ok(None) => {}
                Ok(Some(reason)) => {
                    self.allowed_here.push(self.allowed.len());
                    self.allowed.push(Allowed { lint: lint.value.clone(), reason, span: lint.span.clone() });
                }
                Err(error) => self.errors.add(error),
            }
        }
        before
    }

    fn frame(&mut self, frame: &Arc<Frame>, inherited: &Nodes) {
        for index in &frame.unit.order {
            let entry = &frame.unit.document.entries[*index];
            if let Some(member) = self.member(frame, *index, entry, inherited) {
                let _ = frame.members[*index].set(member);
            }
        }
    }

    /// What an entry comes to; `None` where that can't be told, which is reported or awaits a lookup.
    fn member(&mut self, frame: &Arc<Frame>, index: usize, entry: &Entry, inherited: &Nodes) -> Option<Member> {
        let Some(for_each) = &entry.for_each else {
            return match self.when(frame, entry, None)? {
                true => Some(Member::One(self.instance(frame, index, entry, None, inherited)?)),
                false => Some(Member::Off),
            };
        };
        let mut instances = Vec::new();
        let mut by_key = HashMap::new();
        for (key, each) in self.keys(frame, index, for_each)? {
            let each = Arc::new(each);
            if !self.when(frame, entry, Some(&each))? {
                continue;
            }
            let instance = self.instance(frame, index, entry, Some(each), inherited)?;
            by_key.insert(key.clone(), instances.len());
            instances.push((key, instance));
        }
        Some(Member::Many(instances, by_key))
    }

    fn when(&mut self, frame: &Frame, entry: &Entry, each: Option<&Each>) -> Option<bool> {
        let Some(when) = &entry.when else { return Some(true) };
        match self.known(frame, each, when, "`when`")? {
            Value::Bool(when) => Some(when),
            other => {
                let message = format!("`when` is a boolean, not {}", article(other.kind()));
                self.errors.add(Diagnostic::error(&when.span, message));
                None
            }
        }
    }

    /// The value of something that shapes the stack and so must be known.
    fn known(&mut self, frame: &Frame, each: Option<&Each>, template: &Template, what: &str) -> Option<Value> {
        self.session.reset();
        match Here::new(self.session, frame, each).evaluate(template) {
            Err(error) => self.errors.add(error),
            Ok(value) if value.has_secret() => {
                self.errors
                    .add(Diagnostic::error(&template.span, format!("{what} can't be secret: it shows in the plan")));
            }
            Ok(value) if value.is_known() => return Some(value),
            Ok(_) if !self.session.missing().is_empty() => {}
            Ok(_) => {
                let message = format!("{what} must be known before anything is made");
                let help = "it depends on what only the cloud can tell; use parameters, locals and inputs of resources";
                self.errors.add(Diagnostic::error(&template.span, message).help(help));
            }
        }
        None
    }

    fn keys(&mut self, frame: &Frame, entry: usize, template: &Template) -> Option<Vec<(String, Each)>> {
        let value = self.known(frame, None, template, "`for_each`")?;
        let pairs: Vec<(Option<String>, Value)> = match value {
            Value::List(list) => list.into_iter().map(|item| (super::expression::as_text(&item), item)).collect(),
            Value::Map(map) => map.into_iter().map(|(key, value)| (Some(key), value)).collect(),
            other => {
                let message = format!("`for_each` is a list or a map, not {}", article(other.kind()));
                self.errors.add(Diagnostic::error(&template.span, message));
                return None;
            }
        };
        let mut seen = HashSet::new();
        let mut keys = Vec::with_capacity(pairs.len());
        for (index, (key, value)) in pairs.into_iter().enumerate() {
            let problem = match &key {
                None => Some(format!("{} can't be a key of `for_each`", article(value.kind()))),
                Some(key) if !seen.insert(key.clone()) => Some(format!("`for_each` has the key {key:?} twice")),
                Some(_) => None,
            };
            match (problem, key) {
                (Some(message), _) => {
                    self.errors.add(Diagnostic::error(&template.span, message).help("a map gives each element a key"));
                }
                (None, Some(key)) => {
                    let index = Value::Int(i64::try_from(index).unwrap_or(i64::MAX));
                    keys.push((key.clone(), Each { entry, key: Value::String(key), value, index }));
                }
                (None, None) => {}
            }
        }
        Some(keys)
    }

    fn instance(
        &mut self,
        frame: &Arc<Frame>,
        index: usize,
        entry: &Entry,
        each: Option<Arc<Each>>,
        inherited: &Nodes,
    ) -> Option<Instance> {
        let mut address = frame.address_of(&entry.name);
        if let Some(Value::String(key)) = each.as_deref().map(|each| &each.key) {
            address = address.with_key(key);
        }
        let before = self.allow(frame, each.as_deref(), &entry.allow);
        let instance = self.allowed_instance(frame, index, entry, address, each, inherited);
        self.allowed_here.truncate(before);
        instance
    }

    fn allowed_instance(
        &mut self,
        frame: &Arc<Frame>,
        index: usize,
        entry: &Entry,
        address: Address,
        each: Option<Arc<Each>>,
        inherited: &Nodes,
    ) -> Option<Instance> {
        match &entry.kind {
            EntryKind::Resource { properties, .. } => {
                let kind = frame.unit.types[index].clone()?;
                self.resource(frame, index, entry, kind, &address, each.as_ref(), properties, inherited);
                Some(Instance::Resource { address, each })
            }
            EntryKind::Component { .. } => {
                let unit = frame.unit.components[index].as_ref()?;
                let mut inherited = inherited.clone();
                for part in &entry.depends_on {
                    self.follower.part(self.session, frame, each.as_deref(), part, &mut inherited);
                }
                let inputs = Inputs::Component { parent: Arc::downgrade(frame), entry: index, each };
                let inner = Arc::new(Frame::new(unit, Some(address), inputs));
                self.frame(&inner, &inherited);
                Some(Instance::Component(inner))
            }
            EntryKind::Existing { type_name, id, tags } => {
                let by = self.existing_by(frame, id.as_ref(), tags.as_ref())?;
                let lookup = Lookup::Existing { type_name: type_name.value.clone(), by };
                Some(Instance::Existing(self.session.answer(lookup)))
            }
            EntryKind::Broken => None,
        }
    }

    /// How long the stack says that a resource is awaited, which must be known before anything is made.
    fn patience(&mut self, frame: &Frame, each: Option<&Each>, entry: &Entry) -> Patience {
        let Some(deploy) = &entry.deploy else { return Patience::default() };
        for name in ["wait", "timeout"] {
            if let Some(template) = deploy.settings.entry(name) {
                self.known(frame, each, template, &format!("`{name}`"));
            }
        }
        self.session.reset();
        deploy::patience(deploy, |template| Here::new(self.session, frame, each).evaluate(template))
    }

    fn existing_by(&mut self, frame: &Frame, id: Option<&Template>, tags: Option<&Template>) -> Option<ExistingBy> {
        if let Some(template) = id {
            return match self.known(frame, None, template, "an `id`")? {
                Value::String(id) => Some(ExistingBy::Id(id)),
                other => {
                    let message = format!("an `id` is a string, not {}", article(other.kind()));
                    self.errors.add(Diagnostic::error(&template.span, message));
                    None
                }
            };
        }
        let template = tags?;
        let value = self.known(frame, None, template, "`tags`")?;
        let Value::Map(tags) = value else { return None };
        let texts = tags.into_iter().map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect();
        if Option::is_none(&texts) {
            self.errors.add(Diagnostic::error(&template.span, "a tag's value is a string"));
        }
        texts.map(ExistingBy::Tags)
    }

    #[expect(clippy::too_many_arguments, reason = "one caller, which has them all at hand")]
    fn resource(
        &mut self,
        frame: &Arc<Frame>,
        index: usize,
        entry: &Entry,
        kind: Arc<TypeInfo>,
        address: &Address,
        each: Option<&Arc<Each>>,
        properties: &Template,
        inherited: &Nodes,
    ) {
        if self.nodes.len() == MAX_RESOURCES {
            let message = format!("the stack has more than {MAX_RESOURCES} resources");
            self.errors.add(Diagnostic::error(&entry.span, message));
        }
        if self.nodes.len() >= MAX_RESOURCES {
            return;
        }
        let each_ref = each.map(|each| &**each);
        let (mut early, mut late) = (Nodes::new(), inherited.clone());
        properties.each_part(&mut Vec::new(), &mut |path, part| {
            let starts_early = starts_early(&kind, path);
            let out = if starts_early { &mut early } else { &mut late };
            for reference in references(&part.code) {
                self.follower.reference(self.session, frame, each_ref, part, &reference, out);
            }
        });
        if let Some(deploy) = &entry.deploy {
            self.follower.template(self.session, frame, each_ref, &deploy.settings, &mut late);
        }
        for part in &entry.depends_on {
            self.follower.part(self.session, frame, each_ref, part, &mut late);
        }
        let mut replace_on = Nodes::new();
        for part in &entry.lifecycle.replace_on {
            self.follower.part(self.session, frame, each_ref, part, &mut replace_on);
        }
        late.extend(&replace_on);
        let node = self.nodes.len();
        let early: Vec<usize> = early.difference(&late).copied().collect();
        let dependencies: BTreeSet<usize> = late.iter().chain(&early).copied().collect();
        let prevent_destroy = match &entry.lifecycle.prevent_destroy {
            None => false,
            Some(template) => match self.known(frame, each_ref, template, "`prevent_destroy`") {
                Some(Value::Bool(prevent)) => prevent,
                None => true,
                Some(_) => {
                    self.errors.add(Diagnostic::error(&template.span, "`prevent_destroy` is a boolean"));
                    true
                }
            },
        };
        if let Some(warning) = kind.warning
            && self.warned.insert(warning)
        {
            self.warnings.push(Diagnostic::warning(&entry.span, warning));
        }
        let patience = self.patience(frame, each_ref, entry);
        self.nodes.push(Node {
            address: address.clone(),
            logical_name: entry.name.clone(),
            kind,
            dependencies: dependencies.into_iter().collect(),
            early,
            lifecycle: Lifecycle {
                prevent_destroy,
                ignore: entry.lifecycle.ignore.iter().map(|name| name.value.clone()).collect(),
                replace_on: replace_on.iter().map(|node| self.nodes[*node].address.clone()).collect(),
            },
            allowed: self.allowed_here.iter().rev().copied().collect(),
            patience,
            span: entry.span.clone(),
        });
        self.definitions.push(Definition { frame: Arc::clone(frame), entry: index, each: each.cloned() });
        self.follower.nodes.insert(address.clone(), node);
    }
}

/// Whether a reference at this path of a type's properties needs its target only to exist.
fn starts_early(kind: &TypeInfo, path: &[&str]) -> bool {
    kind.starts_early.iter().any(|property| {
        let mut keys = path.iter();
        property.split('.').all(|part| keys.next() == Some(&part))
    })
}
