//! One node of a JSON Schema, with what it refers to and its alternatives taken together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

/// What a schema says of one value.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    root: &'a Json,
    /// The JSON types that it takes; any, where there is none.
    pub(crate) types: BTreeSet<&'a str>,
    properties: BTreeMap<&'a str, Vec<&'a Json>>,
    /// Properties that it always needs.
    pub(crate) required: BTreeSet<&'a str>,
    items: Option<&'a Json>,
    values: Option<&'a Json>,
    /// The only values that it takes, if it says so.
    pub(crate) choices: Option<BTreeSet<String>>,
    /// Whether the order of its elements does not count.
    pub(crate) is_set: bool,
    /// Whether it is a JSON document, as infra marks it.
    pub(crate) is_document: bool,
    /// Limits of numbers and lengths, by keyword.
    pub(crate) limits: BTreeMap<&'static str, f64>,
    /// Whether it says of itself that AWS never tells it.
    pub(crate) is_write_only: bool,
    /// The definitions that it comes from.
    definitions: Vec<&'a str>,
}

impl<'a> Node<'a> {
    /// The node `json` of the schema `root`.
    pub(crate) fn of(root: &'a Json, json: &'a Json) -> Self {
        let mut node = Self {
            root,
            types: BTreeSet::new(),
            properties: BTreeMap::new(),
            required: BTreeSet::new(),
            items: None,
            values: None,
            choices: None,
            is_set: false,
            is_document: false,
            limits: BTreeMap::new(),
            is_write_only: false,
            definitions: Vec::new(),
        };
        node.take(json, true);
        if node.types.is_empty() && !node.properties.is_empty() {
            node.types.insert("object");
        }
        node
    }

    /// Takes in what `json` says. What only one alternative needs is not always needed.
    fn take(&mut self, json: &'a Json, always: bool) {
        if let Some(target) = json.get("$ref").and_then(Json::as_str)
            && !self.definitions.contains(&target)
        {
            self.definitions.push(target);
            let found = self.root.pointer(target.trim_start_matches('#'));
            self.take(found.unwrap_or_else(|| panic!("{target} is nowhere")), always);
        }
        match json.get("type") {
            Some(Json::String(kind)) => self.types.extend([kind.as_str()]),
            Some(Json::Array(kinds)) => self.types.extend(kinds.iter().filter_map(Json::as_str)),
            _ => {}
        }
        for (name, property) in json.get("properties").and_then(Json::as_object).into_iter().flatten() {
            self.properties.entry(name).or_default().push(property);
        }
        if always {
            let required = json.get("required").and_then(Json::as_array).into_iter().flatten();
            self.required.extend(required.filter_map(Json::as_str));
        }
        self.items = self.items.or_else(|| json.get("items"));
        let patterns = json.get("patternProperties").and_then(Json::as_object);
        let values = json.get("additionalProperties").filter(|values| values.is_object());
        self.values = self.values.or(values).or_else(|| patterns.and_then(|patterns| patterns.values().next()));
        for keyword in ["enum", "enumCaseInsensitive"] {
            if let Some(choices) = json.get(keyword).and_then(Json::as_array) {
                self.choices.get_or_insert_default().extend(choices.iter().map(text));
            }
        }
        if let Some(only) = json.get("const") {
            self.choices.get_or_insert_default().insert(text(only));
        }
        let says = |keyword: &str, value: bool| json.get(keyword).and_then(Json::as_bool) == Some(value);
        self.is_set |= says("uniqueItems", true) || says("insertionOrder", false);
        self.is_write_only |= says("writeOnly", true);
        self.is_document |= json.get("format").and_then(Json::as_str) == Some("json");
        for limit in ["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"] {
            if let Some(value) = json.get(limit).and_then(Json::as_f64) {
                self.limits.insert(limit, value);
            }
        }
        for keyword in ["anyOf", "oneOf", "allOf"] {
            for part in json.get(keyword).and_then(Json::as_array).into_iter().flatten() {
                self.take(part, always && keyword == "allOf");
            }
        }
    }

    /// Its properties by name.
    pub(crate) fn properties(&self) -> impl Iterator<Item = (&'a str, Self)> {
        self.properties.keys().filter_map(|name| Some((*name, self.property(name)?)))
    }

    /// Its property of that name.
    pub(crate) fn property(&self, name: &str) -> Option<Self> {
        let mut all = self.properties.get(name)?.iter();
        let mut node = self.child(all.next()?);
        all.for_each(|json| node.take(json, false));
        Some(node)
    }

    /// Whether it names its properties.
    pub(crate) fn has_properties(&self) -> bool {
        !self.properties.is_empty()
    }

    /// What its elements are, of a list.
    pub(crate) fn items(&self) -> Option<Self> {
        self.items.map(|json| self.child(json))
    }

    /// What its values are, of a map whose keys the stack chooses.
    pub(crate) fn values(&self) -> Option<Self> {
        self.values.filter(|_| self.properties.is_empty()).map(|json| self.child(json))
    }

    /// The map that it is a list, or map, of, however deep; itself where it is none.
    pub(crate) fn innermost(self) -> Self {
        match self.items().or_else(|| self.values()) {
            Some(inner) => inner.innermost(),
            None => self,
        }
    }

    /// Whether one of `definitions` is among what it comes from.
    pub(crate) fn comes_from(&self, definitions: &[&str]) -> bool {
        self.definitions.iter().any(|definition| definitions.contains(definition))
    }

    /// The definitions that it comes from.
    pub(crate) fn definitions(&self) -> &[&'a str] {
        &self.definitions
    }

    fn child(&self, json: &'a Json) -> Self {
        Self::of(self.root, json)
    }
}

fn text(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}
