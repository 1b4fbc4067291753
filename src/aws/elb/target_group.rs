//! `AWS::ElasticLoadBalancingV2::TargetGroup`.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{self as sdk, TargetGroupAttribute};
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attributes::Attributes;
use super::{BATCH, each_found, having, made, retag, tag_list, tags_of};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built, found};
use crate::aws::in_use::Holder;
use crate::aws::mirror::{Mirror, mirror};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, TagSet, Tags};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::Op;

/// AWS's defaults of attributes; one that is not here stays as it is when the stack no longer gives it.
const DEFAULTS: &[(&str, &str)] = &[
    ("deregistration_delay.connection_termination.enabled", "false"),
    ("deregistration_delay.timeout_seconds", "300"),
    ("load_balancing.algorithm.anomaly_mitigation", "off"),
    ("load_balancing.algorithm.type", "round_robin"),
    ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
    ("proxy_protocol_v2.enabled", "false"),
    ("slow_start.duration_seconds", "0"),
    ("stickiness.app_cookie.duration_seconds", "86400"),
    ("stickiness.enabled", "false"),
    ("stickiness.lb_cookie.duration_seconds", "86400"),
    ("stickiness.type", "lb_cookie"),
    ("target_group_health.dns_failover.minimum_healthy_targets.count", "1"),
    ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"),
];

mirror! {
    /// Which answers say that a target is healthy.
    pub struct Matcher = sdk::Matcher {
        /// gRPC codes, such as `0-99`.
        grpc_code(set_grpc_code): Option<String>,
        /// HTTP statuses, such as `200-299` or `200,302`.
        http_code(set_http_code): Option<String>,
    }
}

/// A target group: where a load balancer sends requests, and how it knows that a target is healthy.
///
/// Its targets are registered by what runs them, such as `AWS::ECS::Service`. One read describes 20 of them, and their
/// attributes one by one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetGroup {
    /// Whether targets are checked. It can be turned off for `lambda` targets alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_enabled: Option<bool>,
    /// Seconds between two checks. AWS's default is 30, and 35 for `lambda`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 5, max = 300))]
    pub health_check_interval_seconds: Option<i32>,
    /// The path that is asked for. AWS's default is `/`, and `/AWS.ALB/healthcheck` for gRPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub health_check_path: Option<String>,
    /// The port that is asked. AWS's default is `traffic-port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_port: Option<String>,
    /// The protocol of checks. AWS's default is `HTTP` behind application and `TCP` behind network load balancers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC"]))]
    pub health_check_protocol: Option<String>,
    /// Seconds that an answer may take. AWS's default is 5 for HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 120))]
    pub health_check_timeout_seconds: Option<i32>,
    /// Checks in a row that a target must pass to be healthy. AWS's default is 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 10))]
    pub healthy_threshold_count: Option<i32>,
    /// The kind of the targets' addresses. AWS's default is `ipv4`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["ipv4", "ipv6"]))]
    pub ip_address_type: Option<String>,
    /// Which answers say that a target is healthy. AWS's default is 200, and 12 for gRPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matcher: Option<Matcher>,
    /// The target group's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$"))]
    pub name: Option<String>,
    /// The targets' port; one that registers its own overrides it. Not for `lambda`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: Option<i32>,
    /// The protocol that targets speak. Not for `lambda`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC"]))]
    pub protocol: Option<String>,
    /// The version of HTTP. AWS's default is `HTTP1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["HTTP1", "HTTP2", "GRPC"]))]
    pub protocol_version: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// Settings by key, such as `deregistration_delay.timeout_seconds`; those that are not given are left as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_group_attributes: Option<Attributes>,
    /// What targets are named by. AWS's default is `instance`; Fargate tasks need `ip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["instance", "ip", "lambda", "alb"]))]
    pub target_type: Option<String>,
    /// Failed checks in a row after which a target is unhealthy. AWS's default is 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 10))]
    pub unhealthy_threshold_count: Option<i32>,
    /// The VPC that the targets are in. Not for `lambda`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
}

/// What AWS tells of a target group.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The load balancers that send requests to it.
    pub load_balancer_arns: BTreeSet<String>,
    /// Its ARN.
    pub target_group_arn: String,
    /// The end of its ARN, `targetgroup/my-group/cbf133c568e0d028`, by which metrics name it.
    pub target_group_full_name: String,
    /// Its name.
    pub target_group_name: Option<String>,
}

impl Resource for TargetGroup {
    const TYPE: &'static str = "AWS::ElasticLoadBalancingV2::TargetGroup";
    const CREATE_ONLY: &'static [&'static str] =
        &["IpAddressType", "Name", "Port", "Protocol", "ProtocolVersion", "TargetType", "VpcId"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["Name"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "Name", max_length: 32, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "elasticloadbalancing:CreateTargetGroup",
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:ModifyTargetGroupAttributes",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:DescribeTags",
        ],
        read: &[
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetGroupAttributes",
            "elasticloadbalancing:DescribeTags",
        ],
        update: &[
            "elasticloadbalancing:ModifyTargetGroup",
            "elasticloadbalancing:ModifyTargetGroupAttributes",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:RemoveTags",
        ],
        delete: &[
            "elasticloadbalancing:DeleteTargetGroup",
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTags",
        ],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "elasticloadbalancing:CreateTargetGroup";
        let call = aws
            .elb()
            .create_target_group()
            .set_name(self.name.clone())
            .set_health_check_enabled(self.health_check_enabled)
            .set_health_check_interval_seconds(self.health_check_interval_seconds)
            .set_health_check_path(self.health_check_path.clone())
            .set_health_check_port(self.health_check_port.clone())
            .set_health_check_protocol(self.health_check_protocol.as_deref().map(Into::into))
            .set_health_check_timeout_seconds(self.health_check_timeout_seconds)
            .set_healthy_threshold_count(self.healthy_threshold_count)
            .set_ip_address_type(self.ip_address_type.as_deref().map(Into::into))
            .set_matcher(built(self.matcher.sdk(), OPERATION)?)
            .set_port(self.port)
            .set_protocol(self.protocol.as_deref().map(Into::into))
            .set_protocol_version(self.protocol_version.clone())
            .set_tags(tag_list(&self.tags))
            .set_target_type(self.target_type.as_deref().map(Into::into))
            .set_unhealthy_threshold_count(self.unhealthy_threshold_count)
            .set_vpc_id(self.vpc_id.clone());
        let answer = call.send().await.during(OPERATION)?;
        made(aws, op, answer.target_groups().first().and_then(|group| group.target_group_arn()), OPERATION).await
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        set_attributes(aws, id, Attributes::changes(None, self.target_group_attributes.as_ref(), DEFAULTS)).await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let groups = each_found(ids, |arns| describe(aws, arns)).await?;
        let arns: Vec<_> = groups.iter().filter_map(|group| group.target_group_arn()).collect();
        let attributes = try_join_all(arns.iter().map(|arn| attributes(aws, arn)));
        let (tags, attributes) = futures::try_join!(tags_of(aws, &arns), attributes)?;
        let read = groups.iter().zip(attributes).filter_map(|(group, attributes)| {
            let tags = group.target_group_arn().and_then(|arn| tags.get(arn)).cloned().unwrap_or_default();
            Some(observed(group, attributes?, tags))
        });
        Ok(read.collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        if self.health_check() != old.health_check() {
            self.modify(aws, id).await?;
        }
        let attributes = (old.target_group_attributes.as_ref(), self.target_group_attributes.as_ref());
        set_attributes(aws, id, Attributes::changes(attributes.0, attributes.1, DEFAULTS)).await?;
        retag(aws, id.as_str(), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let call = aws.elb().delete_target_group().target_group_arn(id.as_str());
        call.send().await.during("elasticloadbalancing:DeleteTargetGroup")?;
        Ok(())
    }

    /// The load balancers whose listeners or rules send traffic to it.
    async fn holders(aws: &Aws, id: &Id) -> Result<Vec<Holder>> {
        let call = aws.elb().describe_target_groups().target_group_arns(id.as_str());
        let answer = call.send().await.during("elasticloadbalancing:DescribeTargetGroups")?;
        let groups = answer.target_groups.unwrap_or_default();
        let balancers: Vec<&str> =
            groups.iter().flat_map(|group| group.load_balancer_arns()).map(String::as_str).collect();
        let tags = tags_of(aws, &balancers).await?;
        let holder = |arn: &str| {
            let tags = tags.get(arn).cloned().unwrap_or_default().0;
            Holder { what: format!("a listener or rule of load balancer {arn}"), tags, passes: false }
        };
        Ok(balancers.into_iter().map(holder).collect())
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let pages = aws.elb().describe_target_groups().into_paginator().items().send();
        let all: Vec<sdk::TargetGroup> =
            pages.collect::<std::result::Result<_, _>>().await.during("elasticloadbalancing:DescribeTargetGroups")?;
        having(aws, all.into_iter().filter_map(|group| group.target_group_arn).collect(), tags).await
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let call = aws.elb().describe_target_groups().set_names(self.name.clone().map(|name| vec![name]));
        let answer = found(call.send().await.during("elasticloadbalancing:DescribeTargetGroups"))?;
        let named = answer.and_then(|answer| answer.target_groups).unwrap_or_default();
        let arns = named.into_iter().filter_map(|group| group.target_group_arn).collect();
        Ok(having(aws, arns, &ownership::of_op(op)).await?.into_iter().next())
    }
}

impl TargetGroup {
    /// All that `ModifyTargetGroup` can change, to be compared.
    fn health_check(&self) -> impl PartialEq + use<'_> {
        (
            (&self.health_check_enabled, &self.health_check_interval_seconds, &self.health_check_path),
            (&self.health_check_port, &self.health_check_protocol, &self.health_check_timeout_seconds),
            (&self.healthy_threshold_count, &self.matcher, &self.unhealthy_threshold_count),
        )
    }

    /// Sets the health check; what is not given to AWS's defaults for HTTP.
    async fn modify(&self, aws: &Aws, id: &Id) -> Result<()> {
        const OPERATION: &str = "elasticloadbalancing:ModifyTargetGroup";
        let is_http = matches!(self.health_check_protocol.as_deref(), None | Some("HTTP" | "HTTPS"));
        let is_grpc = self.protocol_version.as_deref() == Some("GRPC");
        let path = || is_http.then(|| if is_grpc { "/AWS.ALB/healthcheck" } else { "/" }.to_owned());
        let matcher =
            Matcher { grpc_code: is_grpc.then(|| "12".to_owned()), http_code: (!is_grpc).then(|| "200".to_owned()) };
        let matcher = self.matcher.clone().or_else(|| is_http.then_some(matcher));
        let call = aws
            .elb()
            .modify_target_group()
            .target_group_arn(id.as_str())
            .set_health_check_enabled(self.health_check_enabled)
            .health_check_interval_seconds(self.health_check_interval_seconds.unwrap_or(30))
            .set_health_check_path(self.health_check_path.clone().or_else(path))
            .health_check_port(self.health_check_port.as_deref().unwrap_or("traffic-port"))
            .set_health_check_protocol(self.health_check_protocol.as_deref().map(Into::into))
            .health_check_timeout_seconds(self.health_check_timeout_seconds.unwrap_or(if is_http { 5 } else { 10 }))
            .healthy_threshold_count(self.healthy_threshold_count.unwrap_or(5))
            .set_matcher(built(matcher.sdk(), OPERATION)?)
            .unhealthy_threshold_count(self.unhealthy_threshold_count.unwrap_or(2));
        call.send().await.during(OPERATION)?;
        Ok(())
    }
}

async fn describe(aws: &Aws, arns: Vec<String>) -> Result<Vec<sdk::TargetGroup>> {
    let call = aws.elb().describe_target_groups().set_target_group_arns(Some(arns));
    let answer = call.send().await.during("elasticloadbalancing:DescribeTargetGroups")?;
    Ok(answer.target_groups.unwrap_or_default())
}

/// The attributes; nothing where the target group went away between two calls.
async fn attributes(aws: &Aws, arn: &str) -> Result<Option<Attributes>> {
    let call = aws.elb().describe_target_group_attributes().target_group_arn(arn);
    let answer = found(call.send().await.during("elasticloadbalancing:DescribeTargetGroupAttributes"))?;
    let attributes = answer.map(|answer| answer.attributes.unwrap_or_default());
    let pair = |attribute: TargetGroupAttribute| Some((attribute.key?, attribute.value.unwrap_or_default()));
    Ok(attributes.map(|attributes| attributes.into_iter().filter_map(pair).collect()))
}

async fn set_attributes(aws: &Aws, id: &Id, changes: Attributes) -> Result<()> {
    let changes = changes.each(|key, value| TargetGroupAttribute::builder().key(key).value(value).build());
    if changes.is_some() {
        let call = aws.elb().modify_target_group_attributes().target_group_arn(id.as_str()).set_attributes(changes);
        call.send().await.during("elasticloadbalancing:ModifyTargetGroupAttributes")?;
    }
    Ok(())
}

fn observed(group: &sdk::TargetGroup, attributes: Attributes, tags: Tags) -> Observed<TargetGroup> {
    let arn = group.target_group_arn().unwrap_or_default();
    Observed {
        id: Id::new(arn),
        properties: TargetGroup {
            health_check_enabled: group.health_check_enabled(),
            health_check_interval_seconds: group.health_check_interval_seconds(),
            health_check_path: group.health_check_path().map(str::to_owned),
            health_check_port: group.health_check_port().map(str::to_owned),
            health_check_protocol: group.health_check_protocol().map(ToString::to_string),
            health_check_timeout_seconds: group.health_check_timeout_seconds(),
            healthy_threshold_count: group.healthy_threshold_count(),
            ip_address_type: group.ip_address_type().map(ToString::to_string),
            matcher: Mirror::of(group.matcher().cloned()),
            name: group.target_group_name().map(str::to_owned),
            port: group.port(),
            protocol: group.protocol().map(ToString::to_string),
            protocol_version: group.protocol_version().map(str::to_owned),
            tags,
            target_group_attributes: Some(attributes),
            target_type: group.target_type().map(ToString::to_string),
            unhealthy_threshold_count: group.unhealthy_threshold_count(),
            vpc_id: group.vpc_id().map(str::to_owned),
        },
        outputs: Outputs {
            load_balancer_arns: group.load_balancer_arns().iter().cloned().collect(),
            target_group_arn: arn.to_owned(),
            target_group_full_name: arn.rsplit_once(':').map_or("", |(_, name)| name).to_owned(),
            target_group_name: group.target_group_name().map(str::to_owned),
        },
    }
}
