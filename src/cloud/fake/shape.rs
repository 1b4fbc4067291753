//! How a type's schema becomes behaviour: defaults, sets, documents, secrets and outputs.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::address::Id;
use crate::catalog::TypeInfo;
use crate::value::Value;

/// A type, with what the fake cloud reads out of its schema.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) kind: Arc<TypeInfo>,
    /// What its ids begin with: `vpc` of `Test::Net::Vpc`.
    pub(super) prefix: String,
    /// The property that its ids are made of, where they are no numbers.
    pub(super) named_by: Option<String>,
    fields: Fields,
    required: Vec<String>,
    outputs: Vec<(String, Output)>,
}

pub(super) type Fields = BTreeMap<String, Field>;

/// A property, as the schema tells it.
#[derive(Debug)]
pub(super) struct Field {
    default: Option<Value>,
    is_set: bool,
    is_json: bool,
    write_only: bool,
    secret: bool,
    fields: Fields,
}

#[derive(Debug)]
enum Output {
    Id,
    Arn,
    Text,
    Secret,
    Number,
    Flag,
}

impl Shape {
    pub(super) fn new(kind: &Arc<TypeInfo>) -> Self {
        let last = kind.name.rsplit("::").next().unwrap_or(kind.name);
        let names = |schema: &Json| -> Vec<String> {
            let list = schema["required"].as_array();
            list.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
        };
        let outputs = kind.outputs["properties"].as_object();
        let mut properties = kind.properties["properties"].as_object().into_iter().flatten();
        Self {
            prefix: last.to_ascii_lowercase(),
            named_by: properties.find(|(_, schema)| schema["x-id"] == true).map(|(name, _)| name.clone()),
            fields: fields(&kind.properties),
            required: names(&kind.properties),
            outputs: outputs
                .into_iter()
                .flatten()
                .map(|(name, schema)| (name.clone(), output(last, name, schema)))
                .collect(),
            kind: Arc::clone(kind),
        }
    }

    /// What is wrong with properties that are given on create.
    pub(super) fn mistake(&self, properties: &BTreeMap<String, Value>) -> Option<String> {
        if let Some(name) = self.required.iter().find(|name| !properties.contains_key(*name)) {
            return Some(format!("the property {name} is required"));
        }
        let Some(rule) = &self.kind.generated_name else { return None };
        match properties.get(rule.property).and_then(Value::as_str) {
            None => Some(format!("the property {} is required", rule.property)),
            Some(name) if name.chars().count() > rule.max_length => Some(format!("`{name}` is too long a name")),
            Some(name) if rule.lower_case && name.chars().any(char::is_uppercase) => {
                Some(format!("`{name}` has upper case letters"))
            }
            Some(_) => None,
        }
    }

    /// What is wrong with properties, given or changed: only names are checked, the language checks the rest.
    pub(super) fn unknown(&self, properties: &BTreeMap<String, Value>) -> Option<String> {
        let closed = self.kind.properties["additionalProperties"] == Json::Bool(false);
        let name = properties.keys().find(|name| closed && !self.fields.contains_key(*name))?;
        Some(format!("there is no property {name}"))
    }

    /// Makes properties what the cloud makes of them.
    pub(super) fn normalize(&self, properties: &mut BTreeMap<String, Value>) {
        normalize(&self.fields, properties);
    }

    /// One property made what the cloud makes of it.
    pub(super) fn normalize_one(&self, name: &str, value: &mut Value) {
        if let Some(field) = self.fields.get(name) {
            field.normalize(value);
        }
    }

    /// What a property is when nobody sets it.
    pub(super) fn default(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).and_then(|field| field.default.as_ref())
    }

    /// Whether a property holds a JSON document.
    pub(super) fn is_json(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|field| field.is_json)
    }

    /// Properties as a read tells them.
    pub(super) fn told(&self, properties: &BTreeMap<String, Value>) -> Value {
        told(&self.fields, properties)
    }

    /// The outputs of the resource with that id.
    pub(super) fn outputs(&self, id: &Id, number: u64) -> Value {
        let value = |name: &str, output: &Output| match output {
            Output::Id => Value::from(id.as_str()),
            Output::Arn => Value::from(format!("arn:fake:{}/{id}", name.to_ascii_lowercase())),
            Output::Text => Value::from(format!("{}.{id}", name.to_ascii_lowercase())),
            Output::Secret => Value::Secret(Box::new(Value::from(format!("generated-for-{id}")))),
            Output::Number => Value::Int(i64::try_from(number).unwrap_or(i64::MAX)),
            Output::Flag => Value::Bool(true),
        };
        self.outputs.iter().map(|(name, output)| (name.clone(), value(name, output))).collect()
    }
}

fn output(type_name: &str, name: &str, schema: &Json) -> Output {
    if schema["x-secret"] == Json::Bool(true) {
        return Output::Secret;
    }
    match schema["type"].as_str() {
        Some("integer" | "number") => Output::Number,
        Some("boolean") => Output::Flag,
        _ if name.ends_with("Arn") => Output::Arn,
        _ if name.strip_suffix("Id").is_some_and(|of| type_name.ends_with(of)) => Output::Id,
        _ => Output::Text,
    }
}

fn fields(schema: &Json) -> Fields {
    let properties = schema["properties"].as_object();
    properties.into_iter().flatten().map(|(name, schema)| (name.clone(), Field::new(schema))).collect()
}

impl Field {
    fn new(schema: &Json) -> Self {
        let flag = |keyword: &str| schema[keyword] == Json::Bool(true);
        let (is_set, is_json) = (flag("uniqueItems"), schema["format"] == "json");
        let (write_only, secret) = (flag("writeOnly"), flag("x-secret"));
        // What AWS adds on its own: switches are off, choices are at their first, numbers at their least.
        let default = match schema["type"].as_str() {
            _ if write_only || secret || is_json => None,
            _ if !schema["default"].is_null() => Some(Value::from(schema["default"].clone())),
            Some("boolean") => Some(Value::Bool(false)),
            Some("integer") => schema["minimum"].as_i64().map(Value::Int),
            Some("string") => schema["enum"].get(0).cloned().map(Value::from),
            _ => None,
        };
        Self { default, is_set, is_json, write_only, secret, fields: fields(schema) }
    }

    fn normalize(&self, value: &mut Value) {
        match value {
            Value::Map(map) if !self.is_json && !self.fields.is_empty() => normalize(&self.fields, map),
            Value::List(list) if self.is_set => list.reverse(),
            document if self.is_json => {
                let json = match &*document {
                    Value::String(text) => serde_json::from_str(text).unwrap_or(Json::Null),
                    other => other.reveal(),
                };
                // Text that is no JSON stays as it is.
                if !json.is_null() {
                    *document = Value::from(json.to_string());
                }
            }
            _ => {}
        }
    }
}

fn normalize(fields: &Fields, properties: &mut BTreeMap<String, Value>) {
    properties.retain(|_, value| *value != Value::Null);
    for (name, field) in fields {
        match (properties.get_mut(name), &field.default) {
            (Some(value), _) => field.normalize(value),
            (None, Some(default)) => drop(properties.insert(name.clone(), default.clone())),
            (None, None) => {}
        }
    }
}

fn told(fields: &Fields, properties: &BTreeMap<String, Value>) -> Value {
    let mut properties_told = BTreeMap::new();
    for (name, value) in properties {
        let value = match (fields.get(name), value) {
            (Some(field), _) if field.write_only => continue,
            (Some(field), value) if field.secret => Value::Secret(Box::new(value.clone())),
            (Some(field), Value::Map(map)) if !field.fields.is_empty() => told(&field.fields, map),
            (_, value) => value.clone(),
        };
        properties_told.insert(name.clone(), value);
    }
    Value::Map(properties_told)
}
