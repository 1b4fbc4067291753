//! What a type's JSON Schema says of comparing its properties, compiled once a type.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::catalog::TypeInfo;
use crate::cloud::Live;
use crate::value::Value;

/// How a value is compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shape {
    /// Its kind.
    pub(crate) kind: Kind,
    /// Whether the cloud never tells it, so that only what was last applied can be compared with.
    pub(crate) write_only: bool,
    /// Whether it is never stored or shown.
    pub(crate) secret: bool,
    /// What the cloud sets when the stack says nothing, where the schema tells.
    pub(crate) default: Option<Value>,
    /// Fields of a map that exclude each other.
    pub(crate) one_of: Vec<String>,
}

/// The kinds of value that are compared differently.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Kind {
    /// Nothing is known of it: a map is compared key by key, a list in order.
    #[default]
    Any,
    /// A string, number or boolean.
    Scalar,
    /// A JSON document, as a map or as text: compared by meaning.
    Json,
    /// A list whose order counts.
    List(Box<Shape>),
    /// A list whose order does not count.
    Set(Box<Shape>),
    /// A list of maps that are told apart by the field named here, of which only those that the stack names are ours.
    Keyed(String, Box<Shape>),
    /// A map, with the shapes of its fields and that of all others.
    Map {
        /// Fields that the schema names.
        fields: BTreeMap<String, Shape>,
        /// All others.
        rest: Box<Shape>,
    },
}

static ANY: Shape = Shape { kind: Kind::Any, write_only: false, secret: false, default: None, one_of: Vec::new() };

impl Shape {
    /// Compiles a JSON Schema, resolving `$ref`s within it.
    pub(crate) fn compile(schema: &Json) -> Self {
        Compiler { root: schema, open: Vec::new() }.shape(schema)
    }

    /// The shape of the field `name`.
    pub(crate) fn field(&self, name: &str) -> &Shape {
        match &self.kind {
            Kind::Map { fields, rest } => fields.get(name).unwrap_or(rest),
            _ => &ANY,
        }
    }

    /// Whether it is a map of fields that the schema names, which says something by being there even with nothing in it.
    pub(crate) fn is_structure(&self) -> bool {
        matches!(&self.kind, Kind::Map { rest, .. } if rest.kind == Kind::Any)
    }

    /// The shape of an element.
    pub(crate) fn element(&self) -> &Shape {
        match &self.kind {
            Kind::List(element) | Kind::Set(element) | Kind::Keyed(_, element) => element,
            _ => &ANY,
        }
    }

    /// Whether it is or holds a secret.
    pub(crate) fn has_secret(&self) -> bool {
        self.secret
            || match &self.kind {
                Kind::List(element) | Kind::Set(element) | Kind::Keyed(_, element) => element.has_secret(),
                Kind::Map { fields, rest } => rest.has_secret() || fields.values().any(Shape::has_secret),
                Kind::Any | Kind::Scalar | Kind::Json => false,
            }
    }

    /// Whether it is or holds something that the cloud never tells.
    pub(crate) fn is_untold(&self) -> bool {
        self.write_only
            || match &self.kind {
                Kind::List(element) | Kind::Set(element) | Kind::Keyed(_, element) => element.is_untold(),
                Kind::Map { fields, rest } => rest.is_untold() || fields.values().any(Shape::is_untold),
                Kind::Any | Kind::Scalar | Kind::Json => false,
            }
    }

    /// Marks as secret what the schema says is secret.
    pub(crate) fn conceal(&self, value: Value) -> Value {
        match (value, &self.kind) {
            (value @ (Value::Null | Value::Unknown | Value::Secret(_) | Value::Digest(_)), _) => value,
            (value, _) if self.secret => Value::Secret(Box::new(value)),
            (Value::List(list), Kind::List(element) | Kind::Set(element) | Kind::Keyed(_, element)) => {
                list.into_iter().map(|value| element.conceal(value)).collect()
            }
            (Value::Map(map), Kind::Map { .. }) => map
                .into_iter()
                .map(|(key, value)| {
                    let value = self.field(&key).conceal(value);
                    (key, value)
                })
                .collect(),
            (value, _) => value,
        }
    }
}

struct Compiler<'a> {
    root: &'a Json,
    /// References being followed, so that a recursive schema ends.
    open: Vec<&'a str>,
}

impl<'a> Compiler<'a> {
    fn shape(&mut self, schema: &'a Json) -> Shape {
        let flag = |name: &str| schema.get(name).and_then(Json::as_bool).unwrap_or(false);
        let mut shape = match schema.get("$ref").and_then(Json::as_str) {
            Some(reference) => self.referenced(reference),
            None => Shape { kind: self.kind(schema), ..Shape::default() },
        };
        if flag("uniqueItems")
            && let Kind::List(element) = shape.kind
        {
            shape.kind = Kind::Set(element);
        }
        if let Some(key) = schema.get("x-key").and_then(Json::as_str)
            && let Kind::List(element) | Kind::Set(element) = shape.kind
        {
            shape.kind = Kind::Keyed(key.to_owned(), element);
        }
        if schema.get("format").and_then(Json::as_str) == Some("json") {
            shape.kind = Kind::Json;
        }
        shape.write_only |= flag("writeOnly");
        shape.secret |= flag("x-secret");
        if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
            shape.default = Some(Value::from(default.clone()));
        }
        if let Some(names) = schema.get("x-one-of").and_then(Json::as_array) {
            shape.one_of = names.iter().filter_map(Json::as_str).map(str::to_owned).collect();
        }
        shape
    }

    fn referenced(&mut self, reference: &'a str) -> Shape {
        let target = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
        match target {
            Some(target) if !self.open.contains(&reference) => {
                self.open.push(reference);
                let shape = self.shape(target);
                self.open.pop();
                shape
            }
            _ => Shape::default(),
        }
    }

    fn kind(&mut self, schema: &'a Json) -> Kind {
        for keyword in ["anyOf", "oneOf", "allOf"] {
            if let Some(options) = schema.get(keyword).and_then(Json::as_array) {
                let mut real = options.iter().filter(|option| option.get("type") != Some(&Json::from("null")));
                return match (real.next(), real.next()) {
                    (Some(only), None) => self.shape(only).kind,
                    _ => Kind::Any,
                };
            }
        }
        let names: Vec<&str> = match schema.get("type") {
            Some(Json::String(name)) => vec![name],
            Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).filter(|name| *name != "null").collect(),
            _ if schema.get("enum").is_some() || schema.get("const").is_some() => vec!["string"],
            _ if schema.get("properties").is_some() => vec!["object"],
            _ => Vec::new(),
        };
        match names.as_slice() {
            ["object"] => self.map(schema),
            ["array"] => Kind::List(Box::new(schema.get("items").map(|items| self.shape(items)).unwrap_or_default())),
            [] => Kind::Any,
            names if names.iter().all(|name| !matches!(*name, "object" | "array")) => Kind::Scalar,
            _ => Kind::Any,
        }
    }

    fn map(&mut self, schema: &'a Json) -> Kind {
        let fields = match schema.get("properties").and_then(Json::as_object) {
            Some(properties) => properties.iter().map(|(name, field)| (name.clone(), self.shape(field))).collect(),
            None => BTreeMap::new(),
        };
        let rest = match schema.get("additionalProperties") {
            Some(rest @ Json::Object(_)) => self.shape(rest),
            _ => Shape::default(),
        };
        Kind::Map { fields, rest: Box::new(rest) }
    }
}

/// The shapes of one type.
#[derive(Debug)]
pub(crate) struct TypeShape {
    /// Of its properties.
    pub(crate) properties: Shape,
    /// Of its outputs.
    pub(crate) outputs: Shape,
    properties_secret: bool,
    outputs_secret: bool,
}

impl TypeShape {
    /// Compiles the schemas of a type.
    pub(crate) fn new(kind: &TypeInfo) -> Self {
        let (properties, outputs) = (Shape::compile(&kind.properties), Shape::compile(&kind.outputs));
        let (properties_secret, outputs_secret) = (properties.has_secret(), outputs.has_secret());
        Self { properties, outputs, properties_secret, outputs_secret }
    }

    /// Properties, with what the schema says is secret marked so.
    pub(crate) fn conceal_properties(&self, properties: Value) -> Value {
        if self.properties_secret { self.properties.conceal(properties) } else { properties }
    }

    /// Outputs, with what the schema says is secret marked so.
    pub(crate) fn conceal_outputs(&self, outputs: Value) -> Value {
        if self.outputs_secret { self.outputs.conceal(outputs) } else { outputs }
    }

    /// A resource as the cloud tells it, with what the schema says is secret marked so.
    pub(crate) fn conceal_live<'l>(&self, live: &'l Live) -> Cow<'l, Live> {
        if !self.properties_secret && !self.outputs_secret {
            return Cow::Borrowed(live);
        }
        Cow::Owned(Live {
            id: live.id.clone(),
            properties: self.conceal_properties(live.properties.clone()),
            outputs: self.conceal_outputs(live.outputs.clone()),
        })
    }

    /// The names of the outputs.
    pub(crate) fn output_names(&self) -> impl Iterator<Item = &str> {
        match &self.outputs.kind {
            Kind::Map { fields, .. } => Some(fields.keys().map(String::as_str)),
            _ => None,
        }
        .into_iter()
        .flatten()
    }
}

/// The shapes of the types that a stack uses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shapes(HashMap<&'static str, Arc<TypeShape>>);

impl Shapes {
    /// Compiles each of `kinds` once.
    pub(crate) fn new<'a>(kinds: impl IntoIterator<Item = &'a Arc<TypeInfo>>) -> Self {
        let mut shapes = HashMap::new();
        for kind in kinds {
            shapes.entry(kind.name).or_insert_with(|| Arc::new(TypeShape::new(kind)));
        }
        Self(shapes)
    }

    /// The shapes of a type, compiled here if it is not one of those that the stack uses.
    pub(crate) fn of(&self, kind: &TypeInfo) -> Arc<TypeShape> {
        match self.0.get(kind.name) {
            Some(shape) => Arc::clone(shape),
            None => Arc::new(TypeShape::new(kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_nullables_and_marks_are_resolved() {
        let shape = Shape::compile(&json!({
            "type": "object",
            "properties": {
                "Name": { "type": ["string", "null"], "default": null },
                "Rules": { "type": "array", "uniqueItems": true, "items": { "$ref": "#/$defs/Rule" } },
                "Policy": { "type": ["object", "string"], "format": "json" },
                "Nested": { "anyOf": [{ "$ref": "#/$defs/Rule" }, { "type": "null" }] },
                "Labels": { "type": "object", "additionalProperties": { "type": "string" } },
                "Count": { "type": "integer", "default": 3 },
            },
            "$defs": {
                "Rule": { "type": "object", "properties": {
                    "Port": { "type": "integer" },
                    "Password": { "type": "string", "x-secret": true, "writeOnly": true },
                    "Child": { "$ref": "#/$defs/Rule" },
                } },
            },
        }));
        assert_eq!(shape.field("Name"), &Shape { kind: Kind::Scalar, ..Shape::default() });
        assert!(matches!(shape.field("Rules").kind, Kind::Set(_)));
        let password = shape.field("Rules").element().field("Password");
        assert!(password.secret && password.write_only);
        assert_eq!(shape.field("Policy").kind, Kind::Json);
        assert_eq!(shape.field("Nested").field("Port").kind, Kind::Scalar);
        assert_eq!(shape.field("Nested").field("Child").kind, Kind::Any);
        assert_eq!(shape.field("Labels").field("whatever").kind, Kind::Scalar);
        assert_eq!(shape.field("Count").default, Some(Value::Int(3)));
        assert!(shape.has_secret());
    }

    #[test]
    fn secrets_of_the_schema_are_concealed_where_they_stand() {
        let shape = Shape::compile(&json!({
            "type": "object",
            "properties": { "Users": { "type": "array", "items": { "type": "object", "properties": {
                "Name": { "type": "string" },
                "Password": { "type": "string", "x-secret": true },
            } } } },
        }));
        let value = shape.conceal(Value::from(json!({ "Users": [{ "Name": "ada", "Password": "hunter2" }] })));
        assert_eq!(format!("{value:?}"), r#"{"Users": [{"Name": "ada", "Password": (secret)}]}"#);
    }
}
