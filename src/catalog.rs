//! What the engine must know of resource types, without knowing any cloud.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::OpId;
use crate::value::Value;

/// The resource types that a cloud offers, by name.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    types: BTreeMap<&'static str, Arc<TypeInfo>>,
}

impl Catalog {
    /// A catalogue of the given types.
    pub fn new(types: impl IntoIterator<Item = TypeInfo>) -> Self {
        Self { types: types.into_iter().map(|info| (info.name, Arc::new(info))).collect() }
    }

    /// The type of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<TypeInfo>> {
        self.types.get(name)
    }

    /// All types, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<TypeInfo>> {
        self.types.values()
    }
}

/// A resource type, as the stack language, the plan and the documentation see it.
#[derive(Clone, Debug)]
pub struct TypeInfo {
    /// CloudFormation's name, `AWS::SQS::Queue`.
    pub name: &'static str,
    /// JSON Schema of the properties.
    ///
    /// The engine gives meaning to these keywords beside the validating ones: `uniqueItems` (a set: order does not
    /// count), `format: json` (a document, given as a map or as JSON text, that is compared by meaning),
    /// `x-key` (a list of maps told apart by the field of this name; only those that the stack names are ours),
    /// `x-one-of` (properties of a map that exclude each other: one that the stack gives takes the place of the others),
    /// `writeOnly` (AWS never tells it: compared with what was last applied), `x-secret` (never stored or shown).
    pub properties: serde_json::Value,
    /// JSON Schema of the outputs: what only AWS can tell.
    pub outputs: serde_json::Value,
    /// Properties that can't change in place: a change replaces the resource. Nested ones as `A.B`.
    pub create_only: &'static [&'static str],
    /// Properties through which a reference needs its target only to exist, not to be ready.
    pub starts_early: &'static [&'static str],
    /// Sets of properties, nested ones as `A.B`, of which no two resources may have the same values. Where a replacement keeps all of a set
    /// as they were, and the stack gives them, the old one must be deleted before the new one is made.
    pub unique: &'static [&'static [&'static str]],
    /// How a name is made when the stack gives none.
    pub generated_name: Option<GeneratedName>,
    /// How it takes tags.
    pub tags: Option<Tagging>,
    /// Said once of each stack that uses the type, or another type with the same words.
    pub warning: Option<&'static str>,
    /// Brings properties, as a stack may give them, into the form in which the cloud tells them.
    pub normalize: fn(&mut Value),
    /// IAM actions that its life needs.
    pub permissions: Permissions,
    /// How many resources one read takes.
    pub read_batch: usize,
}

impl TypeInfo {
    /// Whether a name is made for this property when the stack gives none.
    pub fn makes_name(&self, property: &str) -> bool {
        self.generated_name.is_some_and(|name| name.property == property)
    }
}

impl TypeInfo {
    /// Properties in the form in which the cloud tells them.
    pub fn normalized(&self, mut properties: Value) -> Value {
        (self.normalize)(&mut properties);
        properties
    }
}

/// The rule by which a physical name is made: `<stack>-<environment>-<logical>-<short op id>`, cut to `max_length`.
#[derive(Clone, Copy, Debug)]
pub struct GeneratedName {
    /// The property that takes the name.
    pub property: &'static str,
    /// The API's limit, in characters.
    pub max_length: usize,
    /// Whether the API takes only lower case letters.
    pub lower_case: bool,
}

impl GeneratedName {
    /// `<stack>-<environment>-<logical>-<short op id>`, cut before the op id where the API's limit asks for it, so that two
    /// incarnations of a resource never have the same name.
    pub fn make(self, stack: &str, environment: &str, logical: &str, op: &OpId) -> String {
        let suffix = op.short();
        let room = self.max_length.saturating_sub(suffix.len() + 1);
        let safe = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        let prefix: String = format!("{stack}-{environment}-{logical}").chars().map(safe).take(room).collect();
        let name = match prefix.trim_end_matches('-') {
            "" => suffix,
            prefix => format!("{prefix}-{suffix}"),
        };
        if self.lower_case { name.to_ascii_lowercase() } else { name }
    }
}

/// How a type takes tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tagging {
    /// `Tags: [{Key, Value}]`.
    List,
    /// `Tags: {key: value}`.
    Map,
}

/// IAM actions of each part of a resource's life.
#[derive(Clone, Copy, Debug, Default)]
pub struct Permissions {
    /// To make it and wait for it.
    pub create: &'static [&'static str],
    /// To read it.
    pub read: &'static [&'static str],
    /// To change it in place.
    pub update: &'static [&'static str],
    /// To delete it.
    pub delete: &'static [&'static str],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(max_length: usize, lower_case: bool) -> String {
        let rule = GeneratedName { property: "Name", max_length, lower_case };
        rule.make("my_shop", "dev", "Alb", &OpId::from("01J0000000000000AAAABBCCDD"))
    }

    #[test]
    fn a_name_keeps_its_op_id_whatever_the_limit() {
        assert_eq!(name(255, false), "my-shop-dev-Alb-aabbccdd");
        assert_eq!(name(255, true), "my-shop-dev-alb-aabbccdd");
        assert_eq!(name(17, false), "my-shop-aabbccdd", "no dash is left at the cut");
        assert_eq!(name(8, false), "aabbccdd");
    }
}
