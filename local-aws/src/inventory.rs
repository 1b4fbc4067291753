//! What stands in the account beyond what the emulator starts with: what an apply made, and what a destroy left behind.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app_mesh;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::shared::Shared;

/// Something that exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Item {
    /// CloudFormation's name of its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What AWS calls it.
    pub id: String,
}

/// EC2's lists: type, operation, where an item's id is.
const EC2: [(&str, &str, &str); 9] = [
    ("AWS::EC2::VPC", "DescribeVpcs", "vpcId"),
    ("AWS::EC2::Subnet", "DescribeSubnets", "subnetId"),
    ("AWS::EC2::InternetGateway", "DescribeInternetGateways", "internetGatewayId"),
    ("AWS::EC2::NatGateway", "DescribeNatGateways", "natGatewayId"),
    ("AWS::EC2::EIP", "DescribeAddresses", "allocationId"),
    ("AWS::EC2::RouteTable", "DescribeRouteTables", "routeTableId"),
    ("AWS::EC2::SecurityGroup", "DescribeSecurityGroups", "groupId"),
    ("AWS::EC2::FlowLog", "DescribeFlowLogs", "flowLogId"),
    ("AWS::EC2::VPCEndpoint", "DescribeVpcEndpoints", "vpcEndpointId"),
];
/// Elastic Load Balancing's lists.
const ELB: [(&str, &str, &str); 2] = [
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "DescribeLoadBalancers", "LoadBalancerArn"),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "DescribeTargetGroups", "TargetGroupArn"),
];
/// Lists of services that speak JSON: type, service, target, where the list is, where an item's id is (or the item itself).
const JSON: [(&str, &str, &str, &str, &str); 7] = [
    ("AWS::KMS::Alias", "kms", "TrentService.ListAliases", "Aliases", "AliasName"),
    ("AWS::SQS::Queue", "sqs", "AmazonSQS.ListQueues", "QueueUrls", ""),
    (
        "AWS::ECR::Repository",
        "ecr",
        "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories",
        "repositories",
        "repositoryArn",
    ),
    (
        "AWS::CloudWatch::Alarm",
        "monitoring",
        "GraniteServiceVersion20100801.DescribeAlarms",
        "MetricAlarms",
        "AlarmName",
    ),
    (
        "AWS::CloudWatch::Dashboard",
        "monitoring",
        "GraniteServiceVersion20100801.ListDashboards",
        "DashboardEntries",
        "DashboardName",
    ),
    ("AWS::Logs::LogGroup", "logs", "Logs_20140328.DescribeLogGroups", "logGroups", "logGroupName"),
    (
        "AWS::ServiceDiscovery::Service",
        "servicediscovery",
        "Route53AutoNaming_v20170314.ListServices",
        "Services",
        "Id",
    ),
];

/// Those that come in pages. A secret that is scheduled for deletion is not among them.
const PAGED: [(&str, &str, &str, &str, &str); 2] = [
    ("AWS::SSM::Parameter", "ssm", "AmazonSSM.DescribeParameters", "Parameters", "Name"),
    ("AWS::SecretsManager::Secret", "secretsmanager", "secretsmanager.ListSecrets", "SecretList", "ARN"),
];

/// Namespaces of Application Auto Scaling.
const SCALING: [&str; 15] = [
    "appstream",
    "cassandra",
    "comprehend",
    "custom-resource",
    "dynamodb",
    "ec2",
    "ecs",
    "elasticache",
    "elasticmapreduce",
    "kafka",
    "lambda",
    "neptune",
    "rds",
    "sagemaker",
    "workspaces",
];

/// Lists of SES: type, path, where the list is, where an item's id is (or the item itself).
const SES: [(&str, &str, &str, &str); 3] = [
    ("AWS::SES::ConfigurationSet", "configuration-sets?PageSize=1000", "ConfigurationSets", ""),
    ("AWS::SES::EmailIdentity", "identities?PageSize=1000", "EmailIdentities", "IdentityName"),
    ("AWS::SES::Template", "templates?PageSize=100", "TemplatesMetadata", "TemplateName"),
];

/// Lists everything in the account of the region `us-east-1`, the emulator's own default network included.
pub(crate) async fn everything(shared: &Shared) -> Result<BTreeSet<Item>, AwsError> {
    let facts = Facts::of(shared, "test", "us-east-1");
    let mut items = BTreeSet::new();
    let mut add = |kind: &str, id: &str| {
        items.insert(Item { kind: kind.into(), id: id.into() });
    };
    for (kind, operation, path) in EC2 {
        for item in facts.ec2(operation).await?.iter() {
            let gone = item.text_at("state") == "deleted" && !facts.holds_address(item.text_at(path), "deleted");
            if !gone {
                add(kind, item.text_at(path));
            }
        }
    }
    for (kind, operation, path) in ELB {
        facts.elb(operation).await?.iter().for_each(|item| add(kind, item.text_at(path)));
    }
    for (kind, operation, parameters) in [
        ("AWS::IAM::Role", "ListRoles", &[][..]),
        ("AWS::IAM::ManagedPolicy", "ListPolicies", &[("Scope", "Local")][..]),
        ("AWS::IAM::InstanceProfile", "ListInstanceProfiles", &[][..]),
        ("AWS::IAM::OIDCProvider", "ListOpenIDConnectProviders", &[][..]),
    ] {
        facts.iam(operation, parameters).await?.iter().for_each(|item| add(kind, item.text_at("Arn")));
    }
    for (kind, service, target, list, id) in JSON {
        let answer = facts.json(service, target, &json!({})).await?.unwrap_or_default();
        for item in answer[list].as_array().into_iter().flatten() {
            add(kind, text(if id.is_empty() { item } else { &item[id] }));
        }
    }
    for (kind, service, target, list, id) in PAGED {
        let mut input = json!({ "MaxResults": 50 });
        loop {
            let answer = facts.json(service, target, &input).await?.unwrap_or_default();
            answer[list].as_array().into_iter().flatten().for_each(|item| add(kind, text(&item[id])));
            let Some(next) = answer["NextToken"].as_str() else { break };
            input["NextToken"] = next.into();
        }
    }
    let keys = facts.json("kms", "TrentService.ListKeys", &json!({})).await?.unwrap_or_default();
    for key in keys["Keys"].as_array().into_iter().flatten() {
        let input = json!({ "KeyId": key["KeyId"] });
        let key = facts.json("kms", "TrentService.DescribeKey", &input).await?.unwrap_or_default();
        let key = &key["KeyMetadata"];
        if !matches!(text(&key["KeyState"]), "PendingDeletion" | "PendingReplicaDeletion") {
            add("AWS::KMS::Key", text(&key["KeyId"]));
        }
    }
    let target = "GraniteServiceVersion20100801.DescribeAlarms";
    let composite = facts.json("monitoring", target, &json!({"AlarmTypes": ["CompositeAlarm"]})).await?;
    for alarm in composite.unwrap_or_default()["CompositeAlarms"].as_array().into_iter().flatten() {
        add("AWS::CloudWatch::CompositeAlarm", text(&alarm["AlarmName"]));
    }
    let filters = facts.json("logs", "Logs_20140328.DescribeMetricFilters", &json!({})).await?.unwrap_or_default();
    for filter in filters["metricFilters"].as_array().into_iter().flatten() {
        let id = format!("{}|{}", text(&filter["logGroupName"]), text(&filter["filterName"]));
        add("AWS::Logs::MetricFilter", &id);
    }
    let namespaces = if cfg!(feature = "winterbaume") { &SCALING[..] } else { &[] };
    for namespace in namespaces {
        let input = json!({"ServiceNamespace": namespace});
        let targets = facts.scaling("DescribeScalableTargets", &input).await?.unwrap_or_default();
        for it in targets["ScalableTargets"].as_array().into_iter().flatten() {
            let id = format!("{}|{}|{namespace}", text(&it["ResourceId"]), text(&it["ScalableDimension"]));
            add("AWS::ApplicationAutoScaling::ScalableTarget", &id);
        }
        let policies = facts.scaling("DescribeScalingPolicies", &input).await?.unwrap_or_default();
        for it in policies["ScalingPolicies"].as_array().into_iter().flatten() {
            add("AWS::ApplicationAutoScaling::ScalingPolicy", text(&it["PolicyARN"]));
        }
    }
    let target = "Route53AutoNaming_v20170314.ListNamespaces";
    let answer = facts.json("servicediscovery", target, &json!({})).await?.unwrap_or_default();
    for namespace in answer["Namespaces"].as_array().into_iter().flatten() {
        let kind = match text(&namespace["Type"]) {
            "HTTP" => "AWS::ServiceDiscovery::HttpNamespace",
            "DNS_PRIVATE" => "AWS::ServiceDiscovery::PrivateDnsNamespace",
            _ => "AWS::ServiceDiscovery::PublicDnsNamespace",
        };
        add(kind, text(&namespace["Id"]));
    }
    for (kind, path, list, id) in SES {
        let answer = facts.get("ses", &format!("/v2/email/{path}")).await?.unwrap_or_default();
        for item in answer[list].as_array().into_iter().flatten() {
            let id = text(if id.is_empty() { item } else { &item[id] });
            add(kind, id);
            if kind == "AWS::SES::ConfigurationSet" {
                let path = format!("/v2/email/configuration-sets/{id}/event-destinations");
                let told = facts.get("ses", &path).await?.unwrap_or_default();
                for destination in told["EventDestinations"].as_array().into_iter().flatten() {
                    let id = format!("{}|{id}", text(&destination["Name"]));
                    add("AWS::SES::ConfigurationSetEventDestination", &id);
                }
            }
        }
    }
    for (kind, operation, list, id) in [
        ("AWS::SNS::Topic", "ListTopics", "ListTopicsResult/Topics", "TopicArn"),
        ("AWS::SNS::Subscription", "ListSubscriptions", "ListSubscriptionsResult/Subscriptions", "SubscriptionArn"),
    ] {
        let answer = facts.sns(operation, &[]).await?;
        answer.iter().flat_map(|root| root.list(list)).for_each(|item| add(kind, item.text_at(id)));
    }
    for cluster in facts.ecs_list("ListClusters", &json!({}), "clusterArns").await? {
        add("AWS::ECS::Cluster", text(&cluster));
    }
    for service in shared.ecs.services(shared).await {
        add("AWS::ECS::Service", text(&service["serviceArn"]));
    }
    for definition in facts.ecs_list("ListTaskDefinitions", &json!({"status": "ACTIVE"}), "taskDefinitionArns").await? {
        add("AWS::ECS::TaskDefinition", text(&definition));
    }
    items.extend(app_mesh::everything(shared, "us-east-1").await?);
    Ok(items)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
