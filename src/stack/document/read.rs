//! Nodes → [`Document`].

use std::path::PathBuf;
use std::sync::Arc;

use super::settings::{allow, settings};
use super::{
    Deploy, Document, Entry, EntryKind, FileKind, LifecycleRules, Output, Parameter, ParameterType, Probe, Reader,
    Spanned,
};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Source};
use crate::stack::expression::{Compiler, FUNCTIONS, Template, Tree};
use crate::stack::keeping::{self, Keeping};
use crate::stack::yaml::{Data, Key, Node};
use crate::stack::{deploy, probe, suggest};
use crate::value::Value;

const STACK_KEYS: &[&str] = &[
    "stack",
    "region",
    "state",
    "parameters",
    "locals",
    "tags",
    "resources",
    "existing",
    "outputs",
    "moved",
    "forget",
    "allow",
    "probe",
];
const COMPONENT_KEYS: &[&str] = &["description", "parameters", "locals", "resources", "existing", "outputs"];
const PARAMETER_KEYS: &[&str] = &["type", "description", "default", "enum", "minimum", "maximum", "pattern", "secret"];
const RESOURCE_KEYS: &[&str] =
    &["type", "properties", "for_each", "when", "depends_on", "lifecycle", "deploy", "allow"];
const COMPONENT_ENTRY_KEYS: &[&str] = &["component", "with", "for_each", "when", "depends_on", "allow"];

/// Reads a document from the root node of its file.
pub(in crate::stack) fn read(
    root: Node,
    kind: FileKind,
    source: &Arc<Source>,
    compiler: &mut Compiler,
    diagnostics: &mut Vec<Diagnostic>,
) -> Document {
    let mut reader = Reader { source, compiler, diagnostics };
    let mut document = Document {
        source: Arc::clone(source),
        name: String::new(),
        region: None,
        keeping: Keeping::of(&source.path),
        parameters: Vec::new(),
        locals: Vec::new(),
        tags: None,
        entries: Vec::new(),
        outputs: Vec::new(),
        moved: Vec::new(),
        forget: Vec::new(),
        allow: Vec::new(),
        probe: None,
    };
    let start = root.range.start..root.range.start;
    let (what, keys) = match kind {
        FileKind::Stack => ("a stack", STACK_KEYS),
        FileKind::Component => ("a component", COMPONENT_KEYS),
    };
    if kind == FileKind::Component
        && let Data::Map(entries) = &root.data
        && let Some((key, _)) = entries.iter().find(|(key, _)| key.text == "stack")
    {
        let help = "`stack(\"name\", \"environment\")` reads another stack's outputs".to_owned();
        reader.error_help(&key.range, "this is a stack, not a component", Some(help));
        return document;
    }
    let mut named = false;
    for (key, node) in reader.fields(root, what, keys) {
        match key.text.as_str() {
            "stack" => {
                named = true;
                document.name = stack_name(&mut reader, node);
            }
            "region" => document.region = Some(reader.template(node)),
            "state" => document.keeping = keeping::read(&mut reader, node),
            "parameters" => {
                for (key, node) in reader.map(node, "`parameters`") {
                    document.parameters.extend(parameter(&mut reader, key, node));
                }
            }
            "locals" => {
                for (key, node) in reader.map(node, "`locals`") {
                    if lower_case_name(&mut reader, &key, "a local's name") {
                        let span = reader.span(&key.range);
                        document.locals.push((Spanned { value: key.text, span }, reader.template(node)));
                    }
                }
            }
            "tags" => document.tags = Some(reader.template(node)),
            "resources" => {
                for (key, node) in reader.map(node, "`resources`") {
                    logical_name(&mut reader, &key);
                    document.entries.push(entry(&mut reader, key, node));
                }
            }
            "existing" => {
                for (key, node) in reader.map(node, "`existing`") {
                    logical_name(&mut reader, &key);
                    document.entries.push(existing(&mut reader, key, node));
                }
            }
            "outputs" => {
                for (key, node) in reader.map(node, "`outputs`") {
                    if lower_case_name(&mut reader, &key, "an output's name") {
                        document.outputs.extend(output(&mut reader, key, node));
                    }
                }
            }
            "moved" => moved(&mut reader, node, &mut document),
            "allow" => document.allow = allow(&mut reader, node),
            "probe" => {
                let span = reader.span(&key.range);
                let settings = settings(&mut reader, node, "`probe`", &probe::KEYS);
                document.probe = settings.map(|settings| Probe { span, settings });
            }
            "forget" => {
                for item in reader.list(node, "`forget`") {
                    document.forget.extend(address(&mut reader, item, "an element of `forget`"));
                }
            }
            _ => {}
        }
    }
    if kind == FileKind::Stack && !named {
        let help = "begin with `stack: name`".to_owned();
        reader.error_help(&start, "a stack has a name, and this has none", Some(help));
    }
    unique_names(&mut reader, &document);
    document
}

fn stack_name(reader: &mut Reader<'_>, node: Node) -> String {
    let range = node.range.clone();
    let Some(name) = reader.text(node, "a stack's name") else { return String::new() };
    let valid = name.value.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.value.len() <= 64
        && name.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !valid {
        let message = format!("`{}` can't be a stack's name", name.value);
        let help = "a letter, then letters, digits and `-`, at most 64 in all".to_owned();
        reader.error_help(&range, message, Some(help));
    }
    name.value
}

fn logical_name(reader: &mut Reader<'_>, key: &Key) {
    let name = key.text.as_str();
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(|b| b.is_ascii_alphanumeric());
    if !valid {
        let help = "a logical name is a letter, then letters and digits, as in `WebServer`".to_owned();
        reader.error_help(&key.range, format!("`{name}` can't be a logical name"), Some(help));
        return;
    }
    if taken_names().any(|taken| taken == name) {
        let message = format!("`{name}` already means something in expressions");
        reader.error_help(&key.range, message, Some("choose another logical name".to_owned()));
    }
}

/// What already means something in expressions, so that nothing can be called so.
pub(in crate::stack) fn taken_names() -> impl Iterator<Item = &'static str> {
    let roots =
        ["params", "local", "each", "aws", "null", "true", "false", "in", "has", "map", "filter", "all", "exists"];
    roots.into_iter().chain(FUNCTIONS.iter().map(|function| function.name))
}

fn lower_case_name(reader: &mut Reader<'_>, key: &Key, what: &str) -> bool {
    let name = key.text.as_str();
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !valid {
        let help = format!("{what} is a letter, then letters, digits and `_`");
        reader.error_help(&key.range, format!("`{name}` can't be {what}"), Some(help));
    }
    valid
}

fn unique_names(reader: &mut Reader<'_>, document: &Document) {
    let mut seen = std::collections::HashMap::new();
    for entry in &document.entries {
        if let Some(first) = seen.insert(entry.name.as_str(), &entry.span) {
            let error = Diagnostic::error(&entry.span, format!("`{}` is both ours and existing", entry.name));
            reader.diagnostics.push(error.related(first, "first here"));
        }
    }
}

fn parameter(reader: &mut Reader<'_>, key: Key, node: Node) -> Option<Parameter> {
    if !lower_case_name(reader, &key, "a parameter's name") {
        return None;
    }
    let what = format!("the parameter `{}`", key.text);
    let mut parameter = Parameter {
        name: key.text,
        span: reader.span(&key.range),
        kind: ParameterType::String,
        default: None,
        allowed: None,
        minimum: None,
        maximum: None,
        pattern: None,
        secret: false,
        broken: false,
    };
    let errors = reader.diagnostics.len();
    if !matches!(node.data, Data::Map(_)) {
        let help = "as in `desired: { type: integer, default: 2 }`".to_owned();
        reader.error_help(
            &node.range,
            format!("{what} is declared by a map, not {}", crate::stack::expression::article(node.kind())),
            Some(help),
        );
        parameter.broken = true;
        return Some(parameter);
    }
    let mut allowed = None;
    let mut typed = false;
    for (key, node) in reader.fields(node, &what, PARAMETER_KEYS) {
        let range = node.range.clone();
        match key.text.as_str() {
            "type" => {
                typed = true;
                let Some(name) = reader.text(node, "a parameter's type") else { continue };
                match ParameterType::parse(&name.value) {
                    Some(kind) => parameter.kind = kind,
                    None => {
                        let help = suggest::help(&name.value, ParameterType::NAMES, || {
                            Some(format!("it is {}", suggest::list(ParameterType::NAMES)))
                        });
                        reader.error_help(&range, format!("there is no parameter type `{}`", name.value), help);
                    }
                }
            }
            "description" => drop(reader.text(node, "a description")),
            "default" => parameter.default = reader.constant(node, "a default"),
            "enum" => {
                let items = reader.list(node, "`enum`");
                allowed =
                    Some(items.into_iter().filter_map(|item| reader.constant(item, "`enum`")).collect::<Vec<_>>());
            }
            "minimum" => parameter.minimum = reader.number(&node, "`minimum`"),
            "maximum" => parameter.maximum = reader.number(&node, "`maximum`"),
            "pattern" => {
                let Some(pattern) = reader.text(node, "`pattern`") else { continue };
                match regex::RegexBuilder::new(&format!("^(?:{})$", pattern.value)).size_limit(1 << 20).build() {
                    Ok(regex) => parameter.pattern = Some(regex),
                    Err(_) => reader.error(&range, format!("`{}` is no regular expression", pattern.value)),
                }
            }
            "secret" => parameter.secret = reader.boolean(&node, "`secret`").unwrap_or(false),
            _ => {}
        }
    }
    if !typed {
        let help = format!("add `type:` and one of {}", suggest::list(ParameterType::NAMES));
        let span = parameter.span.clone();
        reader.diagnostics.push(Diagnostic::error(&span, format!("{what} has no type")).help(help));
        parameter.broken = true;
        return Some(parameter);
    }
    if reader.diagnostics.len() > errors {
        parameter.broken = true;
        return Some(parameter);
    }
    for value in allowed.iter().flatten() {
        if let Some(problem) = crate::stack::parameters::type_problem(parameter.kind, &value.value) {
            reader.diagnostics.push(Diagnostic::error(&value.span, problem.message));
        }
    }
    parameter.allowed = allowed.map(|values| values.into_iter().map(|value| value.value).collect());
    if let Some(default) = &parameter.default
        && let Err(problem) = crate::stack::parameters::check(&parameter, &default.value)
    {
        let mut error = Diagnostic::error(&default.span, problem.message);
        error.help = problem.help;
        reader.diagnostics.push(error);
    }
    Some(parameter)
}

fn entry(reader: &mut Reader<'_>, key: Key, node: Node) -> Entry {
    let what = format!("`{}`", key.text);
    let range = key.range.clone();
    let mut entry = Entry {
        span: reader.span(&key.range),
        name: key.text,
        kind: EntryKind::Broken,
        for_each: None,
        when: None,
        depends_on: Vec::new(),
        lifecycle: LifecycleRules::default(),
        deploy: None,
        allow: Vec::new(),
    };
    let Data::Map(fields) = &node.data else {
        let help = "a resource has a `type`, a component a `component`".to_owned();
        reader.error_help(&range, format!("{what} is empty or no map"), Some(help));
        return entry;
    };
    let has = |name: &str| fields.iter().any(|(key, _)| key.text == name);
    let component = has("component");
    if component && has("type") {
        reader.error(&range, format!("{what} is either a resource, with `type`, or a component, with `component`"));
        return entry;
    }
    if !component && !has("type") {
        let close = fields.iter().find(|(key, _)| suggest::closest(&key.text, ["type", "component"]).is_some());
        let (at, help) = match close {
            Some((key, _)) => (key.range.clone(), suggest::help(&key.text, ["type", "component"], || None)),
            None => (range.clone(), Some("a resource has a `type`, a component a `component`".to_owned())),
        };
        reader.error_help(&at, format!("{what} has no type"), help);
        return entry;
    }
    let keys = if component { COMPONENT_ENTRY_KEYS } else { RESOURCE_KEYS };
    // What a misspelt `properties` would have held is not reported as missing.
    let misspelt = fields.iter().any(|(key, _)| {
        !keys.contains(&key.text.as_str())
            && matches!(suggest::closest(&key.text, keys.iter().copied()), Some("properties" | "with"))
    });
    let (mut type_name, mut path, mut body) = (None, None, None);
    for (key, node) in reader.fields(node, &what, keys) {
        match key.text.as_str() {
            "type" => type_name = reader.text(node, "a type"),
            "component" => path = reader.text(node, "a component's path"),
            "properties" | "with" => {
                let name = format!("`{}`", key.text);
                if matches!(node.data, Data::Map(_) | Data::Null) {
                    body = Some(reader.template(node));
                } else {
                    reader.map(node, &name);
                }
            }
            "for_each" => entry.for_each = Some(reader.template(node)),
            "when" => entry.when = Some(reader.template(node)),
            "depends_on" => entry.depends_on = reader.parts(node, "`depends_on`"),
            "lifecycle" => entry.lifecycle = lifecycle(reader, node),
            "deploy" => {
                let span = reader.span(&key.range);
                let names: Vec<&str> = deploy::names().collect();
                let settings = settings(reader, node, "`deploy`", &names);
                entry.deploy = settings.map(|settings| Deploy { span, settings });
            }
            "allow" => entry.allow = allow(reader, node),
            _ => {}
        }
    }
    let mut body = body.unwrap_or_else(|| Template::literal(Value::map(), &entry.span));
    if matches!(body.tree, Tree::Literal(Value::Null)) {
        body = Template::literal(Value::map(), &entry.span);
    }
    if misspelt {
        body.tree = Tree::Broken;
    }
    entry.kind = match (type_name, path) {
        (Some(type_name), _) => EntryKind::Resource { type_name, properties: body },
        (_, Some(path)) => {
            EntryKind::Component { path: Spanned { value: PathBuf::from(path.value), span: path.span }, with: body }
        }
        _ => EntryKind::Broken,
    };
    entry
}

fn existing(reader: &mut Reader<'_>, key: Key, node: Node) -> Entry {
    let what = format!("`{}`", key.text);
    let range = key.range.clone();
    let mut entry = Entry {
        span: reader.span(&key.range),
        name: key.text,
        kind: EntryKind::Broken,
        for_each: None,
        when: None,
        depends_on: Vec::new(),
        lifecycle: LifecycleRules::default(),
        deploy: None,
        allow: Vec::new(),
    };
    let (mut type_name, mut id, mut tags) = (None, None, None);
    for (key, node) in reader.fields(node, &what, &["type", "id", "tags"]) {
        match key.text.as_str() {
            "type" => type_name = reader.text(node, "a type"),
            "id" => id = Some(reader.template(node)),
            "tags" => tags = Some(reader.template(node)),
            _ => {}
        }
    }
    let help = Some("as in `{ type: AWS::EC2::VPC, id: vpc-0a1b2c }`, or `tags: {…}` that exactly one has".to_owned());
    match type_name {
        None => reader.error_help(&range, format!("{what} has no type"), help),
        Some(_) if id.is_some() == tags.is_some() => {
            reader.error_help(&range, format!("{what} is found either by `id` or by `tags`"), help);
        }
        Some(type_name) => entry.kind = EntryKind::Existing { type_name, id, tags },
    }
    entry
}

fn lifecycle(reader: &mut Reader<'_>, node: Node) -> LifecycleRules {
    let mut rules = LifecycleRules::default();
    for (key, node) in reader.fields(node, "`lifecycle`", &["prevent_destroy", "ignore", "replace_on"]) {
        match key.text.as_str() {
            "prevent_destroy" => rules.prevent_destroy = Some(reader.template(node)),
            "ignore" => {
                let items = reader.list(node, "`ignore`");
                rules.ignore = items.into_iter().filter_map(|item| reader.text(item, "a property's name")).collect();
            }
            "replace_on" => rules.replace_on = reader.parts(node, "`replace_on`"),
            _ => {}
        }
    }
    rules
}

fn output(reader: &mut Reader<'_>, key: Key, node: Node) -> Option<Output> {
    let mut output = Output {
        span: reader.span(&key.range),
        name: key.text,
        value: Template::literal(Value::Null, &reader.span(&key.range)),
        secret: false,
        description: None,
    };
    let long = matches!(&node.data, Data::Map(entries) if entries.iter().any(|(key, _)| key.text == "value"));
    if !long {
        output.value = reader.template(node);
        return Some(output);
    }
    let what = format!("the output `{}`", output.name);
    for (key, node) in reader.fields(node, &what, &["value", "secret", "description"]) {
        match key.text.as_str() {
            "value" => output.value = reader.template(node),
            "secret" => output.secret = reader.boolean(&node, "`secret`").unwrap_or(false),
            "description" => output.description = reader.text(node, "a description").map(|text| text.value),
            _ => {}
        }
    }
    Some(output)
}

fn moved(reader: &mut Reader<'_>, node: Node, document: &mut Document) {
    let items = if matches!(node.data, Data::Map(_)) { vec![node] } else { reader.list(node, "`moved`") };
    for item in items {
        let range = item.range.clone();
        let (mut from, mut to, mut broken) = (None, None, false);
        for (key, node) in reader.fields(item, "an element of `moved`", &["from", "to"]) {
            let side = address(reader, node, "an address");
            broken |= side.is_none();
            match key.text.as_str() {
                "from" => from = side,
                _ => to = side,
            }
        }
        match (from, to) {
            (Some(from), Some(to)) => document.moved.push((from, to)),
            _ if broken => {}
            _ => {
                let start = range.start..range.start;
                reader.error_help(
                    &start,
                    "`moved` needs both `from` and `to`",
                    Some("as in `- { from: Old, to: New }`".to_owned()),
                );
            }
        }
    }
}

fn address(reader: &mut Reader<'_>, node: Node, what: &str) -> Option<Spanned<Address>> {
    let range = node.range.clone();
    let text = reader.text(node, what)?;
    match parse_address(&text.value) {
        Some(value) => Some(Spanned { value, span: text.span }),
        None => {
            let help = "as in `Vpc`, `Subnet[\"us-east-1a\"]`, `Api.Service`".to_owned();
            reader.error_help(&range, format!("`{}` is no address", text.value), Some(help));
            None
        }
    }
}

/// The address that `text` writes.
pub(in crate::stack) fn parse_address(text: &str) -> Option<Address> {
    let mut address: Option<Address> = None;
    let mut rest = text;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let name = &rest[..end];
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let mut here = match &address {
            None => Address::root(name),
            Some(parent) => parent.child(name),
        };
        rest = &rest[end..];
        if let Some(bracket) = rest.strip_prefix('[') {
            let mut stream = serde_json::Deserializer::from_str(bracket).into_iter::<String>();
            let key = stream.next()?.ok()?;
            rest = bracket[stream.byte_offset()..].strip_prefix(']')?;
            here = here.with_key(&key);
        }
        if rest.is_empty() {
            return Some(here);
        }
        rest = rest.strip_prefix('.')?;
        address = Some(here);
    }
}
