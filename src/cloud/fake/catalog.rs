//! The resource types that tests and benchmarks share: small ones, shaped like AWS's.

use serde_json::json;

use crate::catalog::{Catalog, GeneratedName, Permissions, Tagging, TypeInfo};

/// All test types.
///
/// | type | what it is good for |
/// |---|---|
/// | `Test::Net::Vpc` | the simplest: a create-only property, tags as a list |
/// | `Test::Net::Subnet` | a unique set (`VpcId` + `CidrBlock`), nearly everything create-only |
/// | `Test::Net::SecurityGroup` | a set of maps (`uniqueItems`), a generated name |
/// | `Test::Net::LoadBalancer` | slow to be ready, secret-free outputs, a set of subnets |
/// | `Test::Net::Listener` | starts early: `LoadBalancerArn` need only exist |
/// | `Test::App::Role` | a JSON policy, a generated name, a nested create-only property |
/// | `Test::App::Queue` | enums, bounds, a JSON policy, a generated lower-case name |
/// | `Test::App::Service` | nested maps, lists, alternatives, tags as a map, a warning |
/// | `Test::App::Secret` | a write-only secret property, a secret output |
/// | `Test::App::Table` | its id is its name |
/// | `AWS::ECS::Service` and what it refers to | what is deployed |
pub fn catalog() -> Catalog {
    let net = [vpc(), subnet(), security_group(), load_balancer(), listener()];
    let own = net.into_iter().chain([role(), queue(), service(), secret(), table()]);
    Catalog::new(own.chain(super::containers::types()))
}

pub(super) fn base(name: &'static str) -> TypeInfo {
    TypeInfo {
        name,
        properties: json!({"type": "object"}),
        outputs: json!({"type": "object"}),
        create_only: &[],
        starts_early: &[],
        unique: &[],
        generated_name: None,
        tags: None,
        warning: None,
        normalize: |_| {},
        permissions: Permissions::default(),
        read_batch: 100,
    }
}

fn object(properties: serde_json::Value, required: &[&str]) -> serde_json::Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn tag_list() -> serde_json::Value {
    let tag = object(json!({"Key": {"type": "string"}, "Value": {"type": "string"}}), &["Key", "Value"]);
    json!({"type": "array", "uniqueItems": true, "items": tag})
}

fn tag_map() -> serde_json::Value {
    json!({"type": "object", "additionalProperties": {"type": "string"}})
}

fn vpc() -> TypeInfo {
    TypeInfo {
        properties: object(
            json!({
                "CidrBlock": {"type": "string", "pattern": r"^\d+\.\d+\.\d+\.\d+/\d+$"},
                "EnableDnsHostnames": {"type": "boolean"},
                "EnableDnsSupport": {"type": "boolean"},
                "InstanceTenancy": {"type": "string", "enum": ["default", "dedicated"]},
                "Tags": tag_list(),
            }),
            &["CidrBlock"],
        ),
        outputs: object(json!({"VpcId": {"type": "string"}, "DefaultSecurityGroup": {"type": "string"}}), &[]),
        create_only: &["CidrBlock"],
        tags: Some(Tagging::List),
        ..base("Test::Net::Vpc")
    }
}

fn subnet() -> TypeInfo {
    TypeInfo {
        properties: object(
            json!({
                "VpcId": {"type": "string"},
                "CidrBlock": {"type": "string"},
                "AvailabilityZone": {"type": "string"},
                "MapPublicIpOnLaunch": {"type": "boolean"},
                "Tags": tag_list(),
            }),
            &["VpcId", "CidrBlock"],
        ),
        outputs: object(json!({"SubnetId": {"type": "string"}}), &[]),
        create_only: &["VpcId", "CidrBlock", "AvailabilityZone"],
        unique: &[&["VpcId", "CidrBlock"]],
        tags: Some(Tagging::List),
        ..base("Test::Net::Subnet")
    }
}

fn security_group() -> TypeInfo {
    let rule = object(
        json!({
            "IpProtocol": {"type": "string"},
            "FromPort": {"type": "integer", "minimum": -1, "maximum": 65535},
            "ToPort": {"type": "integer", "minimum": -1, "maximum": 65535},
            "CidrIp": {"type": "string"},
        }),
        &["IpProtocol"],
    );
    TypeInfo {
        properties: object(
            json!({
                "GroupName": {"type": "string"},
                "GroupDescription": {"type": "string"},
                "VpcId": {"type": "string"},
                "Ingress": {"type": "array", "uniqueItems": true, "items": rule},
                "Tags": tag_list(),
            }),
            &["GroupDescription"],
        ),
        outputs: object(json!({"GroupId": {"type": "string"}}), &[]),
        create_only: &["GroupName", "GroupDescription", "VpcId"],
        generated_name: Some(GeneratedName { property: "GroupName", max_length: 255, lower_case: false }),
        tags: Some(Tagging::List),
        ..base("Test::Net::SecurityGroup")
    }
}

fn load_balancer() -> TypeInfo {
    TypeInfo {
        properties: object(
            json!({
                "Name": {"type": "string"},
                "Subnets": {"type": "array", "uniqueItems": true, "items": {"type": "string"}},
                "SecurityGroups": {"type": "array", "uniqueItems": true, "items": {"type": "string"}},
                "Tags": tag_list(),
            }),
            &["Subnets"],
        ),
        outputs: object(json!({"LoadBalancerArn": {"type": "string"}, "DNSName": {"type": "string"}}), &[]),
        create_only: &["Name"],
        unique: &[&["Name"]],
        generated_name: Some(GeneratedName { property: "Name", max_length: 32, lower_case: false }),
        tags: Some(Tagging::List),
        ..base("Test::Net::LoadBalancer")
    }
}

fn listener() -> TypeInfo {
    TypeInfo {
        properties: object(
            json!({
                "LoadBalancerArn": {"type": "string"},
                "Port": {"type": "integer", "minimum": 1, "maximum": 65535},
                "Target": {"type": "string"},
            }),
            &["LoadBalancerArn", "Port"],
        ),
        outputs: object(json!({"ListenerArn": {"type": "string"}}), &[]),
        create_only: &["LoadBalancerArn"],
        starts_early: &["LoadBalancerArn"],
        unique: &[&["LoadBalancerArn", "Port"]],
        ..base("Test::Net::Listener")
    }
}

fn role() -> TypeInfo {
    TypeInfo {
        properties: object(
            json!({
                "RoleName": {"type": "string", "maxLength": 64},
                "AssumeRolePolicyDocument": {"type": ["object", "string"], "format": "json"},
                "Description": {"type": "string"},
                "Boundary": object(
                    json!({"Arn": {"type": "string"}, "Mode": {"type": "string", "enum": ["strict", "loose"]}}),
                    &["Arn"],
                ),
                "Tags": tag_list(),
            }),
            &["AssumeRolePolicyDocument"],
        ),
        outputs: object(json!({"Arn": {"type": "string"}, "RoleId": {"type": "string"}}), &[]),
        create_only: &["RoleName", "Boundary.Arn"],
        unique: &[&["RoleName"]],
        generated_name: Some(GeneratedName { property: "RoleName", max_length: 64, lower_case: false }),
        tags: Some(Tagging::List),
        ..base("Test::App::Role")
    }
}

fn queue() -> TypeInfo {
    TypeInfo {
        properties: object(
            json!({
                "QueueName": {"type": "string", "maxLength": 80},
                "VisibilityTimeout": {"type": "integer", "minimum": 0, "maximum": 43200},
                "DelaySeconds": {"type": "integer", "minimum": 0, "maximum": 900},
                "FifoQueue": {"type": "boolean"},
                "DeduplicationScope": {"type": "string", "enum": ["messageGroup", "queue"]},
                "RedrivePolicy": {"type": ["object", "string"], "format": "json"},
                "Tags": tag_list(),
            }),
            &[],
        ),
        outputs: object(json!({"QueueUrl": {"type": "string"}, "Arn": {"type": "string"}}), &[]),
        create_only: &["QueueName", "FifoQueue"],
        unique: &[&["QueueName"]],
        generated_name: Some(GeneratedName { property: "QueueName", max_length: 40, lower_case: true }),
        tags: Some(Tagging::List),
        ..base("Test::App::Queue")
    }
}

fn service() -> TypeInfo {
    let container = object(
        json!({
            "Name": {"type": "string"},
            "Image": {"type": "string"},
            "Port": {"type": "integer", "minimum": 1, "maximum": 65535},
            "Command": {"type": "array", "items": {"type": "string"}},
            "Environment": {"type": "object", "additionalProperties": {"type": "string"}},
        }),
        &["Name", "Image"],
    );
    TypeInfo {
        properties: object(
            json!({
                "ServiceName": {"type": "string"},
                "Cluster": {"type": "string"},
                "DesiredCount": {"type": "integer", "minimum": 0},
                "Weight": {"type": "number", "minimum": 0, "maximum": 1},
                "RoleArn": {"type": "string"},
                "Containers": {"type": "array", "items": container, "minItems": 1},
                "Network": object(
                    json!({
                        "Subnets": {"type": "array", "uniqueItems": true, "items": {"type": "string"}},
                        "AssignPublicIp": {"type": "string", "enum": ["ENABLED", "DISABLED"]},
                    }),
                    &["Subnets"],
                ),
                "Discovery": {
                    "type": "object", "additionalProperties": false, "minProperties": 1, "x-one-of": ["CloudMap", "Dns"],
                    "properties": {
                        "CloudMap": object(json!({"Service": {"type": "string"}}), &["Service"]),
                        "Dns": object(json!({"Hostname": {"type": "string"}}), &["Hostname"]),
                    },
                },
                "Password": {"type": "string", "x-secret": true},
                "Logging": object(json!({"Level": {"type": "string"}}), &[]),
                "Tags": tag_map(),
            }),
            &["Containers"],
        ),
        outputs: object(json!({"ServiceArn": {"type": "string"}, "Endpoint": {"type": "string"}}), &[]),
        create_only: &["ServiceName", "Cluster"],
        unique: &[&["Cluster", "ServiceName"]],
        generated_name: Some(GeneratedName { property: "ServiceName", max_length: 255, lower_case: false }),
        tags: Some(Tagging::Map),
        warning: Some("Test::App::Service costs money while it runs"),
        ..base("Test::App::Service")
    }
}

fn secret() -> TypeInfo {
    TypeInfo {
        properties: object(
            json!({
                "Name": {"type": "string"},
                "SecretString": {"type": "string", "writeOnly": true, "x-secret": true},
                "Description": {"type": "string"},
                "Tags": tag_list(),
            }),
            &[],
        ),
        outputs: object(
            json!({"Arn": {"type": "string"}, "GeneratedValue": {"type": "string", "x-secret": true}}),
            &[],
        ),
        create_only: &["Name"],
        unique: &[&["Name"]],
        generated_name: Some(GeneratedName { property: "Name", max_length: 128, lower_case: false }),
        tags: Some(Tagging::List),
        ..base("Test::App::Secret")
    }
}

fn table() -> TypeInfo {
    TypeInfo {
        properties: object(json!({"Name": {"type": "string", "x-id": true}, "Tags": tag_list()}), &["Name"]),
        outputs: object(json!({"Arn": {"type": "string"}}), &[]),
        create_only: &["Name"],
        unique: &[&["Name"]],
        tags: Some(Tagging::List),
        ..base("Test::App::Table")
    }
}
