//! The types that stacks are made of: what they say of each, and what that comes to in the cloud.

use serde_json::{Map, Value as Json, json};

use crate::model::{Model, Thing};

/// A type, or the component of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Queue,
    Role,
    Service,
    Secret,
    Vpc,
    Subnet,
    Group,
    LoadBalancer,
    Listener,
    Pair,
}

impl Kind {
    pub(crate) const ALL: [Self; 10] = [
        Self::Queue,
        Self::Role,
        Self::Service,
        Self::Secret,
        Self::Vpc,
        Self::Subnet,
        Self::Group,
        Self::LoadBalancer,
        Self::Listener,
        Self::Pair,
    ];

    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Queue | Self::Pair => "Test::App::Queue",
            Self::Role => "Test::App::Role",
            Self::Service => "Test::App::Service",
            Self::Secret => "Test::App::Secret",
            Self::Vpc => "Test::Net::Vpc",
            Self::Subnet => "Test::Net::Subnet",
            Self::Group => "Test::Net::SecurityGroup",
            Self::LoadBalancer => "Test::Net::LoadBalancer",
            Self::Listener => "Test::Net::Listener",
        }
    }

    /// The output by which others refer to it.
    pub(crate) fn output(self) -> &'static str {
        match self {
            Self::Queue | Self::Role | Self::Secret | Self::Pair => "Arn",
            Self::Service => "ServiceArn",
            Self::Vpc => "VpcId",
            Self::Subnet => "SubnetId",
            Self::Group => "GroupId",
            Self::LoadBalancer => "LoadBalancerArn",
            Self::Listener => "ListenerArn",
        }
    }

    /// Whether its type may be exchanged: nothing asks for just this one.
    pub(crate) fn is_loose(self) -> bool {
        matches!(self, Self::Queue | Self::Role | Self::Service | Self::Secret)
    }

    pub(crate) fn has_keys(self) -> bool {
        !matches!(self, Self::Pair | Self::Listener)
    }

    /// Whether it may refer to a thing of that kind where it can't change in place.
    pub(crate) fn pins(self, to: Self) -> bool {
        match self {
            Self::Subnet | Self::Group => to == Self::Vpc,
            Self::Listener => to == Self::LoadBalancer,
            Self::Role | Self::Service => true,
            _ => false,
        }
    }

    /// Whether it may refer to a thing of that kind where it can change in place.
    pub(crate) fn uses(self, to: Self) -> bool {
        match self {
            Self::LoadBalancer => matches!(to, Self::Subnet | Self::Group),
            Self::Queue | Self::Role | Self::Service | Self::Listener | Self::Pair => true,
            _ => false,
        }
    }

    /// The property of its name, where it has one.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Queue | Self::Pair => Some("QueueName"),
            Self::Role => Some("RoleName"),
            Self::Service => Some("ServiceName"),
            Self::Secret | Self::LoadBalancer => Some("Name"),
            Self::Group => Some("GroupName"),
            Self::Vpc | Self::Subnet | Self::Listener => None,
        }
    }
}

/// What stands in a stack for what only the cloud can tell, or what it comes to.
pub(crate) trait Says {
    /// The output by which a thing is referred to.
    fn output(&self, label: u32) -> String;
    /// The secret output of a secret.
    fn secret(&self, label: u32) -> String;
    /// The network that is not ours.
    fn shared(&self) -> String;
    /// The key of the instance.
    fn key(&self) -> String;
    /// The entry under the key of the instance.
    fn entry(&self) -> String;
}

/// The properties that the stack gives.
pub(crate) fn properties(thing: &Thing, model: &Model, says: &dyn Says) -> Map<String, Json> {
    let Thing { label, value, fixed, .. } = *thing;
    let uses = |wanted: &dyn Fn(Kind) -> bool| -> Vec<String> {
        thing.uses.iter().filter(|label| wanted(model.kind(**label))).map(|label| says.output(*label)).collect()
    };
    let all = uses(&|_| true);
    let pinned = |otherwise: String| thing.pin.map_or(otherwise, |label| says.output(label));
    let mut given = match thing.kind {
        Kind::Queue => json!({"FifoQueue": fixed}),
        Kind::Role => {
            let policy = json!({"Statement": [{"Effect": "Allow", "Resource": all}]});
            json!({"AssumeRolePolicyDocument": policy, "Boundary": {"Arn": pinned(format!("fixed-{fixed}"))}})
        }
        Kind::Service => {
            let mut container = json!({"Name": "a", "Image": format!("x:{value}"), "Command": all});
            if let Some(label) = thing.uses.iter().find(|label| model.kind(**label) == Kind::Secret) {
                container["Environment"] = json!({"KEY": says.secret(*label)});
            }
            json!({
                "Cluster": pinned(format!("fixed-{fixed}")),
                "Containers": [container],
                "Password": format!("hush-{label}-{value}"),
            })
        }
        Kind::Secret => json!({"SecretString": format!("hush-{label}-{value}")}),
        Kind::Vpc => json!({"CidrBlock": if fixed { "10.1.0.0/16" } else { "10.2.0.0/16" }}),
        Kind::Subnet => {
            let third = format!("{}{}", u8::from(fixed), says.entry());
            json!({"VpcId": pinned(says.shared()), "CidrBlock": format!("10.{label}.{third}.0/24")})
        }
        Kind::Group => {
            let rule =
                |port: u8| json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "10.0.0.0/8"});
            let rules: Vec<Json> = (1..=value % 4).map(rule).collect();
            let description = if fixed { "one" } else { "two" };
            json!({"GroupDescription": description, "VpcId": pinned(says.shared()), "Ingress": rules})
        }
        Kind::LoadBalancer => json!({"Subnets": uses(&|kind| kind == Kind::Subnet)}),
        Kind::Listener => json!({
            "LoadBalancerArn": pinned(format!("elsewhere-{label}")),
            "Port": 1000 + label * 500 + u32::from(fixed) * 10 + u32::from(value % 10),
        }),
        Kind::Pair => json!({"value": value, "fixed": fixed, "uses": all}),
    };
    let extra = match thing.kind {
        Kind::Queue => Some(("DelaySeconds", json!(value))),
        Kind::Role | Kind::Secret => Some(("Description", json!(format!("d{value}")))),
        Kind::Service => Some(("DesiredCount", json!(value))),
        Kind::Vpc => Some(("EnableDnsHostnames", json!(value % 2 == 1))),
        Kind::Subnet => Some(("MapPublicIpOnLaunch", json!(value % 2 == 1))),
        Kind::LoadBalancer => Some(("SecurityGroups", json!(uses(&|kind| kind == Kind::Group)))),
        Kind::Listener => all.first().map(|target| ("Target", json!(target))),
        Kind::Group | Kind::Pair => None,
    };
    let given_too = extra.filter(|_| thing.extra).into_iter();
    let redrive = (thing.kind == Kind::Queue && !all.is_empty()).then(|| ("RedrivePolicy", json!({"uses": all})));
    let name = thing.kind.name().filter(|_| thing.named.is_some()).map(|property| (property, json!(name(thing, says))));
    for (property, value) in given_too.chain(redrive).chain(name) {
        given[property] = value;
    }
    match given {
        Json::Object(given) => given,
        _ => Map::new(),
    }
}

/// The name that the stack gives. Only these two can be had beside their successors: their names are all that is fixed.
fn name(thing: &Thing, says: &dyn Says) -> String {
    let named = thing.named.unwrap_or_default();
    let version = match thing.kind {
        Kind::Secret | Kind::LoadBalancer => {
            if thing.fixed {
                "-1"
            } else {
                "-2"
            }
        }
        _ => "",
    };
    format!("named-{named}{version}{}", says.key())
}

/// What the cloud sets where a stack gives nothing.
pub(crate) fn defaults(type_name: &str) -> Json {
    match type_name {
        "Test::App::Queue" => json!({
            "VisibilityTimeout": 0, "DelaySeconds": 0, "FifoQueue": false, "DeduplicationScope": "messageGroup",
        }),
        "Test::App::Service" => json!({"DesiredCount": 0}),
        "Test::Net::Vpc" => {
            json!({"EnableDnsHostnames": false, "EnableDnsSupport": false, "InstanceTenancy": "default"})
        }
        "Test::Net::Subnet" => json!({"MapPublicIpOnLaunch": false}),
        _ => json!({}),
    }
}

/// The component of a queue and a role.
pub(crate) const PAIR: &str = r#"
parameters:
  value: { type: integer }
  fixed: { type: boolean }
  uses: { type: list }
resources:
  Queue:
    type: Test::App::Queue
    properties: { DelaySeconds: "${params.value}", FifoQueue: "${params.fixed}" }
  Role:
    type: Test::App::Role
    properties:
      AssumeRolePolicyDocument: { Statement: [{ Effect: Allow, Resource: "${Queue.Arn}", Uses: "${params.uses}" }] }
outputs:
  Arn: ${Queue.Arn}
"#;

/// The properties of the component's parts.
pub(crate) fn parts(thing: &Thing, says: &dyn Says) -> [(&'static str, &'static str, Json); 2] {
    let uses: Vec<String> = thing.uses.iter().map(|label| says.output(*label)).collect();
    let statement = json!({"Effect": "Allow", "Resource": says.output(thing.label), "Uses": uses});
    let policy = json!({"AssumeRolePolicyDocument": {"Statement": [statement]}});
    let queue = json!({"DelaySeconds": thing.value, "FifoQueue": thing.fixed});
    [("Queue", "Test::App::Queue", queue), ("Role", "Test::App::Role", policy)]
}
