//! `AWS::ElasticLoadBalancingV2::LoadBalancer`.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::{self as sdk, LoadBalancerAttribute, LoadBalancerStateEnum};
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attributes::Attributes;
use super::{BATCH, each_found, having, made, retag, tag_list, tags_of};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built, found};
use crate::aws::mirror::{Mirror, mirror};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, TagSet, Tags};
use crate::aws::wait::{self, Probe};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::Op;

/// How long provisioning may take.
const PROVISIONING: Duration = Duration::from_secs(15 * 60);

/// AWS's defaults of attributes; one that is not here stays as it is when the stack no longer gives it.
const DEFAULTS: &[(&str, &str)] = &[
    ("access_logs.s3.enabled", "false"),
    ("client_keep_alive.seconds", "3600"),
    ("connection_logs.s3.enabled", "false"),
    ("deletion_protection.enabled", "false"),
    ("dns_record.client_routing_policy", "any_availability_zone"),
    ("idle_timeout.timeout_seconds", "60"),
    ("routing.http.desync_mitigation_mode", "defensive"),
    ("routing.http.drop_invalid_header_fields.enabled", "false"),
    ("routing.http.preserve_host_header.enabled", "false"),
    ("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false"),
    ("routing.http.xff_client_port.enabled", "false"),
    ("routing.http.xff_header_processing.mode", "append"),
    ("routing.http2.enabled", "true"),
    ("waf.fail_open.enabled", "false"),
    ("zonal_shift.config.enabled", "false"),
];

mirror! {
    /// A subnet, and the load balancer's address in it.
    pub struct SubnetMapping = sdk::SubnetMapping {
        /// The subnet.
        subnet_id(set_subnet_id): String,
        /// The elastic IP address, for a network load balancer that faces the internet.
        allocation_id(set_allocation_id): Option<String>,
        /// The private address, for an internal network load balancer.
        #[serde(rename = "PrivateIPv4Address")]
        private_ipv4_address(set_private_ipv4_address): Option<String>,
        /// The IPv6 address.
        #[serde(rename = "IPv6Address")]
        ipv6_address(set_ipv6_address): Option<String>,
        /// The IPv6 prefix that source addresses are taken from; network load balancers only.
        source_nat_ipv6_prefix(set_source_nat_ipv6_prefix): Option<String>,
    }
}

/// A load balancer: one address in front of many targets.
///
/// One read describes 20 of them, and their attributes one by one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LoadBalancer {
    /// Which addresses clients use. AWS's default is `ipv4`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["ipv4", "dualstack", "dualstack-without-public-ipv4"]))]
    pub ip_address_type: Option<String>,
    /// Settings by key, such as `idle_timeout.timeout_seconds`; those that are not given are left as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer_attributes: Option<Attributes>,
    /// The load balancer's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$"))]
    pub name: Option<String>,
    /// Whether it faces the internet. AWS's default is `internet-facing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["internet-facing", "internal"]))]
    pub scheme: Option<String>,
    /// Its security groups. AWS's default for an application load balancer is the VPC's default group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<BTreeSet<String>>,
    /// Its subnets and its addresses in them, in place of `Subnets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true))]
    pub subnet_mappings: Option<Vec<SubnetMapping>>,
    /// Its subnets; at least two in different zones for an application load balancer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnets: Option<BTreeSet<String>>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// What it balances. AWS's default is `application`.
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["application", "network", "gateway"]))]
    pub kind: Option<String>,
}

/// What AWS tells of a load balancer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The hosted zone of its DNS name, for Route 53 alias records.
    #[serde(rename = "CanonicalHostedZoneID")]
    pub canonical_hosted_zone_id: Option<String>,
    /// Its DNS name.
    #[serde(rename = "DNSName")]
    pub dns_name: Option<String>,
    /// Its ARN.
    pub load_balancer_arn: String,
    /// The end of its ARN, `app/my-balancer/50dc6c495c0c9188`, by which metrics name it.
    pub load_balancer_full_name: String,
    /// Its name.
    pub load_balancer_name: Option<String>,
}

impl Resource for LoadBalancer {
    const TYPE: &'static str = "AWS::ElasticLoadBalancingV2::LoadBalancer";
    const CREATE_ONLY: &'static [&'static str] = &["Name", "Scheme", "Type"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["Name"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "Name", max_length: 32, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "elasticloadbalancing:CreateLoadBalancer",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:ModifyLoadBalancerAttributes",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:DescribeTags",
        ],
        read: &[
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeLoadBalancerAttributes",
            "elasticloadbalancing:DescribeTags",
        ],
        update: &[
            "elasticloadbalancing:ModifyLoadBalancerAttributes",
            "elasticloadbalancing:SetSubnets",
            "elasticloadbalancing:SetIpAddressType",
            "elasticloadbalancing:SetSecurityGroups",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:RemoveTags",
        ],
        delete: &["elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing:DescribeLoadBalancers"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "elasticloadbalancing:CreateLoadBalancer";
        let call = aws
            .elb()
            .create_load_balancer()
            .set_name(self.name.clone())
            .set_ip_address_type(self.ip_address_type.as_deref().map(Into::into))
            .set_scheme(self.scheme.as_deref().map(Into::into))
            .set_security_groups(list(self.security_groups.as_ref()))
            .set_subnet_mappings(built(self.subnet_mappings.sdk(), OPERATION)?)
            .set_subnets(list(self.subnets.as_ref()))
            .set_tags(tag_list(&self.tags))
            .set_type(self.kind.as_deref().map(Into::into));
        let answer = call.send().await.during(OPERATION)?;
        made(aws, op, answer.load_balancers().first().and_then(|balancer| balancer.load_balancer_arn()), OPERATION)
            .await
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        set_attributes(aws, id, Attributes::changes(None, self.load_balancer_attributes.as_ref(), DEFAULTS)).await?;
        wait::until(aws, "elasticloadbalancing:DescribeLoadBalancers", PROVISIONING, || async {
            let balancers = describe(aws, vec![id.as_str().to_owned()]).await?;
            let state = balancers.first().and_then(|balancer| balancer.state());
            let code = state.and_then(|state| state.code());
            let reason = || state.and_then(|state| state.reason()).unwrap_or("provisioning failed").to_owned();
            Ok(match code {
                Some(LoadBalancerStateEnum::Active | LoadBalancerStateEnum::ActiveImpaired) => Probe::Ready(()),
                Some(LoadBalancerStateEnum::Failed) => Probe::Failed(reason()),
                Some(code) => Probe::Pending(code.to_string()),
                None => Probe::Pending("not visible".to_owned()),
            })
        })
        .await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let balancers = each_found(ids, |arns| describe(aws, arns)).await?;
        let arns: Vec<_> = balancers.iter().filter_map(|balancer| balancer.load_balancer_arn()).collect();
        let attributes = try_join_all(arns.iter().map(|arn| attributes(aws, arn)));
        let (tags, attributes) = futures::try_join!(tags_of(aws, &arns), attributes)?;
        let read = balancers.iter().zip(attributes).filter_map(|(balancer, attributes)| {
            let tags = balancer.load_balancer_arn().and_then(|arn| tags.get(arn)).cloned().unwrap_or_default();
            Some(observed(balancer, attributes?, tags))
        });
        Ok(read.collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        let arn = id.as_str();
        let attributes = (old.load_balancer_attributes.as_ref(), self.load_balancer_attributes.as_ref());
        let changes = Attributes::changes(attributes.0, attributes.1, DEFAULTS);
        if self.ip_address_type != old.ip_address_type {
            let kind = self.ip_address_type.as_deref().unwrap_or("ipv4");
            let call = aws.elb().set_ip_address_type().load_balancer_arn(arn).ip_address_type(kind.into());
            call.send().await.during("elasticloadbalancing:SetIpAddressType")?;
        }
        if self.security_groups != old.security_groups {
            let groups = list(self.security_groups.as_ref());
            let call = aws.elb().set_security_groups().load_balancer_arn(arn).set_security_groups(groups);
            call.send().await.during("elasticloadbalancing:SetSecurityGroups")?;
        }
        let mappings = (self.subnet_mappings != old.subnet_mappings).then_some(self.subnet_mappings.as_ref()).flatten();
        if mappings.is_some() || self.subnets != old.subnets {
            let call = aws.elb().set_subnets().load_balancer_arn(arn);
            let call = match mappings {
                Some(mappings) => call.set_subnet_mappings(built(mappings.sdk(), "elasticloadbalancing:SetSubnets")?),
                None => call.set_subnets(list(self.subnets.as_ref())),
            };
            call.send().await.during("elasticloadbalancing:SetSubnets")?;
        }
        set_attributes(aws, id, changes).await?;
        retag(aws, arn, &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let call = aws.elb().delete_load_balancer().load_balancer_arn(id.as_str());
        call.send().await.during("elasticloadbalancing:DeleteLoadBalancer")?;
        wait::until(aws, "elasticloadbalancing:DescribeLoadBalancers", PROVISIONING, || async {
            let left = found(describe(aws, vec![id.as_str().to_owned()]).await)?.unwrap_or_default();
            Ok(if left.is_empty() { Probe::Ready(()) } else { Probe::Pending("there".to_owned()) })
        })
        .await
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let pages = aws.elb().describe_load_balancers().into_paginator().items().send();
        let all: Vec<_> =
            pages.collect::<std::result::Result<_, _>>().await.during("elasticloadbalancing:DescribeLoadBalancers")?;
        having(
            aws,
            all.into_iter().filter_map(|balancer: sdk::LoadBalancer| balancer.load_balancer_arn).collect(),
            tags,
        )
        .await
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let call = aws.elb().describe_load_balancers().set_names(self.name.clone().map(|name| vec![name]));
        let answer = found(call.send().await.during("elasticloadbalancing:DescribeLoadBalancers"))?;
        let named = answer.and_then(|answer| answer.load_balancers).unwrap_or_default();
        let arns = named.into_iter().filter_map(|balancer| balancer.load_balancer_arn).collect();
        Ok(having(aws, arns, &ownership::of_op(op)).await?.into_iter().next())
    }
}

fn list(set: Option<&BTreeSet<String>>) -> Option<Vec<String>> {
    set.map(|set| set.iter().cloned().collect())
}

async fn describe(aws: &Aws, arns: Vec<String>) -> Result<Vec<sdk::LoadBalancer>> {
    let call = aws.elb().describe_load_balancers().set_load_balancer_arns(Some(arns));
    let answer = call.send().await.during("elasticloadbalancing:DescribeLoadBalancers")?;
    Ok(answer.load_balancers.unwrap_or_default())
}

/// The attributes; nothing where the load balancer went away between two calls.
async fn attributes(aws: &Aws, arn: &str) -> Result<Option<Attributes>> {
    let call = aws.elb().describe_load_balancer_attributes().load_balancer_arn(arn);
    let answer = found(call.send().await.during("elasticloadbalancing:DescribeLoadBalancerAttributes"))?;
    let attributes = answer.map(|answer| answer.attributes.unwrap_or_default());
    let pair = |attribute: LoadBalancerAttribute| Some((attribute.key?, attribute.value.unwrap_or_default()));
    Ok(attributes.map(|attributes| attributes.into_iter().filter_map(pair).collect()))
}

async fn set_attributes(aws: &Aws, id: &Id, changes: Attributes) -> Result<()> {
    let changes = changes.each(|key, value| LoadBalancerAttribute::builder().key(key).value(value).build());
    if changes.is_some() {
        let call = aws.elb().modify_load_balancer_attributes().load_balancer_arn(id.as_str()).set_attributes(changes);
        call.send().await.during("elasticloadbalancing:ModifyLoadBalancerAttributes")?;
    }
    Ok(())
}

fn observed(balancer: &sdk::LoadBalancer, attributes: Attributes, tags: Tags) -> Observed<LoadBalancer> {
    let arn = balancer.load_balancer_arn().unwrap_or_default();
    let zones = balancer.availability_zones();
    let mapping = |zone: &sdk::AvailabilityZone| {
        let address = zone.load_balancer_addresses().first();
        SubnetMapping {
            subnet_id: zone.subnet_id().unwrap_or_default().to_owned(),
            allocation_id: address.and_then(|address| address.allocation_id()).map(str::to_owned),
            private_ipv4_address: address.and_then(|address| address.private_ipv4_address()).map(str::to_owned),
            ipv6_address: address.and_then(|address| address.ipv6_address()).map(str::to_owned),
            source_nat_ipv6_prefix: zone.source_nat_ipv6_prefixes().first().cloned(),
        }
    };
    Observed {
        id: Id::new(arn),
        properties: LoadBalancer {
            ip_address_type: balancer.ip_address_type().map(ToString::to_string),
            load_balancer_attributes: Some(attributes),
            name: balancer.load_balancer_name().map(str::to_owned),
            scheme: balancer.scheme().map(ToString::to_string),
            security_groups: Some(balancer.security_groups().iter().cloned().collect()),
            subnet_mappings: Some(zones.iter().map(mapping).collect()),
            subnets: Some(zones.iter().filter_map(|zone| zone.subnet_id()).map(str::to_owned).collect()),
            tags,
            kind: balancer.r#type().map(ToString::to_string),
        },
        outputs: Outputs {
            canonical_hosted_zone_id: balancer.canonical_hosted_zone_id().map(str::to_owned),
            dns_name: balancer.dns_name().map(str::to_owned),
            load_balancer_arn: arn.to_owned(),
            load_balancer_full_name: arn.split_once("loadbalancer/").map_or("", |(_, name)| name).to_owned(),
            load_balancer_name: balancer.load_balancer_name().map(str::to_owned),
        },
    }
}
