//! `AWS::ServiceDiscovery::Service`.

use std::collections::BTreeMap;

use aws_sdk_servicediscovery::operation::create_service::CreateServiceError;
use aws_sdk_servicediscovery::types::{
    self as sdk, DnsConfigChange, ServiceChange, ServiceFilter, ServiceFilterName, ServiceSummary,
};
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::service_parts::{DnsConfig, FAILURE_THRESHOLD, HealthCheckConfig, HealthCheckCustomConfig};
use super::{BATCH, FEW, PAGE, described, namespace, retag, tag_list, tags_of};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built, found};
use crate::aws::mirror::Mirror;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, TagSet, Tags};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::{CloudError, ErrorKind, Op};
use crate::value::Value;

/// A service: the name in a namespace by which instances, such as the tasks of an ECS service, are found.
///
/// The API lists services of a namespace, and tells their tags and attributes one by one. It is not deleted as long as
/// instances are registered with it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Service {
    /// A description. AWS can't change a service of an HTTP namespace, so that it refuses another description of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// The DNS records of its instances; not in HTTP namespaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_config: Option<DnsConfig>,
    /// How Route 53 tells whether an instance is healthy; not in private DNS namespaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_config: Option<HealthCheckConfig>,
    /// That whether an instance is healthy is told to Cloud Map by somebody else, such as ECS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_custom_config: Option<HealthCheckCustomConfig>,
    /// The service's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 127),
        regex(
            pattern = r"^([a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?)(\.[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?)*$|^\.$"
        )
    )]
    pub name: Option<String>,
    /// The namespace, by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, length(max = 255))]
    pub namespace_id: Option<String>,
    /// Attributes of your own, told to who looks the service up; 30 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_attributes: Option<BTreeMap<String, String>>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// That instances are found by API calls only, where the namespace has DNS.
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["HTTP"]))]
    pub kind: Option<String>,
}

/// What AWS tells of a service.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub arn: String,
    /// Its id.
    pub id: String,
}

impl Resource for Service {
    const TYPE: &'static str = "AWS::ServiceDiscovery::Service";
    const CREATE_ONLY: &'static [&'static str] = &[
        "DnsConfig.DnsRecords.Type",
        "DnsConfig.RoutingPolicy",
        "HealthCheckConfig.Type",
        "HealthCheckCustomConfig",
        "Name",
        "NamespaceId",
        "Type",
    ];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["NamespaceId", "Name"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "Name", max_length: 63, lower_case: true });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "servicediscovery:CreateService",
            "servicediscovery:ListServices",
            "servicediscovery:TagResource",
            "servicediscovery:UpdateServiceAttributes",
        ],
        read: &[
            "servicediscovery:GetService",
            "servicediscovery:GetServiceAttributes",
            "servicediscovery:ListServices",
            "servicediscovery:ListTagsForResource",
        ],
        update: &[
            "servicediscovery:UpdateService",
            "servicediscovery:UpdateServiceAttributes",
            "servicediscovery:DeleteServiceAttributes",
            "servicediscovery:GetOperation",
            "servicediscovery:GetService",
            "servicediscovery:TagResource",
            "servicediscovery:UntagResource",
        ],
        delete: &["servicediscovery:DeleteService"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    /// Sets the threshold that AWS takes whatever is given; with nothing in it, a custom check could not be told from none.
    fn normalize(properties: &mut Value) {
        if let Value::Map(map) = properties
            && let Some(Value::Map(custom)) = map.get_mut("HealthCheckCustomConfig")
        {
            custom.insert("FailureThreshold".to_owned(), Value::Int(FAILURE_THRESHOLD.into()));
        }
    }

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "servicediscovery:CreateService";
        let call = aws
            .cloud_map()
            .create_service()
            .creator_request_id(op.id.as_str())
            .set_description(self.description.clone())
            .set_dns_config(built(self.dns_config.sdk(), OPERATION)?)
            .set_health_check_config(built(self.health_check_config.sdk(), OPERATION)?)
            .set_health_check_custom_config(built(self.health_check_custom_config.sdk(), OPERATION)?)
            .set_name(self.name.clone())
            .set_namespace_id(self.namespace_id.clone())
            .set_tags(tag_list(&self.tags)?)
            .set_type(self.kind.as_deref().map(Into::into));
        let id = match call.send().await {
            Ok(answer) => answer.service.and_then(|service| service.id),
            Err(error) => match error.as_service_error() {
                // The same call came before, and its answer was lost.
                Some(CreateServiceError::ServiceAlreadyExists(found))
                    if found.creator_request_id() == Some(op.id.as_str()) =>
                {
                    found.service_id.clone()
                }
                _ => Err(error).during(OPERATION)?,
            },
        };
        id.map(Id::new).ok_or_else(|| CloudError::new(ErrorKind::Lost, OPERATION, "the answer holds no id"))
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        set_attributes(aws, id, self.service_attributes.clone().unwrap_or_default()).await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let services = if ids.len() > FEW { listed(aws, ids).await? } else { one_by_one(aws, ids).await? };
        let reads = services.into_iter().map(|service| told(aws, service));
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        if self.description != old.description
            || self.dns_config != old.dns_config
            || self.health_check_config != old.health_check_config
        {
            self.change(aws, id).await?;
        }
        self.change_attributes(aws, id, old).await?;
        if self.tags != old.tags
            && let Some(arn) = get(aws, id).await?.and_then(|service| service.arn)
        {
            retag(aws, &arn, &old.tags, &self.tags).await?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        aws.cloud_map().delete_service().id(id.as_str()).send().await.during("servicediscovery:DeleteService")?;
        Ok(())
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        having(aws, list(aws, None).await?, tags).await
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let mut services = list(aws, self.namespace_id.as_deref()).await?;
        services.retain(|service| self.name.is_none() || service.name() == self.name.as_deref());
        Ok(having(aws, services, &ownership::of_op(op)).await?.into_iter().next())
    }
}

impl Service {
    /// Sends all that can be changed: what such a call leaves out of records and checks is taken away.
    async fn change(&self, aws: &Aws, id: &Id) -> Result<()> {
        const OPERATION: &str = "servicediscovery:UpdateService";
        let records = built(self.dns_config.sdk(), OPERATION)?.map(|config| {
            built(DnsConfigChange::builder().set_dns_records(Some(config.dns_records)).build(), OPERATION)
        });
        let change = ServiceChange::builder()
            .description(self.description.clone().unwrap_or_default())
            .set_dns_config(records.transpose()?)
            .set_health_check_config(built(self.health_check_config.sdk(), OPERATION)?)
            .build();
        let call = aws.cloud_map().update_service().id(id.as_str()).service(change);
        namespace::changed(aws, call.send().await.during(OPERATION)?.operation_id).await
    }

    async fn change_attributes(&self, aws: &Aws, id: &Id, old: &Self) -> Result<()> {
        let (new, old) = (self.service_attributes.iter().flatten(), old.service_attributes.iter().flatten());
        let old: BTreeMap<_, _> = old.collect();
        let set = new.clone().filter(|(key, value)| old.get(key) != Some(value));
        let set = set.map(|(key, value)| (key.clone(), value.clone())).collect();
        set_attributes(aws, id, set).await?;
        let kept: BTreeMap<_, _> = new.collect();
        let gone: Vec<String> = old.keys().filter(|key| !kept.contains_key(*key)).map(|key| (*key).clone()).collect();
        if !gone.is_empty() {
            let call = aws.cloud_map().delete_service_attributes().service_id(id.as_str()).set_attributes(Some(gone));
            call.send().await.during("servicediscovery:DeleteServiceAttributes")?;
        }
        Ok(())
    }
}

async fn set_attributes(aws: &Aws, id: &Id, attributes: BTreeMap<String, String>) -> Result<()> {
    if !attributes.is_empty() {
        let call = aws.cloud_map().update_service_attributes().service_id(id.as_str());
        let call = call.set_attributes(Some(attributes.into_iter().collect()));
        call.send().await.during("servicediscovery:UpdateServiceAttributes")?;
    }
    Ok(())
}

async fn get(aws: &Aws, id: &Id) -> Result<Option<sdk::Service>> {
    let answer = aws.cloud_map().get_service().id(id.as_str()).send().await;
    Ok(found(answer.during("servicediscovery:GetService"))?.and_then(|answer| answer.service))
}

async fn one_by_one(aws: &Aws, ids: &[Id]) -> Result<Vec<sdk::Service>> {
    Ok(try_join_all(ids.iter().map(|id| get(aws, id))).await?.into_iter().flatten().collect())
}

/// Reads services by namespace: a list does not say which namespace a service is in, so the first of each is asked for.
async fn listed(aws: &Aws, ids: &[Id]) -> Result<Vec<sdk::Service>> {
    let (mut left, mut services) = (ids.to_vec(), Vec::with_capacity(ids.len()));
    while let Some(first) = left.pop() {
        let Some(service) = get(aws, &first).await? else { continue };
        let namespace = service.namespace_id.clone();
        services.push(service);
        if left.len() < FEW {
            continue;
        }
        for summary in list(aws, namespace.as_deref()).await? {
            if let Some(at) = left.iter().position(|id| Some(id.as_str()) == summary.id()) {
                left.swap_remove(at);
                services.push(from_summary(summary, namespace.clone()));
            }
        }
    }
    Ok(services)
}

fn from_summary(summary: ServiceSummary, namespace: Option<String>) -> sdk::Service {
    sdk::Service::builder()
        .set_arn(summary.arn)
        .set_description(summary.description)
        .set_dns_config(summary.dns_config)
        .set_health_check_config(summary.health_check_config)
        .set_health_check_custom_config(summary.health_check_custom_config)
        .set_id(summary.id)
        .set_name(summary.name)
        .set_namespace_id(namespace)
        .set_type(summary.r#type)
        .build()
}

/// The services of `namespace`, or all.
async fn list(aws: &Aws, namespace: Option<&str>) -> Result<Vec<ServiceSummary>> {
    const OPERATION: &str = "servicediscovery:ListServices";
    let mut call = aws.cloud_map().list_services().max_results(PAGE);
    if let Some(namespace) = namespace {
        let filter = ServiceFilter::builder().name(ServiceFilterName::NamespaceId).values(namespace).build();
        call = call.filters(built(filter, OPERATION)?);
    }
    let (mut pages, mut all) = (call.into_paginator().send(), Vec::new());
    while let Some(page) = pages.next().await {
        all.extend(page.during(OPERATION)?.services.unwrap_or_default());
    }
    Ok(all)
}

/// Ids of those services that have all of these tags.
async fn having(aws: &Aws, services: Vec<ServiceSummary>, tags: &TagSet) -> Result<Vec<Id>> {
    let services = services.into_iter().filter_map(|service| Some((service.id?, service.arn?)));
    let found = services.map(|(id, arn)| async move { Ok((id, tags_of(aws, &arn).await?)) });
    let found = try_join_all(found).await?;
    let ours = found.into_iter().filter(|(_, found)| found.as_ref().is_some_and(|found| found.have(tags)));
    Ok(ours.map(|(id, _)| Id::new(id)).collect())
}

async fn told(aws: &Aws, service: sdk::Service) -> Result<Option<Observed<Service>>> {
    let (Some(id), Some(arn)) = (service.id, service.arn) else { return Ok(None) };
    let attributes = async {
        let call = aws.cloud_map().get_service_attributes().service_id(&id);
        found(call.send().await.during("servicediscovery:GetServiceAttributes"))
    };
    let (tags, attributes) = futures::try_join!(tags_of(aws, &arn), attributes)?;
    let (Some(tags), Some(attributes)) = (tags, attributes) else { return Ok(None) };
    let attributes = attributes.service_attributes.and_then(|attributes| attributes.attributes);
    Ok(Some(Observed {
        id: Id::new(&id),
        properties: Service {
            description: described(service.description),
            dns_config: Mirror::of(service.dns_config),
            health_check_config: Mirror::of(service.health_check_config),
            health_check_custom_config: Mirror::of(service.health_check_custom_config),
            name: service.name,
            namespace_id: service.namespace_id,
            service_attributes: Mirror::of(attributes.filter(|attributes| !attributes.is_empty())),
            tags,
            kind: service.r#type.map(|kind| kind.to_string()),
        },
        outputs: Outputs { arn, id },
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::plan::diff::{Sides, diff};
    use crate::plan::shape::Shape;

    /// Paths of what differs, those that replace with `!`.
    fn changes(desired: &Json, applied: &Json, live: &Json) -> Vec<String> {
        let catalog = crate::aws::catalog();
        let kind = catalog.get(Service::TYPE).unwrap();
        let normal = |json: &Json| {
            let mut value = Value::from(json.clone());
            Service::normalize(&mut value);
            value
        };
        let (desired, applied, live) = (normal(desired), normal(applied), Value::from(live.clone()));
        let shape = Shape::compile(&kind.properties);
        let sides =
            Sides { kind, shape: &shape, desired: &desired, applied: &applied, live: &live, ignore: &[], seal: None };
        let changes = diff(sides).changes.into_iter();
        changes.map(|change| format!("{}{}", change.path, if change.replaces { "!" } else { "" })).collect()
    }

    #[test]
    fn a_custom_health_check_that_comes_or_goes_replaces_the_service() {
        let (none, empty, given) = (
            json!({"Name": "mail"}),
            json!({"Name": "mail", "HealthCheckCustomConfig": {}}),
            json!({"Name": "mail", "HealthCheckCustomConfig": {"FailureThreshold": 3}}),
        );
        let told: HealthCheckCustomConfig = Mirror::of(Some(sdk::HealthCheckCustomConfig::builder().build()));
        let told = json!({"Name": "mail", "HealthCheckCustomConfig": told});
        for with in [&empty, &given] {
            assert_eq!(changes(with, &none, &none), ["HealthCheckCustomConfig.FailureThreshold!"]);
            assert_eq!(changes(&none, with, &told), ["HealthCheckCustomConfig!"]);
            assert_eq!(changes(with, with, &told), [""; 0]);
        }
        assert_eq!(changes(&given, &empty, &told), [""; 0]);
    }

    #[test]
    fn another_type_of_record_or_check_replaces_the_service_and_another_lifetime_does_not() {
        let service = |record: &str, ttl: u32, check: &str| {
            json!({
                "DnsConfig": {"DnsRecords": [{"Type": record, "TTL": ttl}]}, "HealthCheckConfig": {"Type": check},
            })
        };
        let old = service("A", 10, "HTTP");
        let changed = |new: Json| changes(&new, &old, &old);
        assert_eq!(changed(service("SRV", 10, "HTTP")), ["DnsConfig.DnsRecords[0].Type!"]);
        assert_eq!(changed(service("A", 10, "TCP")), ["HealthCheckConfig.Type!"]);
        assert_eq!(changed(service("A", 60, "HTTP")), ["DnsConfig.DnsRecords[0].TTL"]);
    }
}
