//! Answers to what a stack needs to know of the world before it can be planned.

use aws_sdk_ec2::types::Filter;
use aws_sdk_ssm::types::ParameterType;

use super::client::Aws;
use super::error::During;
use super::of::AnyResource;
use super::resource::Result;
use crate::address::Id;
use crate::cloud::{CloudError, ErrorKind, ExistingBy};
use crate::value::Value;

/// `{account_id, partition}` of the credentials.
pub async fn account(aws: &Aws) -> Result<Value> {
    let identity = aws.sts().get_caller_identity().send().await.during("sts:GetCallerIdentity")?;
    let partition = identity.arn().and_then(|arn| arn.split(':').nth(1)).unwrap_or("aws");
    let entries = [("account_id", identity.account().unwrap_or_default()), ("partition", partition)];
    Ok(entries.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect())
}

/// The names of the region's available zones, sorted; local zones and wavelength zones are not among them.
pub async fn zones(aws: &Aws) -> Result<Value> {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let call = aws.ec2().describe_availability_zones().filters(filter("state", "available"));
    let answer = call.filters(filter("zone-type", "availability-zone")).send().await;
    let answer = answer.during("ec2:DescribeAvailabilityZones")?;
    let is_zone = |zone: &&aws_sdk_ec2::types::AvailabilityZone| {
        zone.zone_type().is_none_or(|kind| kind == "availability-zone")
            && zone.state().is_none_or(|state| state.as_str() == "available")
    };
    let mut names: Vec<_> =
        answer.availability_zones().iter().filter(is_zone).filter_map(|zone| zone.zone_name()).collect();
    names.sort_unstable();
    Ok(names.into_iter().map(Value::from).collect())
}

/// The value of an SSM parameter; a list as a list, a `SecureString` as a secret.
pub async fn ssm_parameter(aws: &Aws, name: &str) -> Result<Value> {
    let answer = aws.ssm().get_parameter().name(name).with_decryption(true).send().await.during("ssm:GetParameter")?;
    let Some(parameter) = answer.parameter() else {
        return Err(CloudError::new(ErrorKind::NotFound, "ssm:GetParameter", format!("no parameter `{name}`")));
    };
    let text = parameter.value().unwrap_or_default();
    Ok(match parameter.r#type() {
        Some(ParameterType::SecureString) => Value::Secret(Box::new(text.into())),
        Some(ParameterType::StringList) => text.split(',').map(Value::from).collect(),
        _ => text.into(),
    })
}

/// The properties and outputs, in one map, of a resource that is not ours.
pub async fn existing(aws: &Aws, kind: &dyn AnyResource, by: &ExistingBy) -> Result<Value> {
    let id = match by {
        ExistingBy::Id(id) => Id::new(id),
        ExistingBy::Tags(tags) => match kind.tagged(aws, tags).await?.as_slice() {
            [only] => only.clone(),
            [] => return Err(CloudError::new(ErrorKind::NotFound, kind.name(), format!("none has the tags {tags:?}"))),
            several => {
                let why = format!("{} have the tags {tags:?}: {several:?}", several.len());
                return Err(CloudError::new(ErrorKind::Invalid, kind.name(), why));
            }
        },
    };
    let live = kind.read(aws, std::slice::from_ref(&id)).await?.into_iter().next();
    let live =
        live.ok_or_else(|| CloudError::new(ErrorKind::NotFound, kind.name(), format!("`{id}` does not exist")))?;
    let maps = [live.properties, live.outputs].into_iter().filter_map(|value| match value {
        Value::Map(map) => Some(map),
        _ => None,
    });
    Ok(maps.flatten().collect())
}
