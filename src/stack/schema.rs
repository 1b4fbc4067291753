//! The JSON Schema of a stack file and of a component file, for editors with yaml-language-server.

use serde_json::{Map, Value as Json, json};

use super::deploy;
use super::document::{ParameterType, taken_names};
use crate::catalog::Catalog;
use crate::lint::LINTS;

mod settings;

use settings::{deploy_schema, probe_schema, state_schema};

/// An address, such as `Api.Queue["a"]`.
const ADDRESS: &str = r#"^[A-Za-z][A-Za-z0-9]*(\[".*"\])?(\.[A-Za-z][A-Za-z0-9]*(\[".*"\])?)*$"#;

/// The JSON Schema (draft 7) of a stack file with all the types of `catalog`.
pub fn schema(catalog: &Catalog) -> Json {
    let mut properties = shared();
    let own = json!({
        "stack": {
            "type": "string",
            "pattern": "^[A-Za-z][A-Za-z0-9-]{0,63}$",
            "description": "The stack's name.",
        },
        "region": text("The AWS region, such as us-east-1. Can use params."),
        "state": state_schema(),
        "tags": tags("Tags of everything that takes tags; a resource's own win."),
        "moved": {
            "description": "Addresses that changed: what stands under `from` in the state is kept, under `to`.",
            "anyOf": [
                {"$ref": "#/definitions/infra.move"},
                {"type": ["array", "null"], "items": {"$ref": "#/definitions/infra.move"}},
            ],
        },
        "allow": {"$ref": "#/definitions/infra.allow"},
        "probe": {"$ref": "#/definitions/infra.probe"},
        "forget": {
            "type": ["array", "null"],
            "items": {"type": "string", "pattern": ADDRESS},
            "description": "Addresses that are no longer managed, without being deleted.",
        },
    });
    extend(&mut properties, own);
    whole("Stack", properties, &["stack"], catalog)
}

/// The JSON Schema (draft 7) of a component file with all the types of `catalog`.
pub fn component_schema(catalog: &Catalog) -> Json {
    let mut properties = shared();
    extend(&mut properties, json!({"description": {"type": "string", "description": "What the component is for."}}));
    whole("Component", properties, &[], catalog)
}

fn whole(title: &str, properties: Map<String, Json>, required: &[&str], catalog: &Catalog) -> Json {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
        "definitions": definitions(catalog),
    })
}

/// What stacks and components share.
fn shared() -> Map<String, Json> {
    let mut properties = Map::new();
    let logical_name = json!({
        "pattern": "^[A-Za-z][A-Za-z0-9]*$",
        "not": {"enum": taken_names().collect::<Vec<_>>()},
    });
    let keys = json!({
        "parameters": {
            "type": ["object", "null"],
            "description": "What the environment or the caller decides, read as `params.name`.",
            "propertyNames": {"pattern": "^[A-Za-z][A-Za-z0-9_]*$"},
            "additionalProperties": {"$ref": "#/definitions/infra.parameter"},
        },
        "locals": {
            "type": ["object", "null"],
            "description": "Values with a name, read as `local.name`.",
            "propertyNames": {"pattern": "^[A-Za-z][A-Za-z0-9_]*$"},
        },
        "resources": {
            "type": ["object", "null"],
            "description": "Resources and components by logical name.",
            "propertyNames": logical_name,
            "additionalProperties": {"$ref": "#/definitions/infra.entry"},
        },
        "existing": {
            "type": ["object", "null"],
            "description": "What exists and is not ours, read like a resource.",
            "propertyNames": logical_name,
            "additionalProperties": {"$ref": "#/definitions/infra.existing"},
        },
        "outputs": {
            "type": ["object", "null"],
            "description": "Values that the stack shows, or the component gives.",
            "propertyNames": {"pattern": "^[A-Za-z][A-Za-z0-9_]*$"},
            "additionalProperties": {
                "if": {"type": "object", "required": ["value"]},
                "then": {
                    "additionalProperties": false,
                    "properties": {
                        "value": {"description": "The output's value."},
                        "secret": {"type": "boolean", "description": "Whether its value is never shown."},
                        "description": text("What it is for."),
                    },
                },
            },
        },
    });
    extend(&mut properties, keys);
    properties
}

fn extend(map: &mut Map<String, Json>, more: Json) {
    if let Json::Object(more) = more {
        map.extend(more);
    }
}

fn text(description: &str) -> Json {
    json!({"type": "string", "description": description})
}

fn tags(description: &str) -> Json {
    json!({"description": description, "anyOf": [
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"$ref": "#/definitions/infra.expression"},
    ]})
}

fn or_expression(schema: Json) -> Json {
    json!({"anyOf": [schema, {"$ref": "#/definitions/infra.expression"}]})
}

fn definitions(catalog: &Catalog) -> Json {
    let names: Vec<&str> = catalog.iter().map(|info| info.name).collect();
    let common = json!({
        "for_each": {
            "description": "One instance for each element of a list or entry of a map, read as `each.key`, `each.value`, `each.index`.",
            "anyOf": [
                {"type": ["array", "object"], "items": {"type": ["string", "number", "boolean"]}, "uniqueItems": true},
                {"$ref": "#/definitions/infra.expression"},
            ],
        },
        "when": {
            "description": "Whether it exists at all.",
            "anyOf": [{"type": "boolean"}, {"$ref": "#/definitions/infra.expression"}],
        },
        "depends_on": {
            "description": "What must be done first, beside what it refers to.",
            "type": ["array", "null"], "items": {"type": "string"},
        },
    });
    let mut resource = Map::new();
    let own = json!({
        "type": {"description": "CloudFormation's resource type.", "enum": names},
        "properties": {"type": ["object", "null"], "description": "CloudFormation's properties of the type."},
        "lifecycle": {"$ref": "#/definitions/infra.lifecycle"},
        "deploy": {"$ref": "#/definitions/infra.deploy"},
        "allow": {"$ref": "#/definitions/infra.allow"},
    });
    extend(&mut resource, own);
    extend(&mut resource, common.clone());
    let mut component = Map::new();
    let own = json!({
        "component": text("The component's file, relative to this one."),
        "with": {"type": ["object", "null"], "description": "The component's parameters."},
        "allow": {"$ref": "#/definitions/infra.allow"},
    });
    extend(&mut component, own);
    extend(&mut component, common);
    let by_type: Vec<Json> = catalog
        .iter()
        .map(|info| {
            let required = info.properties.get("required").and_then(Json::as_array);
            let (none, needs): (Option<Json>, &[&str]) = match required.is_some_and(|names| !names.is_empty()) {
                true => (None, &["properties"]),
                false => (Some(json!({"type": "null"})), &[]),
            };
            let deploys = deploy::applies(info.name);
            let own = json!({"$ref": format!("#/definitions/{}", info.name)});
            let properties = match none {
                None => own,
                Some(none) => json!({"anyOf": [own, none]}),
            };
            json!({
                "if": {"properties": {"type": {"const": info.name}}, "required": ["type"]},
                "then": {"properties": match deploys {
                    true => json!({"properties": properties}),
                    false => json!({"properties": properties, "deploy": false}),
                }, "required": needs},
            })
        })
        .collect();
    let by_parameter_type: Vec<Json> = ParameterType::NAMES
        .iter()
        .map(|name| {
            let json_type = match *name {
                "list" => "array",
                "map" => "object",
                same => same,
            };
            json!({
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"properties": {
                    "default": {"type": [json_type, "null"]},
                    "enum": {"items": {"type": json_type}},
                }},
            })
        })
        .collect();
    let mut definitions = Map::new();
    let own = json!({
        "infra.expression": {
            "type": ["string", "null"], "pattern": "\\$\\{",
            "description": "An expression, `${…}`; nothing is as if the key were not there.",
        },
        "infra.move": {
            "type": "object", "additionalProperties": false, "required": ["from", "to"],
            "properties": {
                "from": {"type": "string", "pattern": ADDRESS, "description": "The address before."},
                "to": {"type": "string", "pattern": ADDRESS, "description": "The address now."},
            },
        },
        "infra.lifecycle": {
            "type": ["object", "null"], "additionalProperties": false,
            "properties": {
                "prevent_destroy": {
                    "description": "Whether a plan that deletes or replaces it is an error.",
                    "anyOf": [{"type": "boolean"}, {"$ref": "#/definitions/infra.expression"}],
                },
                "ignore": {
                    "description": "Properties whose changes are ignored once it is made.",
                    "type": ["array", "null"], "items": {"type": "string"},
                },
                "replace_on": {
                    "description": "Resources whose change replaces this one.",
                    "type": ["array", "null"], "items": {"type": "string"},
                },
            },
        },
        "infra.deploy": deploy_schema(),
        "infra.probe": probe_schema(),
        "infra.allow": {
            "description": "Lints that are allowed here, each with the reason.",
            "type": ["object", "null"], "additionalProperties": false,
            "properties": LINTS
                .iter()
                .map(|lint| (lint.name.to_owned(), json!({"type": ["string", "null"], "description": lint.about})))
                .collect::<Map<_, _>>(),
        },
        "infra.parameter": {
            "allOf": by_parameter_type,
            "type": "object", "additionalProperties": false, "required": ["type"],
            "properties": {
                "type": {"enum": ParameterType::NAMES},
                "description": text("What it is for."),
                "default": {"description": "Its value where none is given; without it, one must be."},
                "enum": {"type": "array", "description": "The values it takes."},
                "minimum": {"type": "number"},
                "maximum": {"type": "number"},
                "pattern": text("A regular expression that the whole value matches."),
                "secret": {"type": "boolean", "description": "Whether its value is never shown or stored."},
            },
        },
        "infra.existing": {
            "type": "object", "additionalProperties": false, "required": ["type"],
            "properties": {
                "type": {"enum": names},
                "id": text("Its identifier."),
                "tags": tags("Tags that exactly one has."),
            },
            "oneOf": [{"required": ["id"]}, {"required": ["tags"]}],
        },
        "infra.entry": {
            "type": "object",
            "if": {"required": ["component"]},
            "then": {"additionalProperties": false, "properties": component},
            "else": {"additionalProperties": false, "required": ["type"], "properties": resource, "allOf": by_type},
        },
    });
    extend(&mut definitions, own);
    for info in catalog.iter() {
        let Json::Object(mut whole) = info.properties.clone() else { continue };
        for keyword in ["$defs", "definitions"] {
            let Some(Json::Object(parts)) = whole.remove(keyword) else { continue };
            for (name, part) in parts {
                definitions.insert(format!("{}.{name}", info.name), open(part, info.name, true));
            }
        }
        whole.remove("$schema");
        definitions.insert(info.name.to_owned(), open(Json::Object(whole), info.name, true));
    }
    Json::Object(definitions)
}

/// A type's schema with every value open to an expression, and its references pointing into our definitions. `owner`
/// names the type; a `whole` one is not a value itself.
fn open(schema: Json, owner: &str, whole: bool) -> Json {
    let Json::Object(mut map) = schema else { return schema };
    if let Some(Json::String(target)) = map.get_mut("$ref")
        && let Some(name) = target.rsplit('/').next()
    {
        *target = format!("#/definitions/{owner}.{name}");
    }
    for keyword in ["properties", "patternProperties"] {
        if let Some(Json::Object(parts)) = map.get_mut(keyword) {
            parts.values_mut().for_each(|part| *part = open(part.take(), owner, false));
        }
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(part) = map.get_mut(keyword) {
            *part = open(part.take(), owner, false);
        }
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        if let Some(Json::Array(parts)) = map.get_mut(keyword) {
            parts.iter_mut().for_each(|part| *part = open(part.take(), owner, true));
        }
    }
    let free_text =
        map.get("type") == Some(&json!("string")) && !map.contains_key("enum") && !map.contains_key("pattern");
    let description = map.get("description").cloned();
    if free_text && !whole {
        map.insert("type".to_owned(), json!(["string", "null"]));
    }
    let schema = Json::Object(map);
    if whole || free_text {
        return schema;
    }
    let mut opened = or_expression(schema);
    if let (Some(description), Json::Object(opened)) = (description, &mut opened) {
        opened.insert("description".to_owned(), description);
    }
    opened
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::fake::catalog::catalog;

    #[test]
    fn every_reference_has_its_definition() {
        for schema in [schema(&catalog()), component_schema(&catalog())] {
            let mut stack = vec![&schema];
            let mut references = 0;
            while let Some(json) = stack.pop() {
                match json {
                    Json::Object(map) => {
                        if let Some(Json::String(target)) = map.get("$ref") {
                            let name = target.strip_prefix("#/definitions/").unwrap();
                            assert!(schema["definitions"].get(name).is_some(), "{target}");
                            references += 1;
                        }
                        stack.extend(map.values());
                    }
                    Json::Array(items) => stack.extend(items),
                    _ => {}
                }
            }
            assert!(references > 20);
        }
    }

    #[test]
    fn a_property_takes_an_expression_beside_its_own_type() {
        let schema = schema(&catalog());
        let port = &schema["definitions"]["Test::Net::Listener"]["properties"]["Port"];
        assert_eq!(port["anyOf"][0]["type"], "integer");
        assert_eq!(port["anyOf"][1]["$ref"], "#/definitions/infra.expression");
    }
}
