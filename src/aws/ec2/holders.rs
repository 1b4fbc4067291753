//! What stands against the deletion of a network or of a part of it.

use aws_sdk_ec2::types as sdk;

use super::{filter, route_table, security_group, subnet, tags};
use crate::aws::client::Aws;
use crate::aws::error::During;
use crate::aws::in_use::Holder;
use crate::aws::resource::Result;
use crate::aws::tags::TagSet;

/// What is in a VPC.
pub(super) async fn of_vpc(aws: &Aws, id: &str) -> Result<Vec<Holder>> {
    let (interfaces, groups, subnets) = futures::try_join!(
        interfaces(aws, "vpc-id", id),
        security_group::describe(aws, vec![filter("vpc-id", [id])]),
        subnet::describe(aws, vec![filter("vpc-id", [id])]),
    )?;
    let groups = groups.iter().filter(|group| group.group_name() != Some("default")).map(group);
    let subnets = subnets.iter().map(|subnet| {
        let what = named("subnet", subnet.subnet_id(), subnet.cidr_block());
        Holder { what, tags: all(subnet.tags()), passes: false }
    });
    Ok(interfaces.into_iter().chain(groups).chain(subnets).collect())
}

/// What is in a subnet.
pub(super) async fn of_subnet(aws: &Aws, id: &str) -> Result<Vec<Holder>> {
    interfaces(aws, "subnet-id", id).await
}

/// What a security group guards, and what groups have rules that name it.
pub(super) async fn of_security_group(aws: &Aws, id: &str) -> Result<Vec<Holder>> {
    let (interfaces, sources, targets) = futures::try_join!(
        interfaces(aws, "group-id", id),
        security_group::describe(aws, vec![filter("ip-permission.group-id", [id])]),
        security_group::describe(aws, vec![filter("egress.ip-permission.group-id", [id])]),
    )?;
    let groups = sources.iter().chain(&targets).filter(|other| other.group_id() != Some(id)).map(group);
    Ok(interfaces.into_iter().chain(groups).collect())
}

/// What has a public address in a VPC, without which its internet gateway can't be detached.
pub(super) async fn of_gateway_attachment(aws: &Aws, vpc: &str) -> Result<Vec<Holder>> {
    let all = described(aws, "vpc-id", vpc).await?;
    let public = |interface: &&sdk::NetworkInterface| {
        interface.association().and_then(|association| association.public_ip()).is_some()
    };
    Ok(all.iter().filter(public).map(interface).collect())
}

/// What subnets use a route table.
pub(super) async fn of_route_table(aws: &Aws, id: &str) -> Result<Vec<Holder>> {
    let tables = route_table::describe(aws, vec![filter("route-table-id", [id])]).await?;
    let associations = tables.iter().flat_map(|table| table.associations());
    let holder = |association: &sdk::RouteTableAssociation| {
        let of = association.subnet_id().or(association.gateway_id()).map(|of| format!("of {of}"));
        let what = named("association", association.route_table_association_id(), of.as_deref());
        Holder { what, tags: TagSet::default(), passes: false }
    };
    Ok(associations.map(holder).collect())
}

async fn interfaces(aws: &Aws, name: &str, id: &str) -> Result<Vec<Holder>> {
    Ok(described(aws, name, id).await?.iter().map(interface).collect())
}

async fn described(aws: &Aws, name: &str, id: &str) -> Result<Vec<sdk::NetworkInterface>> {
    let call = aws.ec2().describe_network_interfaces().filters(filter(name, [id])).into_paginator().items().send();
    call.collect::<std::result::Result<_, _>>().await.during("ec2:DescribeNetworkInterfaces")
}

fn interface(interface: &sdk::NetworkInterface) -> Holder {
    let instance = interface.attachment().and_then(|attachment| attachment.instance_id());
    let used_by = instance.map(|instance| format!("of instance {instance}"));
    let words = used_by.or_else(|| interface.description().map(str::to_owned));
    Holder {
        what: named("network interface", interface.network_interface_id(), words.as_deref()),
        tags: all(interface.tag_set()),
        // ECS names its attachment to a task here.
        passes: interface.requester_managed() == Some(true)
            || interface.description().is_some_and(|description| description.starts_with("arn:")),
    }
}

fn group(group: &sdk::SecurityGroup) -> Holder {
    let what = named("security group", group.group_id(), group.group_name());
    Holder { what, tags: all(group.tags()), passes: false }
}

fn named(kind: &str, id: Option<&str>, words: Option<&str>) -> String {
    let words = words.filter(|words| !words.is_empty()).map(|words| format!(" ({words})"));
    format!("{kind} {}{}", id.unwrap_or_default(), words.unwrap_or_default())
}

fn all(list: &[sdk::Tag]) -> TagSet {
    tags(list).0
}
