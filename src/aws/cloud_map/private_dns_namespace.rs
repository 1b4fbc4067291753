//! `AWS::ServiceDiscovery::PrivateDnsNamespace`.

use aws_sdk_servicediscovery::operation::create_private_dns_namespace::CreatePrivateDnsNamespaceError;
use aws_sdk_servicediscovery::types::{
    self as sdk, NamespaceType, PrivateDnsNamespaceChange, PrivateDnsNamespacePropertiesChange,
    PrivateDnsPropertiesMutableChange, SoaChange,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::namespace::{self, Begun, Told, begun};
use super::{BATCH, operation, retag, tag_list};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built};
use crate::aws::mirror::{Mirror, mirror};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, TagSet, Tags};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::Op;

/// Seconds that a name that is not there is remembered, where the stack says nothing.
const DEFAULT_TTL: i64 = 15;

mirror! {
    /// Properties of a namespace.
    pub struct Properties = sdk::PrivateDnsNamespaceProperties {
        /// Those of its hosted zone.
        dns_properties(set_dns_properties): Option<PrivateDnsPropertiesMutable>,
    }

    /// Properties of a namespace's hosted zone.
    pub struct PrivateDnsPropertiesMutable = sdk::PrivateDnsPropertiesMutable {
        /// Its start of authority.
        #[serde(rename = "SOA")]
        soa(set_soa): Option<Soa>,
    }

    /// A hosted zone's start of authority.
    pub struct Soa = sdk::Soa, fallible {
        /// Seconds for which it is remembered that there is no such name. AWS's default is 15.
        #[serde(rename = "TTL")]
        #[schemars(range(min = 0, max = 2_147_483_647))]
        ttl(set_ttl): Option<i64>,
    }
}

/// A namespace whose services are found by DNS, in one VPC.
///
/// The API lists namespaces, and tells their tags one by one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PrivateDnsNamespace {
    /// A description.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// The namespace's name, a DNS name such as `shop.local`.
    #[schemars(length(min = 1, max = 1024), regex(pattern = r"^[!-~]{1,253}$"))]
    pub name: String,
    /// Properties of its hosted zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<Properties>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The VPC in which names are resolved; `EnableDnsSupport` and `EnableDnsHostnames` must be on in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, length(max = 64), extend("writeOnly" = true))]
    pub vpc: Option<String>,
}

/// What AWS tells of a namespace.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub arn: String,
    /// The Route 53 hosted zone that Cloud Map made for it.
    pub hosted_zone_id: String,
    /// Its id.
    pub id: String,
}

impl Resource for PrivateDnsNamespace {
    const TYPE: &'static str = "AWS::ServiceDiscovery::PrivateDnsNamespace";
    const CREATE_ONLY: &'static [&'static str] = &["Name", "Vpc"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["Name", "Vpc"]];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "servicediscovery:CreatePrivateDnsNamespace",
            "servicediscovery:GetOperation",
            "servicediscovery:ListOperations",
            "servicediscovery:TagResource",
            "route53:CreateHostedZone",
            "route53:GetHostedZone",
            "route53:ListHostedZonesByName",
            "ec2:DescribeVpcs",
            "ec2:DescribeRegions",
        ],
        read: &[
            "servicediscovery:GetNamespace",
            "servicediscovery:ListNamespaces",
            "servicediscovery:ListTagsForResource",
        ],
        update: &[
            "servicediscovery:UpdatePrivateDnsNamespace",
            "servicediscovery:GetOperation",
            "servicediscovery:GetNamespace",
            "servicediscovery:TagResource",
            "servicediscovery:UntagResource",
            "route53:ChangeResourceRecordSets",
        ],
        delete: &["servicediscovery:DeleteNamespace", "servicediscovery:GetOperation", "route53:DeleteHostedZone"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "servicediscovery:CreatePrivateDnsNamespace";
        let call = aws
            .cloud_map()
            .create_private_dns_namespace()
            .creator_request_id(op.id.as_str())
            .name(&self.name)
            .set_description(self.description.clone())
            .set_properties(built(self.properties.sdk(), OPERATION)?)
            .set_tags(tag_list(&self.tags)?)
            .set_vpc(self.vpc.clone());
        namespace::id(aws, begun!(call, CreatePrivateDnsNamespaceError, op, OPERATION)?, OPERATION).await
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        operation::made(aws, id.as_str()).await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        Ok(namespace::read(aws, ids, &NamespaceType::DnsPrivate).await?.into_iter().map(observed).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        const OPERATION: &str = "servicediscovery:UpdatePrivateDnsNamespace";
        if self.description != old.description || self.properties != old.properties {
            let mut change = PrivateDnsNamespaceChange::builder();
            if self.description != old.description {
                change = change.description(self.description.clone().unwrap_or_default());
            }
            if self.properties != old.properties {
                let soa = SoaChange::builder().ttl(self.ttl().unwrap_or(DEFAULT_TTL)).build();
                let dns = PrivateDnsPropertiesMutableChange::builder().soa(built(soa, OPERATION)?).build();
                change = change.properties(PrivateDnsNamespacePropertiesChange::builder().dns_properties(dns).build());
            }
            let call = aws.cloud_map().update_private_dns_namespace().id(id.as_str()).namespace(change.build());
            namespace::changed(aws, call.send().await.during(OPERATION)?.operation_id).await?;
        }
        if self.tags != old.tags {
            for told in Self::read(aws, std::slice::from_ref(id)).await? {
                retag(aws, &told.outputs.arn, &old.tags, &self.tags).await?;
            }
        }
        Ok(())
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        namespace::delete(aws, id).await
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        namespace::tagged(aws, &NamespaceType::DnsPrivate, None, tags).await
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let tags = ownership::of_op(op);
        let found = namespace::tagged(aws, &NamespaceType::DnsPrivate, Some(&self.name), &tags).await?;
        Ok(found.into_iter().next())
    }
}

impl PrivateDnsNamespace {
    fn ttl(&self) -> Option<i64> {
        self.properties.as_ref()?.dns_properties.as_ref()?.soa.as_ref()?.ttl
    }
}

fn observed(told: Told) -> Observed<PrivateDnsNamespace> {
    let (soa, zone) = told.dns.map(|dns| (dns.soa, dns.hosted_zone_id)).unwrap_or_default();
    let properties = soa.map(|soa| Properties {
        dns_properties: Some(PrivateDnsPropertiesMutable { soa: Some(Soa { ttl: Some(soa.ttl) }) }),
    });
    Observed {
        properties: PrivateDnsNamespace {
            description: told.description,
            name: told.name,
            properties,
            tags: told.tags,
            vpc: None,
        },
        outputs: Outputs { arn: told.arn, hosted_zone_id: zone.unwrap_or_default(), id: told.id.to_string() },
        id: told.id,
    }
}
