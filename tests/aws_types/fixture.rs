//! What a type's life is lived with: what it needs, its properties, and how they change.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use infra::value::Value;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

/// A type's fixture. In all properties, `${Name.Key}` stands for a property or output of what is needed, and `$${` for `${`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fixture {
    /// What must exist first, in this order.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// What it is made with.
    pub properties: Map<String, Json>,
    /// How it changes in place, one after the other.
    #[serde(default)]
    pub updates: Vec<Update>,
    /// Properties that the local AWS forgets, each with why it may.
    #[serde(default)]
    pub untold: BTreeMap<String, String>,
}

/// A resource that must exist first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Need {
    /// What it is referred to by.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What it is made with.
    #[serde(default)]
    pub properties: Map<String, Json>,
}

/// A change in place.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    /// Properties that get a value.
    #[serde(default)]
    pub set: Map<String, Json>,
    /// Properties that no longer have one, with what AWS's default then is; null where it tells none.
    #[serde(default)]
    pub reset: Map<String, Json>,
}

/// The names of all types that have a fixture.
pub(crate) fn names() -> Vec<String> {
    let files = fs::read_dir(folder()).expect("the fixtures' folder");
    let stems = files.filter_map(|file| Some(file.ok()?.path().file_stem()?.to_str()?.replace('-', "::")));
    stems.collect()
}

/// The fixture of a type.
pub(crate) fn of(type_name: &str) -> Result<Fixture, String> {
    let path = folder().join(format!("{}.json", type_name.replace("::", "-")));
    let text = fs::read_to_string(&path).map_err(|error| format!("no fixture {}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/aws_types/fixtures")
}

/// `properties` with every `${Name.Key}` in them replaced by what `known` says of it.
pub(crate) fn resolved(properties: &Map<String, Json>, known: &BTreeMap<String, Value>) -> Result<Value, String> {
    resolve(&Json::Object(properties.clone()), known)
}

fn resolve(json: &Json, known: &BTreeMap<String, Value>) -> Result<Value, String> {
    match json {
        Json::String(text) => substitute(text, known),
        Json::Array(list) => list.iter().map(|json| resolve(json, known)).collect::<Result<Value, _>>(),
        Json::Object(map) => {
            map.iter().map(|(key, json)| Ok((key.clone(), resolve(json, known)?))).collect::<Result<Value, _>>()
        }
        plain => Ok(Value::from(plain.clone())),
    }
}

fn substitute(text: &str, known: &BTreeMap<String, Value>) -> Result<Value, String> {
    let Some((before, rest)) = text.split_once("${") else { return Ok(Value::from(text)) };
    if let Some(before) = before.strip_suffix('$') {
        let rest = substitute(rest, known)?;
        return Ok(Value::from(format!("{before}${{{}", rest.as_str().unwrap_or_default())));
    }
    let (reference, after) = rest.split_once('}').ok_or_else(|| format!("`{text}` has no end"))?;
    let value = reference.split_once('.').and_then(|(name, key)| known.get(name)?.get(key));
    let value = value.ok_or_else(|| format!("`{reference}` is not known: {known:?}"))?;
    if before.is_empty() && after.is_empty() {
        return Ok(value.clone());
    }
    let text = value.as_str().ok_or_else(|| format!("`{reference}` is no text"))?;
    substitute(&format!("{before}{text}{after}"), known)
}
