//! JSON documents as properties: policies and the like, written as a map or as text.

use std::borrow::Cow;

use aws_smithy_types::error::operation::BuildError;
use aws_smithy_types::{Document as Sdk, Number};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::mirror::Mirror;

/// A JSON document, which a stack gives as a map or as JSON text and which is compared by meaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document(Json);

impl Document {
    /// A document as an API tells it; text that is no JSON stays text.
    pub fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_else(|_| Json::from(text)))
    }

    /// A document as an API tells it; none where there is nothing in it.
    pub fn parse_some(text: Option<&str>) -> Option<Self> {
        text.filter(|text| !text.is_empty()).map(Self::parse)
    }

    /// The text that an API takes.
    pub fn text(&self) -> String {
        match &self.0 {
            Json::String(text) => text.clone(),
            json => json.to_string(),
        }
    }

    /// The number at `key` as a number, where an API tells it as text.
    pub fn with_number(mut self, key: &str) -> Self {
        if let Some(value) = self.0.get_mut(key)
            && let Some(number) = value.as_str().and_then(|text| text.parse::<i64>().ok())
        {
            *value = Json::from(number);
        }
        self
    }
}

/// A document where the SDK has a type of its own for one.
impl Mirror for Document {
    type Sdk = Sdk;

    fn sdk(&self) -> Result<Option<Sdk>, BuildError> {
        let parsed = self.0.as_str().and_then(|text| serde_json::from_str(text).ok());
        Ok(Some(to_sdk(parsed.as_ref().unwrap_or(&self.0))))
    }

    fn of(sdk: Option<Sdk>) -> Self {
        Self(sdk.map_or(Json::Null, from_sdk))
    }
}

fn to_sdk(json: &Json) -> Sdk {
    match json {
        Json::Null => Sdk::Null,
        Json::Bool(value) => Sdk::Bool(*value),
        Json::Number(number) => Sdk::Number(match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Number::PosInt(number),
            (None, Some(number)) => Number::NegInt(number),
            (None, None) => Number::Float(number.as_f64().unwrap_or_default()),
        }),
        Json::String(text) => Sdk::String(text.clone()),
        Json::Array(list) => Sdk::Array(list.iter().map(to_sdk).collect()),
        Json::Object(map) => Sdk::Object(map.iter().map(|(key, value)| (key.clone(), to_sdk(value))).collect()),
    }
}

fn from_sdk(sdk: Sdk) -> Json {
    match sdk {
        Sdk::Null => Json::Null,
        Sdk::Bool(value) => Json::Bool(value),
        Sdk::Number(Number::PosInt(number)) => Json::from(number),
        Sdk::Number(Number::NegInt(number)) => Json::from(number),
        Sdk::Number(Number::Float(number)) => Json::from(number),
        Sdk::String(text) => Json::String(text),
        Sdk::Array(list) => list.into_iter().map(from_sdk).collect(),
        Sdk::Object(map) => map.into_iter().map(|(key, value)| (key, from_sdk(value))).collect(),
    }
}

impl JsonSchema for Document {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Document".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["object", "string"], "format": "json" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_the_same_for_the_sdk_however_it_is_given() {
        let map = json!({"a": [1, -2, 0.5, true, null], "b": {"c": "d"}});
        let given: Document = serde_json::from_value(map.clone()).expect("a document");
        let text: Document = serde_json::from_value(Json::from(map.to_string())).expect("a document");
        let sdk = given.sdk().expect("nothing is missing");
        assert_eq!(text.sdk().expect("nothing is missing"), sdk);
        assert_eq!(Document::of(sdk), given);
    }

    #[test]
    fn a_document_is_text_for_the_api_however_it_is_given() {
        let map: Document = serde_json::from_value(json!({"b": 1, "a": [2]})).expect("a document");
        assert_eq!(Document::parse(&map.text()), map);
        let text: Document = serde_json::from_value(json!("{ \"a\": 1 }")).expect("a document");
        assert_eq!(text.text(), "{ \"a\": 1 }");
        assert_eq!(Document::parse_some(Some("")), None);
        assert_eq!(Document::parse(r#"{"n": "5"}"#).with_number("n"), Document::parse(r#"{"n": 5}"#));
    }
}
