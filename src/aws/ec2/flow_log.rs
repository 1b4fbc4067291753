//! `AWS::EC2::FlowLog`.

use aws_sdk_ec2::types::{self as sdk, ResourceType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::ec2::{BATCH, asked, by_ids, by_tags, made, retag, tagged_as, tags, unsuccessful};
use crate::aws::error::During;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{TagSet, Tags};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::Op;
use crate::value::Value;

/// What a log group's ARN may end with, and flow logs do not take.
const ALL_STREAMS: &str = ":*";
/// What ids begin with, the longer before the shorter, and what they are of.
const PREFIXES: [(&str, &str); 6] = [
    ("eni-", "NetworkInterface"),
    ("nat-", "RegionalNatGateway"),
    ("subnet-", "Subnet"),
    ("tgw-attach-", "TransitGatewayAttachment"),
    ("tgw-", "TransitGateway"),
    ("vpc-", "VPC"),
];

/// A flow log: a record of the traffic of a network, a subnet or a network interface, in CloudWatch Logs, S3 or Data Firehose.
///
/// AWS changes nothing of it but its tags: another setting is another flow log. Logs come some minutes after the traffic; where
/// they can't be delivered, `DeliverLogsStatus` of the API says why.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct FlowLog {
    /// The ARN of the role that publishes in another account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deliver_cross_account_role: Option<String>,
    /// The ARN of the role that publishes to CloudWatch Logs; required there, and only there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deliver_logs_permission_arn: Option<String>,
    /// How files in S3 are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_options: Option<DestinationOptions>,
    /// Where the logs go: the ARN of a log group, of a bucket (with a folder, where wanted), or of a delivery stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_destination: Option<String>,
    /// What the logs go to. AWS's default is `cloud-watch-logs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["cloud-watch-logs", "s3", "kinesis-data-firehose"]))]
    pub log_destination_type: Option<String>,
    /// The fields of a record, in their order: `$${srcaddr} $${dstaddr}` (`$$` keeps a stack from reading it as an expression).
    /// AWS's default is the fields of version 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<String>,
    /// The name of the log group that the logs go to, in place of `LogDestination`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_group_name: Option<String>,
    /// The most seconds of traffic that one record sums up. AWS's default is 600.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [60, 600]))]
    pub max_aggregation_interval: Option<i32>,
    /// The id of what is watched.
    pub resource_id: String,
    /// What is watched.
    #[schemars(extend("enum" = [
        "NetworkInterface", "Subnet", "VPC", "TransitGateway", "TransitGatewayAttachment", "RegionalNatGateway"
    ]))]
    pub resource_type: String,
    /// Tags of EC2 resources that records tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 3), extend("uniqueItems" = true))]
    pub tag_field_specifications: Option<Vec<TagFieldSpecification>>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The traffic that is recorded; required but for transit gateways.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["ACCEPT", "ALL", "REJECT"]))]
    pub traffic_type: Option<String>,
}

/// How files in S3 are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DestinationOptions {
    /// Their format.
    #[schemars(extend("enum" = ["plain-text", "parquet"]))]
    pub file_format: String,
    /// Whether folders are named as Hive names partitions.
    pub hive_compatible_partitions: bool,
    /// Whether there is a folder for each hour.
    pub per_hour_partition: bool,
}

/// Tags that records tell of one kind of resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagFieldSpecification {
    /// The kind.
    #[schemars(extend("enum" = ["auto-scaling-group", "instance", "network-interface"]))]
    pub resource_type: String,
    /// The keys of the tags.
    #[schemars(length(min = 1, max = 2), inner(length(min = 1, max = 128)))]
    pub tag_keys: Vec<String>,
}

/// What AWS tells of a flow log.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The flow log's id.
    pub id: String,
}

impl Resource for FlowLog {
    const TYPE: &'static str = "AWS::EC2::FlowLog";
    const CREATE_ONLY: &'static [&'static str] = &[
        "DeliverCrossAccountRole",
        "DeliverLogsPermissionArn",
        "DestinationOptions",
        "LogDestination",
        "LogDestinationType",
        "LogFormat",
        "LogGroupName",
        "MaxAggregationInterval",
        "ResourceId",
        "ResourceType",
        "TagFieldSpecifications",
        "TrafficType",
    ];
    const UNIQUE: &'static [&'static [&'static str]] =
        &[&["ResourceId", "TrafficType", "LogDestination"], &["ResourceId", "TrafficType", "LogGroupName"]];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "ec2:CreateFlowLogs",
            "ec2:CreateTags",
            "ec2:DescribeFlowLogs",
            "iam:PassRole",
            "logs:CreateLogDelivery",
            "s3:GetBucketPolicy",
            "s3:PutBucketPolicy",
        ],
        read: &["ec2:DescribeFlowLogs"],
        update: &["ec2:CreateTags", "ec2:DeleteTags"],
        delete: &["ec2:DeleteFlowLogs", "logs:DeleteLogDelivery"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    fn normalize(properties: &mut Value) {
        let Value::Map(map) = properties else { return };
        if let Some(Value::String(arn)) = map.get_mut("LogDestination") {
            *arn = destination(arn).to_owned();
        }
    }

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "ec2:CreateFlowLogs";
        let options = self.destination_options.as_ref().map(|options| {
            sdk::DestinationOptionsRequest::builder()
                .file_format(options.file_format.as_str().into())
                .hive_compatible_partitions(options.hive_compatible_partitions)
                .per_hour_partition(options.per_hour_partition)
                .build()
        });
        let fields = self.tag_field_specifications.iter().flatten().map(|fields| {
            sdk::TagFieldSpecificationRequest::builder()
                .resource_type(fields.resource_type.as_str().into())
                .set_tag_keys(Some(fields.tag_keys.clone()))
                .build()
        });
        let call = aws
            .ec2()
            .create_flow_logs()
            .client_token(op.id.as_str())
            .set_deliver_cross_account_role(self.deliver_cross_account_role.clone())
            .set_deliver_logs_permission_arn(self.deliver_logs_permission_arn.clone())
            .set_destination_options(options)
            .set_log_destination(self.log_destination.as_deref().map(|arn| destination(arn).to_owned()))
            .set_log_destination_type(self.log_destination_type.as_deref().map(Into::into))
            .set_log_format(self.log_format.clone())
            .set_log_group_name(self.log_group_name.clone())
            .set_max_aggregation_interval(self.max_aggregation_interval)
            .resource_ids(&self.resource_id)
            .resource_type(self.resource_type.as_str().into())
            .set_tag_field_specifications(self.tag_field_specifications.is_some().then(|| fields.collect()))
            .set_tag_specifications(tagged_as(ResourceType::VpcFlowLog, &self.tags))
            .set_traffic_type(self.traffic_type.as_deref().map(Into::into));
        let answer = call.send().await.during(OPERATION)?;
        unsuccessful(answer.unsuccessful(), OPERATION)?;
        made(answer.flow_log_ids().first().map(String::as_str), OPERATION)
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let logs = describe(aws, by_ids("flow-log-id", ids)).await?;
        Ok(logs.into_iter().filter(|log| asked(ids, log.flow_log_id())).map(observed).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        retag(aws, id.as_str(), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        const OPERATION: &str = "ec2:DeleteFlowLogs";
        let answer = aws.ec2().delete_flow_logs().flow_log_ids(id.as_str()).send().await.during(OPERATION)?;
        unsuccessful(answer.unsuccessful(), OPERATION)
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let logs = describe(aws, by_tags(tags)).await?;
        let have = logs.iter().filter(|log| self::tags(log.tags()).have(tags));
        Ok(have.filter_map(|log| log.flow_log_id()).map(Id::new).collect())
    }
}

/// A destination as flow logs take and tell it: that of a log group without what `Arn` of `AWS::Logs::LogGroup` ends with.
fn destination(arn: &str) -> &str {
    arn.strip_suffix(ALL_STREAMS).unwrap_or(arn)
}

async fn describe(aws: &Aws, filters: Vec<sdk::Filter>) -> Result<Vec<sdk::FlowLog>> {
    let pages = aws.ec2().describe_flow_logs().set_filter(Some(filters)).into_paginator().items().send();
    pages.collect::<std::result::Result<_, _>>().await.during("ec2:DescribeFlowLogs")
}

fn observed(log: sdk::FlowLog) -> Observed<FlowLog> {
    let id = log.flow_log_id().unwrap_or_default().to_owned();
    let resource_id = log.resource_id().unwrap_or_default().to_owned();
    let kind = PREFIXES.iter().find(|(prefix, _)| resource_id.starts_with(prefix));
    let options = log.destination_options().map(|options| DestinationOptions {
        file_format: options.file_format().map_or("plain-text", |format| format.as_str()).to_owned(),
        hive_compatible_partitions: options.hive_compatible_partitions().unwrap_or(false),
        per_hour_partition: options.per_hour_partition().unwrap_or(false),
    });
    let fields = log.tag_field_specifications().iter().map(|fields| TagFieldSpecification {
        resource_type: fields.resource_type().map(ToString::to_string).unwrap_or_default(),
        tag_keys: fields.tag_keys().to_vec(),
    });
    let fields: Vec<_> = fields.collect();
    Observed {
        id: Id::new(&id),
        outputs: Outputs { id },
        properties: FlowLog {
            destination_options: options,
            log_destination_type: log.log_destination_type().map(ToString::to_string),
            resource_type: kind.map_or("", |(_, kind)| *kind).to_owned(),
            tag_field_specifications: (!fields.is_empty()).then_some(fields),
            tags: tags(log.tags()),
            traffic_type: log.traffic_type().map(ToString::to_string),
            deliver_cross_account_role: log.deliver_cross_account_role,
            deliver_logs_permission_arn: log.deliver_logs_permission_arn,
            log_destination: log.log_destination,
            log_format: log.log_format,
            log_group_name: log.log_group_name,
            max_aggregation_interval: log.max_aggregation_interval,
            resource_id,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_log_group_is_told_without_its_streams_and_a_bucket_as_it_is() {
        for (given, told) in [
            ("arn:aws:logs:us-east-1:1:log-group:a:*", "arn:aws:logs:us-east-1:1:log-group:a"),
            ("arn:aws:s3:::logs/folder/", "arn:aws:s3:::logs/folder/"),
        ] {
            let mut value = Value::from(json!({"LogDestination": given}));
            FlowLog::normalize(&mut value);
            assert_eq!(value, Value::from(json!({"LogDestination": told})));
        }
    }
}
