//! Rules of security groups: how a stack writes them and how EC2 takes and tells them.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroupRule, SecurityGroupRuleRequest, UserIdGroupPair,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which way traffic goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Into the group.
    Ingress,
    /// Out of the group.
    Egress,
}

/// A rule in either direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
    pub protocol: String,
    /// The first port, or the ICMP type.
    pub from_port: Option<i32>,
    /// The last port, or the ICMP code.
    pub to_port: Option<i32>,
    /// The other side: an IPv4 range.
    pub ipv4: Option<String>,
    /// The other side: an IPv6 range.
    pub ipv6: Option<String>,
    /// The other side: a prefix list.
    pub prefix_list: Option<String>,
    /// The other side: a security group.
    pub group: Option<String>,
    /// The account of that group, where it is not the group's own.
    pub group_owner: Option<String>,
    /// What the rule is for.
    pub description: Option<String>,
}

/// Traffic that is let in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Ingress {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, the number of another protocol, or `"-1"` for all traffic (then without ports).
    pub ip_protocol: String,
    /// The first port of the range, or the ICMP type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = 65535))]
    pub from_port: Option<i32>,
    /// The last port of the range, or the ICMP code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = 65535))]
    pub to_port: Option<i32>,
    /// Where it comes from: an IPv4 range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr_ip: Option<String>,
    /// Where it comes from: an IPv6 range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr_ipv6: Option<String>,
    /// Where it comes from: a prefix list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_prefix_list_id: Option<String>,
    /// Where it comes from: members of a security group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_security_group_id: Option<String>,
    /// The account of that group, where it is another account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_security_group_owner_id: Option<String>,
    /// What the rule is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Traffic that is let out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Egress {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, the number of another protocol, or `"-1"` for all traffic (then without ports).
    pub ip_protocol: String,
    /// The first port of the range, or the ICMP type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = 65535))]
    pub from_port: Option<i32>,
    /// The last port of the range, or the ICMP code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = 65535))]
    pub to_port: Option<i32>,
    /// Where it goes: an IPv4 range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr_ip: Option<String>,
    /// Where it goes: an IPv6 range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr_ipv6: Option<String>,
    /// Where it goes: a prefix list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_prefix_list_id: Option<String>,
    /// Where it goes: members of a security group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_security_group_id: Option<String>,
    /// What the rule is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl From<&Ingress> for Rule {
    fn from(rule: &Ingress) -> Self {
        let rule = rule.clone();
        Self {
            protocol: rule.ip_protocol,
            from_port: rule.from_port,
            to_port: rule.to_port,
            ipv4: rule.cidr_ip,
            ipv6: rule.cidr_ipv6,
            prefix_list: rule.source_prefix_list_id,
            group: rule.source_security_group_id,
            group_owner: rule.source_security_group_owner_id,
            description: rule.description,
        }
    }
}

impl From<Rule> for Ingress {
    fn from(rule: Rule) -> Self {
        Self {
            ip_protocol: rule.protocol,
            from_port: rule.from_port,
            to_port: rule.to_port,
            cidr_ip: rule.ipv4,
            cidr_ipv6: rule.ipv6,
            source_prefix_list_id: rule.prefix_list,
            source_security_group_id: rule.group,
            source_security_group_owner_id: rule.group_owner,
            description: rule.description,
        }
    }
}

impl From<&Egress> for Rule {
    fn from(rule: &Egress) -> Self {
        let rule = rule.clone();
        Self {
            protocol: rule.ip_protocol,
            from_port: rule.from_port,
            to_port: rule.to_port,
            ipv4: rule.cidr_ip,
            ipv6: rule.cidr_ipv6,
            prefix_list: rule.destination_prefix_list_id,
            group: rule.destination_security_group_id,
            group_owner: None,
            description: rule.description,
        }
    }
}

impl From<Rule> for Egress {
    fn from(rule: Rule) -> Self {
        Self {
            ip_protocol: rule.protocol,
            from_port: rule.from_port,
            to_port: rule.to_port,
            cidr_ip: rule.ipv4,
            cidr_ipv6: rule.ipv6,
            destination_prefix_list_id: rule.prefix_list,
            destination_security_group_id: rule.group,
            description: rule.description,
        }
    }
}

impl Rule {
    /// All traffic to everywhere over IPv4: what EC2 gives a group that is made.
    pub fn allow_all() -> Self {
        Self { protocol: "-1".to_owned(), ipv4: Some("0.0.0.0/0".to_owned()), ..Self::default() }
    }

    /// The rule as calls take it.
    pub fn permission(&self) -> IpPermission {
        let text = || self.description.clone();
        let ipv4 = self.ipv4.as_ref().map(|range| IpRange::builder().cidr_ip(range).set_description(text()).build());
        let ipv6 =
            self.ipv6.as_ref().map(|range| Ipv6Range::builder().cidr_ipv6(range).set_description(text()).build());
        let list = self.prefix_list.as_ref();
        let list = list.map(|id| PrefixListId::builder().prefix_list_id(id).set_description(text()).build());
        let group = self.group.as_ref().map(|id| {
            let pair = UserIdGroupPair::builder().group_id(id).set_user_id(self.group_owner.clone());
            pair.set_description(text()).build()
        });
        IpPermission::builder()
            .ip_protocol(&self.protocol)
            .set_from_port(self.from_port)
            .set_to_port(self.to_port)
            .set_ip_ranges(ipv4.map(|range| vec![range]))
            .set_ipv6_ranges(ipv6.map(|range| vec![range]))
            .set_prefix_list_ids(list.map(|list| vec![list]))
            .set_user_id_group_pairs(group.map(|pair| vec![pair]))
            .build()
    }

    /// The whole rule, as a call takes it that changes one.
    pub fn request(&self) -> SecurityGroupRuleRequest {
        SecurityGroupRuleRequest::builder()
            .ip_protocol(&self.protocol)
            .set_from_port(self.from_port)
            .set_to_port(self.to_port)
            .set_cidr_ipv4(self.ipv4.clone())
            .set_cidr_ipv6(self.ipv6.clone())
            .set_prefix_list_id(self.prefix_list.clone())
            .set_referenced_group_id(self.group.clone())
            .description(self.description.as_deref().unwrap_or_default())
            .build()
    }

    /// The rules that a group of the account `owner` has, as it tells them.
    pub fn of_permissions(permissions: &[IpPermission], owner: Option<&str>) -> BTreeSet<Self> {
        let some = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let mut rules = BTreeSet::new();
        for permission in permissions {
            let protocol = permission.ip_protocol().unwrap_or("-1").to_owned();
            let ports = |port: Option<i32>| port.filter(|_| protocol != "-1");
            let base = Self {
                from_port: ports(permission.from_port()),
                to_port: ports(permission.to_port()),
                protocol: protocol.clone(),
                ..Self::default()
            };
            rules.extend(permission.ip_ranges().iter().map(|range| Self {
                ipv4: some(range.cidr_ip()),
                description: some(range.description()),
                ..base.clone()
            }));
            rules.extend(permission.ipv6_ranges().iter().map(|range| Self {
                ipv6: some(range.cidr_ipv6()),
                description: some(range.description()),
                ..base.clone()
            }));
            rules.extend(permission.prefix_list_ids().iter().map(|list| Self {
                prefix_list: some(list.prefix_list_id()),
                description: some(list.description()),
                ..base.clone()
            }));
            rules.extend(permission.user_id_group_pairs().iter().map(|pair| Self {
                group: some(pair.group_id()),
                group_owner: some(pair.user_id()).filter(|other| owner.is_some_and(|owner| owner != other)),
                description: some(pair.description()),
                ..base.clone()
            }));
        }
        rules
    }

    /// A rule that EC2 tells by itself.
    pub fn of_told(rule: &SecurityGroupRule) -> Self {
        let some = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let protocol = rule.ip_protocol().unwrap_or("-1").to_owned();
        let ports = |port: Option<i32>| port.filter(|_| protocol != "-1");
        let group = rule.referenced_group_info();
        let owner = group.and_then(|group| group.user_id()).filter(|other| rule.group_owner_id() != Some(other));
        Self {
            from_port: ports(rule.from_port()),
            to_port: ports(rule.to_port()),
            ipv4: some(rule.cidr_ipv4()),
            ipv6: some(rule.cidr_ipv6()),
            prefix_list: some(rule.prefix_list_id()),
            group: some(group.and_then(|group| group.group_id())),
            group_owner: some(owner),
            description: some(rule.description()),
            protocol,
        }
    }

    /// The rule without its description: what EC2 knows it by.
    pub fn key(&self) -> Self {
        Self { description: None, ..self.clone() }
    }
}
