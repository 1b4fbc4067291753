//! Values and templates against the JSON Schema of a resource type's properties.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::expression::{Problem, Template, Tree, article};
use super::{pattern, suggest};
use crate::diagnostic::Diagnostic;
use crate::value::Value;

/// A part of a type's schema.
#[derive(Clone, Copy)]
pub(super) struct Schema<'c> {
    here: &'c Json,
    root: &'c Json,
}

/// What can be told of an expression without evaluating it.
pub(super) enum Foreseen {
    /// Its value.
    Value(Value),
    /// What kind of value it gives.
    Kind(&'static str),
}

/// How deep references between parts of a schema are followed.
const MAX_REFERENCES: usize = 16;

impl<'c> Schema<'c> {
    /// The schema of all properties of a type.
    pub(super) fn new(root: &'c Json) -> Self {
        Self { here: root, root }
    }

    fn at(self, here: &'c Json) -> Self {
        Self { here, root: self.root }.resolved()
    }

    /// The part that this one only refers to.
    fn resolved(mut self) -> Self {
        for _ in 0..MAX_REFERENCES {
            if let Some(pointer) = self.here.get("$ref").and_then(Json::as_str) {
                match pointer.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) {
                    Some(target) => self.here = target,
                    None => return self,
                }
                continue;
            }
            let only = ["anyOf", "oneOf", "allOf"].iter().find_map(|keyword| {
                let parts = self.here.get(*keyword)?.as_array()?;
                let mut real = parts.iter().filter(|part| part.get("type").and_then(Json::as_str) != Some("null"));
                let first = real.next()?;
                real.next().is_none().then_some(first)
            });
            match only {
                Some(part) => self.here = part,
                None => return self,
            }
        }
        self
    }

    fn keyword(&self, name: &str) -> Option<&'c Json> {
        self.here.get(name)
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.keyword(name).and_then(Json::as_f64)
    }

    /// The names of the properties of a map.
    pub(super) fn names(self) -> impl Iterator<Item = &'c str> {
        self.resolved()
            .keyword("properties")
            .and_then(Json::as_object)
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
    }

    /// The schema of one property of a map: `None` where there is none of that name.
    pub(super) fn property(self, name: &str) -> Option<Schema<'c>> {
        let schema = self.resolved();
        let named = schema.keyword("properties").and_then(|properties| properties.get(name));
        match (named, schema.keyword("additionalProperties")) {
            (Some(named), _) => Some(self.at(named)),
            (None, Some(Json::Bool(false))) => None,
            (None, Some(rest @ Json::Object(_))) => Some(self.at(rest)),
            (None, None) if schema.keyword("properties").is_some() => None,
            (None, _) => Some(self.at(&Json::Bool(true))),
        }
    }

    /// Whether a property is on the list of this schema, not only allowed by it.
    pub(super) fn has(self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Whether values are secret.
    pub(super) fn is_secret(self) -> bool {
        self.resolved().keyword("x-secret") == Some(&Json::Bool(true))
            || self.keyword("x-secret") == Some(&Json::Bool(true))
    }

    /// Whether values are secret, or may hold secrets.
    pub(super) fn holds_secret(self) -> bool {
        self.holds_secret_unseen(&mut HashSet::new())
    }

    fn holds_secret_unseen(self, seen: &mut HashSet<*const Json>) -> bool {
        if self.is_secret() {
            return true;
        }
        let this = self.resolved();
        if !seen.insert(std::ptr::from_ref(this.here)) {
            return false;
        }
        let named = this.keyword("properties").and_then(Json::as_object).into_iter().flatten().map(|(_, part)| part);
        let either = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|keyword| this.keyword(keyword)?.as_array());
        let rest = ["additionalProperties", "items"].into_iter().filter_map(|keyword| this.keyword(keyword));
        let mut parts = named.chain(either.flatten()).chain(rest);
        parts.any(|here| Schema { here, root: this.root }.holds_secret_unseen(seen))
    }

    fn required(self) -> impl Iterator<Item = &'c str> {
        self.keyword("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
    }

    /// The schema of a list's elements.
    pub(super) fn items(self) -> Option<Schema<'c>> {
        let this = self.resolved();
        this.own_items()
    }

    fn own_items(self) -> Option<Schema<'c>> {
        self.keyword("items").map(|items| self.at(items))
    }

    fn is_document(self) -> bool {
        self.keyword("format").and_then(Json::as_str) == Some("json")
    }

    /// The types it allows; empty where it says nothing.
    fn types(self) -> Vec<&'c str> {
        match self.keyword("type") {
            Some(Json::String(one)) => vec![one.as_str()],
            Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).filter(|name| *name != "null").collect(),
            _ => Vec::new(),
        }
    }

    /// The one kind of value that it allows, as the user calls it.
    pub(super) fn only_kind(self) -> Option<&'static str> {
        match self.resolved().types().as_slice() {
            ["string"] => Some("string"),
            ["integer"] => Some("integer"),
            ["boolean"] => Some("boolean"),
            ["array"] => Some("list"),
            ["object"] => Some("map"),
            _ => None,
        }
    }

    /// Checks that a value of this kind may stand here.
    fn kind(self, kind: &str) -> Result<(), Problem> {
        let types = self.types();
        if types.is_empty() || self.is_document() && matches!(kind, "map" | "list" | "string") {
            return Ok(());
        }
        let fits = types.iter().any(|name| match *name {
            "object" => kind == "map",
            "array" => kind == "list",
            "number" => matches!(kind, "number" | "integer"),
            name => name == kind,
        });
        if fits || matches!(kind, "null" | "unknown" | "secret") {
            return Ok(());
        }
        let names: Vec<String> = types
            .iter()
            .map(|name| match *name {
                "object" => "a map".to_owned(),
                "array" => "a list".to_owned(),
                name => article(name),
            })
            .collect();
        let problem = Problem::new(format!("expected {}, found {}", names.join(" or "), article(kind)));
        let one = types.first().copied().unwrap_or_default();
        Err(match (one, kind) {
            ("string", "integer" | "number" | "boolean") => {
                problem.help("put it in quotes, or make text of it with `string(…)`")
            }
            ("integer" | "number" | "boolean", "string") => problem.help("take the quotes away"),
            ("array", "string" | "map") => problem.help("a list is written `[…]`, or with `-` before each element"),
            _ => problem,
        })
    }

    /// Checks a known scalar.
    fn scalar(self, value: &Value) -> Result<(), Problem> {
        self.kind(value.kind()).map_err(|mut problem| {
            // Without its quotes it would be text still.
            if let Value::String(text) = value.revealed()
                && !["integer", "number", "boolean"].iter().any(|kind| reads_as(&text, kind))
            {
                problem.help = None;
            }
            problem
        })?;
        let secret = self.is_secret() || value.has_secret();
        let value = value.revealed();
        let shown = if secret { "this value".to_owned() } else { value.reveal().to_string() };
        if let Some(allowed) = self.keyword("enum").and_then(Json::as_array)
            && !matches!(value, Value::Null | Value::Unknown)
            && !allowed.contains(&value.reveal())
        {
            let names: Vec<&str> = allowed.iter().filter_map(Json::as_str).collect();
            let mut problem = Problem::new(format!("{shown} is not among the values allowed here"));
            problem.help = suggest::help(value.as_str().unwrap_or_default(), names.iter().copied(), || {
                Some(format!("it is {}", suggest::list(names.iter().copied())))
            });
            return Err(problem);
        }
        match &value {
            Value::Int(_) | Value::Float(_) => {
                let number = value.reveal().as_f64().unwrap_or_default();
                if let Some(minimum) = self.number("minimum").filter(|minimum| number < *minimum) {
                    return Err(Problem::new(format!("{shown} is less than the minimum, {minimum}")));
                }
                if let Some(maximum) = self.number("maximum").filter(|maximum| number > *maximum) {
                    return Err(Problem::new(format!("{shown} is more than the maximum, {maximum}")));
                }
            }
            Value::String(text) => {
                let length = text.chars().count() as f64;
                if let Some(limit) = self.number("minLength").filter(|limit| length < *limit) {
                    return Err(Problem::new(format!("this has {length} characters, fewer than {limit}")));
                }
                if let Some(limit) = self.number("maxLength").filter(|limit| length > *limit) {
                    return Err(Problem::new(format!("this has {length} characters, more than {limit}")));
                }
                if let Some(form) = self.keyword("pattern").and_then(Json::as_str)
                    && !pattern::matches(form, text)
                {
                    let problem = Problem::new(format!("{shown} is not of the form that is taken here"));
                    return Err(problem.help(format!("the pattern is `{form}`")));
                }
                if self.is_document() && serde_json::from_str::<Json>(text).is_err() {
                    return Err(Problem::new("this text is no JSON").help("write a map, or `json(…)`"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn length(self, length: usize) -> Result<(), Problem> {
        if let Some(limit) = self.number("minItems").filter(|limit| (length as f64) < *limit) {
            return Err(Problem::new(format!("a list of {length} elements is shorter than {limit}")));
        }
        if let Some(limit) = self.number("maxItems").filter(|limit| (length as f64) > *limit) {
            return Err(Problem::new(format!("a list of {length} elements is longer than {limit}")));
        }
        Ok(())
    }

    /// Checks that of the properties that exclude each other no two are given, nor fewer than must be. `given` are those
    /// that certainly are, `possible` how many may be.
    fn choice<'n>(self, given: impl Iterator<Item = &'n str>, possible: usize, owner: &str) -> Result<(), Problem> {
        let names: Vec<&str> =
            self.keyword("x-one-of").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        let given: Vec<&str> = given.filter(|name| names.contains(name)).collect();
        if let [first, second, ..] = given.as_slice() {
            let mut problem = Problem::new(format!("{owner} takes `{first}` or `{second}`, not both"));
            problem.help = (names.len() > 2).then(|| format!("it takes {}", suggest::list(names.iter().copied())));
            return Err(problem);
        }
        if self.number("minProperties").is_some_and(|limit| (possible as f64) < limit) {
            let problem = Problem::new(format!("{owner} is empty"));
            return Err(problem.help(format!("it has {}", suggest::list(self.names()))));
        }
        Ok(())
    }

    fn missing(self, name: &str) -> Problem {
        let _ = self;
        Problem::new(format!("the required property `{name}` is missing"))
    }

    fn unknown(self, name: &str, owner: &str) -> Problem {
        let mut problem = Problem::new(format!("{owner} has no property `{name}`"));
        problem.help = suggest::help(name, self.names(), || Some(format!("it has {}", suggest::list(self.names()))));
        problem
    }

    /// Checks a value that an expression gave, as far as it is known. `owner` is what the user calls it.
    pub(super) fn check(self, value: &Value, owner: &str) -> Result<(), Problem> {
        let schema = self.resolved();
        if schema.is_document() && !matches!(value, Value::String(_)) {
            return schema.kind(value.kind());
        }
        match value {
            Value::Secret(inner) => schema.check(inner, owner),
            Value::Map(map) => {
                schema.kind("map")?;
                for (key, value) in map {
                    let property = schema.property(key).ok_or_else(|| schema.unknown(key, owner))?;
                    let inside =
                        |problem: Problem| Problem { message: format!("`{key}`: {}", problem.message), ..problem };
                    property.check(value, &format!("`{key}`")).map_err(inside)?;
                }
                match schema.required().find(|name| !map.contains_key(*name)) {
                    Some(name) => Err(schema.missing(name)),
                    None => {
                        let possible = map.iter().filter(|(_, value)| **value != Value::Null);
                        let given = possible.clone().filter(|(_, value)| **value != Value::Unknown);
                        schema.choice(given.map(|(key, _)| key.as_str()), possible.count(), owner)
                    }
                }
            }
            Value::List(list) => {
                schema.kind("list")?;
                schema.length(list.len())?;
                let Some(items) = schema.items() else { return Ok(()) };
                list.iter().try_for_each(|item| items.check(item, owner))
            }
            Value::Unknown => Ok(()),
            scalar => schema.scalar(scalar),
        }
    }

    /// Checks what a template says without being evaluated. `owner` is what the user calls it.
    pub(super) fn check_template(
        self,
        template: &Template,
        owner: &str,
        foreseen: &dyn Fn(&Template) -> Option<Foreseen>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let schema = self.resolved();
        let report = |problem: Problem, diagnostics: &mut Vec<Diagnostic>| {
            let mut error = Diagnostic::error(&template.span, problem.message);
            error.help = problem.help;
            diagnostics.push(error);
        };
        let result = match &template.tree {
            Tree::Broken => Ok(()),
            Tree::Literal(value) => schema.scalar(value),
            Tree::Expression(_) => match foreseen(template) {
                None => Ok(()),
                Some(Foreseen::Value(value)) => schema.check(&value, owner),
                Some(Foreseen::Kind(kind)) => {
                    schema.kind(kind).map_err(|problem| match (problem.help.is_some(), kind) {
                        (true, "string") => problem.help("make a number of it with `int(…)`"),
                        (true, "integer" | "boolean") => problem.help("make text of it with `string(…)`"),
                        _ => problem,
                    })
                }
            },
            Tree::Text(_) => schema.kind("string"),
            Tree::Map(_) | Tree::List(_) if schema.is_document() => Ok(()),
            Tree::List(items) => schema.kind("list").and_then(|()| schema.length(items.len())).map(|()| {
                if let Some(schema) = schema.items() {
                    items.iter().for_each(|item| schema.check_template(item, owner, foreseen, diagnostics));
                }
            }),
            Tree::Map(entries) => schema.kind("map").map(|()| {
                for (key, span, value) in entries {
                    match schema.property(key) {
                        Some(property) => {
                            property.check_template(value, &format!("`{key}`"), foreseen, diagnostics);
                        }
                        None => {
                            let problem = schema.unknown(key, owner);
                            let mut error = Diagnostic::error(span, problem.message);
                            error.help = problem.help;
                            diagnostics.push(error);
                        }
                    }
                }
                for name in schema.required() {
                    let given = entries.iter().find(|(key, ..)| key == name);
                    if given.is_none_or(|(_, _, value)| matches!(value.tree, Tree::Literal(Value::Null))) {
                        // A misspelt key is reported as such; that the right one is missing follows from it.
                        let misspelt = entries.iter().any(|(key, ..)| {
                            schema.property(key).is_none() && suggest::closest(key, schema.names()) == Some(name)
                        });
                        if !misspelt {
                            let mut problem = schema.missing(name);
                            problem.message = format!("{owner} needs the property `{name}`");
                            report(problem, diagnostics);
                        }
                    }
                }
                // An expression may come to nothing.
                let possible = entries.iter().filter(|(.., value)| !matches!(value.tree, Tree::Literal(Value::Null)));
                let given = possible.clone().filter(|(.., value)| !matches!(value.tree, Tree::Expression(_)));
                if let Err(problem) = schema.choice(given.map(|(key, ..)| key.as_str()), possible.count(), owner) {
                    report(problem, diagnostics);
                }
            }),
        };
        if let Err(problem) = result {
            report(problem, diagnostics);
        }
    }
}

/// Whether text, without its quotes, is of this type of JSON Schema.
pub(super) fn reads_as(text: &str, wanted: &str) -> bool {
    match wanted {
        "integer" => text.parse::<i64>().is_ok(),
        "number" => text.parse::<f64>().is_ok(),
        "boolean" => matches!(text, "true" | "false"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_below_is_found_wherever_the_schema_keeps_it() {
        let secret = json!({"type": "string", "x-secret": true});
        let table = [
            (json!({"properties": {"A": {"properties": {"B": secret}}}}), true),
            (json!({"items": {"$ref": "#/$defs/Part"}}), true),
            (json!({"additionalProperties": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Part"}]}}), true),
            (json!({"properties": {"A": {"$ref": "#/$defs/Loop"}}}), false),
        ];
        let parts = json!({"Part": {"properties": {"B": secret}}, "Loop": {"items": {"$ref": "#/$defs/Loop"}}});
        for (mut schema, expected) in table {
            schema["$defs"] = parts.clone();
            assert_eq!(Schema::new(&schema).holds_secret(), expected, "{schema}");
        }
    }
}
