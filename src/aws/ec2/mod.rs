//! Amazon EC2: networks and what guards them.

mod eip;
mod flow_log;
mod holders;
mod internet_gateway;
mod nat_gateway;
mod normal;
mod route;
mod route_table;
mod rule;
mod rule_calls;
mod security_group;
mod security_group_egress;
mod security_group_ingress;
mod subnet;
mod subnet_route_table_association;
mod vpc;
mod vpc_endpoint;
mod vpc_endpoint_parts;
mod vpc_gateway_attachment;

pub use eip::Eip;
pub use flow_log::FlowLog;
pub use internet_gateway::InternetGateway;
pub use nat_gateway::NatGateway;
pub use route::Route;
pub use route_table::RouteTable;
pub use security_group::SecurityGroup;
pub use security_group_egress::SecurityGroupEgress;
pub use security_group_ingress::SecurityGroupIngress;
pub use subnet::Subnet;
pub use subnet_route_table_association::SubnetRouteTableAssociation;
pub use vpc::Vpc;
pub use vpc_endpoint::VpcEndpoint;
pub use vpc_gateway_attachment::VpcGatewayAttachment;

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification, UnsuccessfulItem};

use super::client::Aws;
use super::error::{self, During};
use super::resource::Result;
use super::tags::{TagSet, Tags};
use crate::address::Id;

/// Values that one filter takes.
const BATCH: usize = 200;

/// A filter for any of `values`.
fn filter<V: AsRef<str>>(name: &str, values: impl IntoIterator<Item = V>) -> Filter {
    let values = values.into_iter().map(|value| value.as_ref().to_owned()).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}

/// The filters that what is read by its id is asked for with: unlike a list of ids, they do not fail where one is missing.
fn by_ids(name: &str, ids: &[Id]) -> Vec<Filter> {
    vec![filter(name, ids.iter().map(Id::as_str))]
}

/// The filters for what has all of `tags`.
fn by_tags(tags: &TagSet) -> Vec<Filter> {
    tags.iter().map(|(key, value)| filter(&format!("tag:{key}"), [value])).collect()
}

/// Whether `id` is one of those asked for: a filter may be ignored.
fn asked(ids: &[Id], id: Option<&str>) -> bool {
    ids.iter().any(|asked| Some(asked.as_str()) == id)
}

fn tags(tags: &[Tag]) -> Tags {
    tags.iter().filter_map(|tag| Some((tag.key()?, tag.value().unwrap_or_default()))).collect()
}

fn tag_list(tags: &Tags) -> Vec<Tag> {
    tags.each(|key, value| Tag::builder().key(key).value(value).build())
}

/// What a call that makes something of `kind` takes to tag it at once.
fn tagged_as(kind: ResourceType, tags: &Tags) -> Option<Vec<TagSpecification>> {
    let specification = TagSpecification::builder().resource_type(kind).set_tags(Some(tag_list(tags))).build();
    (!tags.is_empty()).then(|| vec![specification])
}

/// Changes the tags of `id` from `old` to `new`.
async fn retag(aws: &Aws, id: &str, old: &Tags, new: &Tags) -> Result<()> {
    let (set, removed) = new.changes(old);
    if !set.is_empty() {
        let call = aws.ec2().create_tags().resources(id).set_tags(Some(tag_list(&set)));
        call.send().await.during("ec2:CreateTags")?;
    }
    if !removed.is_empty() {
        let keys = removed.iter().map(|key| Tag::builder().key(key).build()).collect();
        let call = aws.ec2().delete_tags().resources(id).set_tags(Some(keys));
        call.send().await.during("ec2:DeleteTags")?;
    }
    Ok(())
}

/// The id that an answer must hold.
fn made(id: Option<&str>, operation: &str) -> Result<Id> {
    use crate::cloud::{CloudError, ErrorKind};
    id.map(Id::new).ok_or_else(|| CloudError::new(ErrorKind::Lost, operation, "the answer holds no id"))
}

/// Fails with the first of those that a call could not do, which EC2 tells in an answer of success.
fn unsuccessful(items: &[UnsuccessfulItem], operation: &str) -> Result<()> {
    match items.iter().find_map(|item| item.error()) {
        Some(error) => {
            let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
            Err(error::told(code, message, operation))
        }
        None => Ok(()),
    }
}
