//! `AWS::EC2::SecurityGroupEgress`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::ec2::rule::{Direction, Rule};
use crate::aws::ec2::{BATCH, normal, rule_calls};
use crate::aws::resource::{Observed, Resource, Result};
use crate::catalog::Permissions;
use crate::cloud::Op;
use crate::value::Value;

/// One rule of a security group: traffic that is let out of it. For groups that refer to each other.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SecurityGroupEgress {
    /// Where it goes: an IPv4 range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr_ip: Option<String>,
    /// Where it goes: an IPv6 range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr_ipv6: Option<String>,
    /// What the rule is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The first port of the range, or the ICMP type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = 65535))]
    pub from_port: Option<i32>,
    /// The security group that the rule is of.
    pub group_id: String,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, the number of another protocol, or `"-1"` for all traffic (then without ports).
    pub ip_protocol: String,
    /// Where it goes: a prefix list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_prefix_list_id: Option<String>,
    /// Where it goes: members of a security group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_security_group_id: Option<String>,
    /// The last port of the range, or the ICMP code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = 65535))]
    pub to_port: Option<i32>,
}

/// What AWS tells of a rule.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The rule's id.
    pub id: String,
}

impl SecurityGroupEgress {
    fn rule(&self) -> Rule {
        Rule {
            protocol: self.ip_protocol.clone(),
            from_port: self.from_port,
            to_port: self.to_port,
            ipv4: self.cidr_ip.clone(),
            ipv6: self.cidr_ipv6.clone(),
            prefix_list: self.destination_prefix_list_id.clone(),
            group: self.destination_security_group_id.clone(),
            group_owner: None,
            description: self.description.clone(),
        }
    }
}

impl Resource for SecurityGroupEgress {
    const TYPE: &'static str = "AWS::EC2::SecurityGroupEgress";
    const CREATE_ONLY: &'static [&'static str] = &[
        "CidrIp",
        "CidrIpv6",
        "DestinationPrefixListId",
        "DestinationSecurityGroupId",
        "FromPort",
        "GroupId",
        "IpProtocol",
        "ToPort",
    ];
    const PERMISSIONS: Permissions = Permissions {
        create: &["ec2:AuthorizeSecurityGroupEgress", "ec2:DescribeSecurityGroupRules"],
        read: &["ec2:DescribeSecurityGroupRules"],
        update: &["ec2:ModifySecurityGroupRules"],
        delete: &["ec2:RevokeSecurityGroupEgress", "ec2:DescribeSecurityGroupRules"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    fn normalize(properties: &mut Value) {
        normal::rule(properties);
    }

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        rule_calls::create(aws, &self.group_id, Direction::Egress, &self.rule()).await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        Ok(rule_calls::read(aws, Direction::Egress, ids).await?.into_iter().map(observed).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        if self.description == old.description {
            return Ok(());
        }
        rule_calls::redescribe(aws, &self.group_id, &[(id.clone(), &self.rule())]).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        rule_calls::delete(aws, Direction::Egress, id).await
    }

    async fn find(&self, aws: &Aws, _op: &Op) -> Result<Option<Id>> {
        rule_calls::find(aws, &self.group_id, Direction::Egress, &self.rule()).await
    }
}

fn observed(told: rule_calls::Told) -> Observed<SecurityGroupEgress> {
    let rule = told.rule;
    Observed {
        outputs: Outputs { id: told.id.to_string() },
        id: told.id,
        properties: SecurityGroupEgress {
            cidr_ip: rule.ipv4,
            cidr_ipv6: rule.ipv6,
            description: rule.description,
            from_port: rule.from_port,
            group_id: told.group,
            ip_protocol: rule.protocol,
            destination_prefix_list_id: rule.prefix_list,
            destination_security_group_id: rule.group,
            to_port: rule.to_port,
        },
    }
}
