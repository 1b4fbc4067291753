//! JSON documents as properties: policies and the like, written as a map or as text.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

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
    fn a_document_is_text_for_the_api_however_it_is_given() {
        let map: Document = serde_json::from_value(json!({"b": 1, "a": [2]})).expect("a document");
        assert_eq!(Document::parse(&map.text()), map);
        let text: Document = serde_json::from_value(json!("{ \"a\": 1 }")).expect("a document");
        assert_eq!(text.text(), "{ \"a\": 1 }");
        assert_eq!(Document::parse_some(Some("")), None);
        assert_eq!(Document::parse(r#"{"n": "5"}"#).with_number("n"), Document::parse(r#"{"n": 5}"#));
    }
}
