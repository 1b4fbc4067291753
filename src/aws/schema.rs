//! JSON Schema of properties and outputs, as the engine and editors want it.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::Value as Json;

/// The schema of `T`: one self-contained object, without what Rust adds to it.
pub fn of<T: JsonSchema>() -> Json {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    schema
}

/// Says of a map that a stack gives exactly one of its properties.
pub fn one_of(schema: &mut Schema) {
    let names = schema.get("properties").and_then(Json::as_object).into_iter().flatten().map(|(name, _)| name.as_str());
    let names: Json = names.collect::<Vec<_>>().into();
    schema.insert("x-one-of".to_owned(), names);
    schema.insert("minProperties".to_owned(), 1.into());
}

/// Takes away the `null` of optional properties (absent is how a stack says nothing), Rust's number formats, defaults
/// (AWS's are not Rust's), and Rust's names.
fn tidy(schema: &mut Json) {
    let Json::Object(map) = schema else { return };
    if let Some(Json::Array(types)) = map.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            map.insert("type".to_owned(), only);
        }
    }
    if let Some(Json::Array(choices)) = map.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [Json::Object(only)] = choices.as_slice() {
            let only = only.clone();
            map.remove("anyOf");
            for (key, value) in only {
                map.entry(key).or_insert(value);
            }
        }
    }
    if map.get("format").and_then(Json::as_str).is_some_and(|format| format.contains("int") || format == "double") {
        map.remove("format");
    }
    map.remove("default");
    map.remove("title");
    for (key, child) in map.iter_mut() {
        match (key.as_str(), child) {
            ("properties", Json::Object(properties)) => properties.values_mut().for_each(tidy),
            ("items" | "additionalProperties", child) => tidy(child),
            ("anyOf" | "oneOf" | "allOf", Json::Array(choices)) => choices.iter_mut().for_each(tidy),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::json;

    use super::*;

    /// A thing.
    #[derive(JsonSchema)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    #[allow(dead_code)]
    struct Thing {
        /// A port.
        port: Option<i32>,
        /// A part.
        part: Option<Part>,
        /// Names.
        names: Option<BTreeSet<String>>,
        /// Labels.
        labels: Option<BTreeMap<String, String>>,
    }

    #[derive(JsonSchema)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    #[allow(dead_code)]
    struct Part {
        size: i32,
    }

    /// A choice.
    #[derive(JsonSchema)]
    #[schemars(transform = one_of)]
    #[allow(dead_code)]
    struct Choice {
        b: Option<String>,
        a: Option<String>,
    }

    #[test]
    fn of_a_choice_one_property_is_given() {
        let schema = of::<Choice>();
        assert_eq!((&schema["x-one-of"], &schema["minProperties"]), (&json!(["b", "a"]), &json!(1)));
    }

    #[test]
    fn a_schema_is_self_contained_and_without_null() {
        let expected = json!({
            "description": "A thing.",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "Port": { "description": "A port.", "type": "integer" },
                "Part": {
                    "description": "A part.",
                    "type": "object",
                    "properties": { "Size": { "type": "integer" } },
                    "required": ["Size"],
                    "additionalProperties": false,
                },
                "Names": {
                    "description": "Names.", "type": "array", "items": { "type": "string" }, "uniqueItems": true,
                },
                "Labels": {
                    "description": "Labels.", "type": "object", "additionalProperties": { "type": "string" },
                },
            },
        });
        assert_eq!(of::<Thing>(), expected);
    }
}
