//! `AWS::EC2::VPCEndpoint`.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_ec2::types::{self as sdk, ResourceType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::vpc_endpoint_parts::{DnsOptions, forget_unspecified};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::document::Document;
use crate::aws::ec2::{BATCH, asked, by_ids, by_tags, filter, made, retag, tagged_as, tags, unsuccessful};
use crate::aws::error::During;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{TagSet, Tags};
use crate::aws::wait::{self, Probe};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::Op;
use crate::value::Value;

/// How long an endpoint may take to come up or to go.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// What names the type of an endpoint that has network interfaces.
const INTERFACE: &str = "Interface";

/// A VPC endpoint: a way from a VPC to a service of AWS, or of another account, that does not lead through the internet.
///
/// `Gateway` endpoints (S3, DynamoDB) are routes and cost nothing; `Interface` endpoints have an address in each subnet and
/// cost by the hour and by the gigabyte. Tasks on Fargate without a way to the internet need those for ECR (`ecr.api`,
/// `ecr.dkr`), S3 and CloudWatch Logs at least. An endpoint whose service wants to accept it first is not waited for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcEndpoint {
    /// The DNS records that are made for the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_options: Option<DnsOptions>,
    /// What addresses the endpoint has. AWS's default is `ipv4`; `not-specified` is the same as not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["ipv4", "ipv6", "dualstack", "not-specified"]))]
    pub ip_address_type: Option<String>,
    /// What may be done through the endpoint; only for gateway and interface endpoints. AWS's default allows everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_document: Option<Document>,
    /// Whether the service's own DNS names lead to the endpoint inside the VPC; only for interface endpoints, and with
    /// `EnableDnsSupport` and `EnableDnsHostnames` of the VPC. The default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_dns_enabled: Option<bool>,
    /// The ARN of the resource configuration, for an endpoint of type `Resource`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_configuration_arn: Option<String>,
    /// Route tables that get a route to the service; only for gateway endpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_table_ids: Option<BTreeSet<String>>,
    /// Security groups of the network interfaces. AWS's default is the VPC's default group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group_ids: Option<BTreeSet<String>>,
    /// The service's name, `com.amazonaws.us-east-1.ecr.api`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// The ARN of the service network, for an endpoint of type `ServiceNetwork`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_network_arn: Option<String>,
    /// The region of the service. AWS's default is the endpoint's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_region: Option<String>,
    /// Subnets that get a network interface, at most one of each availability zone; not for gateway endpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_ids: Option<BTreeSet<String>>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The type. AWS's default is `Gateway`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["Interface", "Gateway", "GatewayLoadBalancer", "ServiceNetwork", "Resource", "Tunnel"]))]
    pub vpc_endpoint_type: Option<String>,
    /// The VPC.
    pub vpc_id: String,
}

/// What AWS tells of a VPC endpoint.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// When it was made.
    pub creation_timestamp: Option<String>,
    /// Its DNS names, each as `<hosted zone id>:<name>`; interface endpoints only.
    pub dns_entries: Vec<String>,
    /// The endpoint's id.
    pub id: String,
    /// The ids of its network interfaces.
    pub network_interface_ids: BTreeSet<String>,
}

impl Resource for VpcEndpoint {
    const TYPE: &'static str = "AWS::EC2::VPCEndpoint";
    const CREATE_ONLY: &'static [&'static str] = &[
        "DnsOptions.PrivateDnsPreference",
        "DnsOptions.PrivateDnsSpecifiedDomains",
        "ResourceConfigurationArn",
        "ServiceName",
        "ServiceNetworkArn",
        "ServiceRegion",
        "VpcEndpointType",
        "VpcId",
    ];
    // A route table has one route to a service, and a VPC one private zone for its names.
    const UNIQUE: &'static [&'static [&'static str]] =
        &[&["VpcId", "ServiceName", "RouteTableIds"], &["VpcId", "ServiceName", "PrivateDnsEnabled"]];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "ec2:CreateVpcEndpoint",
            "ec2:CreateTags",
            "ec2:DescribeVpcEndpoints",
            "vpc-lattice:CreateServiceNetworkVpcEndpointAssociation",
            "vpce:AllowMultiRegion",
        ],
        read: &["ec2:DescribeVpcEndpoints"],
        update: &[
            "ec2:ModifyVpcEndpoint",
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeSecurityGroups",
            "ec2:CreateTags",
            "ec2:DeleteTags",
        ],
        delete: &["ec2:DeleteVpcEndpoints", "ec2:DescribeVpcEndpoints"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    fn normalize(properties: &mut Value) {
        forget_unspecified(properties);
    }

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        let list = |set: &Option<BTreeSet<String>>| set.as_ref().map(|set| set.iter().cloned().collect());
        // CloudFormation's default is false, the API's depends on the service.
        let private_dns = self.private_dns_enabled.or_else(|| self.is_interface().then_some(false));
        let call = aws
            .ec2()
            .create_vpc_endpoint()
            .client_token(op.id.as_str())
            .set_dns_options(self.dns_options.as_ref().map(DnsOptions::sdk))
            .set_ip_address_type(self.ip_address_type.as_deref().map(Into::into))
            .set_policy_document(self.policy_document.as_ref().map(Document::text))
            .set_private_dns_enabled(private_dns)
            .set_resource_configuration_arn(self.resource_configuration_arn.clone())
            .set_route_table_ids(list(&self.route_table_ids))
            .set_security_group_ids(list(&self.security_group_ids))
            .set_service_name(self.service_name.clone())
            .set_service_network_arn(self.service_network_arn.clone())
            .set_service_region(self.service_region.clone())
            .set_subnet_ids(list(&self.subnet_ids))
            .set_tag_specifications(tagged_as(ResourceType::VpcEndpoint, &self.tags))
            .set_vpc_endpoint_type(self.vpc_endpoint_type.as_deref().map(Into::into))
            .vpc_id(&self.vpc_id);
        let answer = call.send().await.during("ec2:CreateVpcEndpoint")?;
        made(answer.vpc_endpoint().and_then(|endpoint| endpoint.vpc_endpoint_id()), "ec2:CreateVpcEndpoint")
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        until_usable(aws, id).await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let endpoints = describe(aws, by_ids("vpc-endpoint-id", ids)).await?;
        let here =
            endpoints.into_iter().filter(|endpoint| asked(ids, endpoint.vpc_endpoint_id()) && is_there(endpoint));
        Ok(here.map(observed).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        if self.modifiable() != old.modifiable() {
            self.modify(aws, id, old).await?;
            until_usable(aws, id).await?;
        }
        retag(aws, id.as_str(), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        const OPERATION: &str = "ec2:DeleteVpcEndpoints";
        let answer = aws.ec2().delete_vpc_endpoints().vpc_endpoint_ids(id.as_str()).send().await.during(OPERATION)?;
        unsuccessful(answer.unsuccessful(), OPERATION)?;
        wait::until(aws, "ec2:DescribeVpcEndpoints", TIMEOUT, || async {
            let endpoint = one(aws, id).await?;
            Ok(match endpoint.as_ref().map(state).as_deref() {
                None | Some("deleted") => Probe::Ready(()),
                Some(state) => Probe::Pending(state.to_owned()),
            })
        })
        .await
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let endpoints = describe(aws, by_tags(tags)).await?;
        let have = endpoints.iter().filter(|endpoint| is_there(endpoint) && self::tags(endpoint.tags()).have(tags));
        Ok(have.filter_map(|endpoint| endpoint.vpc_endpoint_id()).map(Id::new).collect())
    }
}

impl VpcEndpoint {
    fn is_interface(&self) -> bool {
        self.vpc_endpoint_type.as_deref() == Some(INTERFACE)
    }

    /// All that `ModifyVpcEndpoint` can change, to be compared.
    fn modifiable(&self) -> impl PartialEq + use<'_> {
        (
            (&self.dns_options, &self.ip_address_type, &self.policy_document, &self.private_dns_enabled),
            (&self.route_table_ids, &self.security_group_ids, &self.subnet_ids),
        )
    }

    /// Changes what differs from `old`, in one call: what is gone to AWS's default.
    async fn modify(&self, aws: &Aws, id: &Id, old: &Self) -> Result<()> {
        let mut call = aws.ec2().modify_vpc_endpoint().vpc_endpoint_id(id.as_str());
        if self.policy_document != old.policy_document {
            call = match &self.policy_document {
                Some(policy) => call.policy_document(policy.text()),
                None => call.reset_policy(true),
            };
        }
        if self.private_dns_enabled != old.private_dns_enabled {
            call = call.private_dns_enabled(self.private_dns_enabled.unwrap_or(false));
        }
        if self.ip_address_type != old.ip_address_type {
            call = call.ip_address_type(self.ip_address_type.as_deref().unwrap_or("ipv4").into());
        }
        if self.dns_options != old.dns_options {
            let default = if old.is_interface() { "ipv4" } else { "service-defined" };
            let none = DnsOptions::default();
            let changed = self.dns_options.as_ref().unwrap_or(&none).or_default(old.dns_options.as_ref(), default);
            call = call.dns_options(changed.sdk());
        }
        let (add, remove) = difference(&self.route_table_ids, &old.route_table_ids);
        call = call.set_add_route_table_ids(add).set_remove_route_table_ids(remove);
        let (add, remove) = difference(&self.subnet_ids, &old.subnet_ids);
        call = call.set_add_subnet_ids(add).set_remove_subnet_ids(remove);
        let groups = match &self.security_group_ids {
            None if old.security_group_ids.is_some() => Some(default_group(aws, &old.vpc_id).await?),
            given => given.clone(),
        };
        let (add, remove) = difference(&groups, &old.security_group_ids);
        call = call.set_add_security_group_ids(add).set_remove_security_group_ids(remove);
        call.send().await.during("ec2:ModifyVpcEndpoint")?;
        Ok(())
    }
}

type Ids = Option<Vec<String>>;

/// What must be added to and removed from `old`; none where there is nothing.
fn difference(new: &Option<BTreeSet<String>>, old: &Option<BTreeSet<String>>) -> (Ids, Ids) {
    let none = BTreeSet::new();
    let (new, old) = (new.as_ref().unwrap_or(&none), old.as_ref().unwrap_or(&none));
    let list = |left: &BTreeSet<String>, right| -> Ids {
        let list: Vec<_> = left.difference(right).cloned().collect();
        (!list.is_empty()).then_some(list)
    };
    (list(new, old), list(old, new))
}

/// The security group that a VPC came with.
async fn default_group(aws: &Aws, vpc: &str) -> Result<BTreeSet<String>> {
    let call = aws.ec2().describe_security_groups();
    let pages = call.filters(filter("vpc-id", [vpc])).filters(filter("group-name", ["default"])).into_paginator();
    let groups: Vec<sdk::SecurityGroup> =
        pages.items().send().collect::<std::result::Result<_, _>>().await.during("ec2:DescribeSecurityGroups")?;
    let default = groups.into_iter().filter(|group| group.group_name() == Some("default"));
    Ok(default.filter_map(|group| group.group_id).collect())
}

/// The state in lower case: what the API tells begins with a small letter, what it documents with a capital one.
fn state(endpoint: &sdk::VpcEndpoint) -> String {
    endpoint.state().map_or("", |state| state.as_str()).to_ascii_lowercase()
}

/// Whether an endpoint is more than a memory.
fn is_there(endpoint: &sdk::VpcEndpoint) -> bool {
    !matches!(state(endpoint).as_str(), "deleting" | "deleted")
}

async fn until_usable(aws: &Aws, id: &Id) -> Result<()> {
    wait::until(aws, "ec2:DescribeVpcEndpoints", TIMEOUT, || async {
        let Some(endpoint) = one(aws, id).await? else { return Ok(Probe::Pending("not visible".to_owned())) };
        let state = state(&endpoint);
        let error = endpoint.last_error().and_then(|error| error.message());
        let why = endpoint.failure_reason().or(error).unwrap_or("AWS does not say why");
        Ok(match state.as_str() {
            // Whose service it is must accept it, and may take days.
            "available" | "pendingacceptance" => Probe::Ready(()),
            "failed" | "rejected" | "expired" | "deleting" | "deleted" => {
                Probe::Failed(format!("it is {state}: {why}"))
            }
            _ => Probe::Pending(state),
        })
    })
    .await
}

async fn one(aws: &Aws, id: &Id) -> Result<Option<sdk::VpcEndpoint>> {
    let endpoints = describe(aws, by_ids("vpc-endpoint-id", std::slice::from_ref(id))).await?;
    Ok(endpoints.into_iter().find(|endpoint| endpoint.vpc_endpoint_id() == Some(id.as_str())))
}

async fn describe(aws: &Aws, filters: Vec<sdk::Filter>) -> Result<Vec<sdk::VpcEndpoint>> {
    let pages = aws.ec2().describe_vpc_endpoints().set_filters(Some(filters)).into_paginator().items().send();
    pages.collect::<std::result::Result<_, _>>().await.during("ec2:DescribeVpcEndpoints")
}

fn observed(endpoint: sdk::VpcEndpoint) -> Observed<VpcEndpoint> {
    let id = endpoint.vpc_endpoint_id().unwrap_or_default().to_owned();
    let entries = endpoint.dns_entries().iter().map(|entry| {
        format!("{}:{}", entry.hosted_zone_id().unwrap_or_default(), entry.dns_name().unwrap_or_default())
    });
    Observed {
        id: Id::new(&id),
        outputs: Outputs {
            creation_timestamp: endpoint.creation_timestamp().map(ToString::to_string),
            dns_entries: entries.collect(),
            id,
            network_interface_ids: endpoint.network_interface_ids().iter().cloned().collect(),
        },
        properties: VpcEndpoint {
            dns_options: endpoint.dns_options().map(DnsOptions::of),
            ip_address_type: endpoint.ip_address_type().map(ToString::to_string),
            policy_document: Document::parse_some(endpoint.policy_document()),
            private_dns_enabled: endpoint.private_dns_enabled(),
            route_table_ids: Some(endpoint.route_table_ids().iter().cloned().collect()),
            security_group_ids: Some(endpoint.groups().iter().filter_map(|group| group.group_id.clone()).collect()),
            subnet_ids: Some(endpoint.subnet_ids().iter().cloned().collect()),
            tags: tags(endpoint.tags()),
            vpc_endpoint_type: endpoint.vpc_endpoint_type().map(ToString::to_string),
            resource_configuration_arn: endpoint.resource_configuration_arn,
            service_name: endpoint.service_name,
            service_network_arn: endpoint.service_network_arn,
            service_region: endpoint.service_region,
            vpc_id: endpoint.vpc_id.unwrap_or_default(),
        },
    }
}
