//! The JSON Schema of `deploy`, `state` and `probe`.

use serde_json::{Map, Value as Json, json};

use super::{or_expression, text};
use crate::stack::{deploy, probe};

fn duration(description: &str) -> Json {
    json!({"description": description, "anyOf": [
        {"type": "string", "pattern": r"^\s*[0-9]"},
        {"$ref": "#/definitions/infra.expression"},
    ]})
}

fn described(mut schema: Json, description: &str) -> Json {
    schema["description"] = json!(description);
    schema
}

/// The schema of `deploy`.
pub(super) fn deploy_schema() -> Json {
    let percent = |least: f64| {
        or_expression(json!({"anyOf": [
            {"type": "number", "minimum": least},
            {"type": "string", "pattern": r"^\s*[0-9.]+\s*%\s*$"},
        ]}))
    };
    let flag = || or_expression(json!({"type": "boolean"}));
    let words = deploy::SETTINGS.iter().map(|setting| {
        let schema = match setting.name {
            "wait" | "rollback" => flag(),
            "strategy" => or_expression(json!({"enum": deploy::STRATEGIES})),
            "minimum_healthy" => percent(0.0),
            "maximum" => percent(100.0),
            "step" => percent(3.0),
            "canary" => percent(0.1),
            "alarms" => or_expression(json!({"type": "array", "minItems": 1, "items": {"type": "string"}})),
            "circuit_breaker" => json!({"anyOf": [
                {"type": "boolean"},
                {"$ref": "#/definitions/infra.expression"},
                {"type": "object", "additionalProperties": false, "properties": {
                    "threshold": {
                        "description": "How many failed tasks it takes: a number, or a share of the desired count.",
                        "type": ["integer", "string"],
                    },
                    "rollback": described(flag(), "Whether the last version that served is brought back."),
                    "reset_on_healthy_task": described(flag(), "Whether the count starts anew once a task is healthy."),
                }},
            ]}),
            _ => duration(setting.about),
        };
        (setting.name.to_owned(), described(schema, setting.about))
    });
    json!({
        "description": "How changes of the service reach what serves.",
        "type": ["object", "null"], "additionalProperties": false, "properties": words.collect::<Map<_, _>>(),
    })
}

/// The schema of `state`.
pub(super) fn state_schema() -> Json {
    let place = json!({"type": "string", "minLength": 1, "pattern": "^(s3://|(?!.*://))[^$]*$"});
    json!({
        "description": "Where the state is kept: s3://BUCKET/PREFIX, or a folder, relative to this file. `--state` and INFRA_STATE are stronger.",
        "anyOf": [
            place,
            {
                "type": ["object", "null"],
                "additionalProperties": false,
                "properties": {
                    "place": {
                        "description": "s3://BUCKET/PREFIX or a folder; or one for each environment.",
                        "anyOf": [place, {"type": "object", "additionalProperties": place}],
                    },
                    "encryption": {
                        "description": "`passphrase`, given in INFRA_STATE_PASSPHRASE, or a key of AWS KMS.",
                        "anyOf": [
                            {"const": "passphrase"},
                            {
                                "type": "object",
                                "required": ["kms"],
                                "additionalProperties": false,
                                "properties": {"kms": {"type": "string", "description": "Its id, ARN or alias."}},
                            },
                        ],
                    },
                },
            },
        ],
    })
}

/// The schema of `probe`.
pub(super) fn probe_schema() -> Json {
    let status = json!({"type": "integer", "minimum": 100, "maximum": 599});
    json!({
        "description": "What is checked while the stack is applied, and how much of it may fail.",
        "type": ["object", "null"], "additionalProperties": false, "required": ["url"],
        "properties": {
            "url": {
                "description": "What is asked, `http://…` or `https://…`.",
                "type": ["string", "null"], "pattern": r"^https?://[^/\s]|\$\{",
            },
            "every": duration("From one check to the next; `1s` where not given."),
            "timeout": duration("After what time a check has failed; `5s` where not given."),
            "method": described(or_expression(json!({"enum": probe::METHODS})), "`GET` where not given."),
            "expect": {
                "description": "The status, or status and a text in the body; 200 where not given.",
                "anyOf": [
                    status,
                    {"$ref": "#/definitions/infra.expression"},
                    {"type": "object", "additionalProperties": false, "properties": {
                        "status": or_expression(status.clone()), "body": text("What the body holds."),
                    }},
                ],
            },
            "slo": {
                "description": "The availability in percent below which the apply has failed.",
                "anyOf": [
                    {"type": "number", "minimum": 0, "maximum": 100},
                    {"type": "string", "pattern": r"^\s*[0-9.]+\s*%\s*$"},
                    {"$ref": "#/definitions/infra.expression"},
                ],
            },
            "before": duration("How long is watched before anything is changed; `10s` where not given."),
            "after": duration("How long is watched after all is changed; `30s` where not given."),
        },
    })
}
