//! `AWS::ServiceDiscovery::HttpNamespace`.

use aws_sdk_servicediscovery::operation::create_http_namespace::CreateHttpNamespaceError;
use aws_sdk_servicediscovery::types::{HttpNamespaceChange, NamespaceType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::namespace::{self, Begun, Told, begun};
use super::{BATCH, operation, retag, tag_list};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, TagSet, Tags};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::Op;

/// A namespace whose services are found by API calls, not by DNS: what Service Connect needs.
///
/// The API lists namespaces, and tells their tags one by one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct HttpNamespace {
    /// A description.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// The namespace's name.
    #[schemars(length(min = 1, max = 1024), regex(pattern = r"^[!-~]{1,1024}$"))]
    pub name: String,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// What AWS tells of a namespace.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub arn: String,
    /// Its id.
    pub id: String,
}

impl Resource for HttpNamespace {
    const TYPE: &'static str = "AWS::ServiceDiscovery::HttpNamespace";
    const CREATE_ONLY: &'static [&'static str] = &["Name"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["Name"]];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "servicediscovery:CreateHttpNamespace",
            "servicediscovery:GetOperation",
            "servicediscovery:ListOperations",
            "servicediscovery:TagResource",
        ],
        read: &[
            "servicediscovery:GetNamespace",
            "servicediscovery:ListNamespaces",
            "servicediscovery:ListTagsForResource",
        ],
        update: &[
            "servicediscovery:UpdateHttpNamespace",
            "servicediscovery:GetOperation",
            "servicediscovery:GetNamespace",
            "servicediscovery:TagResource",
            "servicediscovery:UntagResource",
        ],
        delete: &["servicediscovery:DeleteNamespace", "servicediscovery:GetOperation"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "servicediscovery:CreateHttpNamespace";
        let call = aws
            .cloud_map()
            .create_http_namespace()
            .creator_request_id(op.id.as_str())
            .name(&self.name)
            .set_description(self.description.clone())
            .set_tags(tag_list(&self.tags)?);
        namespace::id(aws, begun!(call, CreateHttpNamespaceError, op, OPERATION)?, OPERATION).await
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        operation::made(aws, id.as_str()).await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        Ok(namespace::read(aws, ids, &NamespaceType::Http).await?.into_iter().map(observed).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        const OPERATION: &str = "servicediscovery:UpdateHttpNamespace";
        if self.description != old.description {
            let description = self.description.clone().unwrap_or_default();
            let change = built(HttpNamespaceChange::builder().description(description).build(), OPERATION)?;
            let call = aws.cloud_map().update_http_namespace().id(id.as_str()).namespace(change);
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
        namespace::tagged(aws, &NamespaceType::Http, None, tags).await
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let tags = ownership::of_op(op);
        let found = namespace::tagged(aws, &NamespaceType::Http, Some(&self.name), &tags).await?;
        Ok(found.into_iter().next())
    }
}

fn observed(told: Told) -> Observed<HttpNamespace> {
    Observed {
        properties: HttpNamespace { description: told.description, name: told.name, tags: told.tags },
        outputs: Outputs { arn: told.arn, id: told.id.to_string() },
        id: told.id,
    }
}
