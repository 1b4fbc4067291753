//! What the emulator forgets of what it was told, and AWS does not.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use bytes::Bytes;
use hyper::Response;
use serde_json::{Map, Value};

use crate::clock::Wait;
use crate::xml::Element;

/// A NAT gateway: ministack drops its address, and never lets it fail.
#[derive(Debug, Clone)]
pub(crate) struct NatGateway {
    pub(crate) allocation: Option<String>,
    /// Code and message of why it will fail.
    pub(crate) failure: Option<(&'static str, String)>,
}

/// A VPC endpoint: ministack drops most of its settings, and lets it go at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct VpcEndpoint {
    /// What is told of it beyond what the emulator tells.
    pub(crate) settings: Vec<Element>,
    /// What is told of it while it goes.
    pub(crate) departed: Option<Element>,
}

/// What has network interfaces, and where: a load balancer, a service, a NAT gateway, …
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NetworkUser {
    /// Its ARN or id.
    pub(crate) id: String,
    pub(crate) subnets: Vec<String>,
    pub(crate) groups: Vec<String>,
    /// Whether it has public addresses.
    pub(crate) public: bool,
}

/// An answer given to a call that may come again.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// The parameters of the call, without those that may differ.
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) answer: Response<Bytes>,
}

/// Everything remembered since the last reset.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) nat_gateways: HashMap<String, NatGateway>,
    pub(crate) vpc_endpoints: HashMap<String, VpcEndpoint>,
    /// What is told of flow logs beyond what the emulator tells, by id.
    pub(crate) flow_logs: HashMap<String, Vec<Element>>,
    /// What was changed of OpenID Connect providers since they were made, by ARN.
    pub(crate) oidc_providers: HashMap<String, Vec<Element>>,
    /// Load balancers and VPC endpoints just deleted, by ARN or id, and how long their network interfaces stay.
    pub(crate) departed: HashMap<String, (NetworkUser, Wait)>,
    /// Forward actions of listeners and rules with all their target groups, by ARN.
    pub(crate) forwards: HashMap<String, Vec<Element>>,
    /// Conditions of listener rules on the query string, by the rule's ARN.
    pub(crate) query_conditions: HashMap<String, Vec<Element>>,
    /// What calls that speak JSON gave of a thing, by its ARN or id.
    pub(crate) parameters: HashMap<String, Map<String, Value>>,
    /// Answers to calls with a client token, by region, operation and token; and to the idempotent calls of ELBv2.
    pub(crate) given: HashMap<String, Given>,
    /// Secrets' copies that were removed: the secret's ARN and the region.
    pub(crate) removed_replicas: HashSet<(String, String)>,
    /// What of alarms, dashboards, metric filters and scaling policies the emulators lose, by kind, region and name.
    pub(crate) kept: HashMap<String, Value>,
    /// What ministack does not keep of SES's identities, as GetEmailIdentity tells it, by region and identity.
    pub(crate) identities: HashMap<String, Value>,
    /// Tags of SES's identities and templates that were changed, by ARN.
    pub(crate) email_tags: HashMap<String, Vec<Value>>,
    /// What ministack does not keep of topics and subscriptions, by ARN and name.
    pub(crate) sns_attributes: HashMap<(String, &'static str), String>,
    /// How the nodes of App Mesh's meshes are found, by region and mesh.
    pub(crate) mesh_discovery: HashMap<String, Value>,
    /// When each id was first told.
    pub(crate) told: HashMap<String, Instant>,
}
