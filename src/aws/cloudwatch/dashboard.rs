//! `AWS::CloudWatch::Dashboard`.

use aws_sdk_cloudwatch::operation::get_dashboard::GetDashboardOutput;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{each, is_ours, retag, tag_list, tags_of};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::document::Document;
use crate::aws::error::{During, found};
use crate::aws::resource::{NoOutputs, Observed, Resource, Result};
use crate::aws::tags::{self as ownership, Tags};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::Op;

const OPERATION: &str = "cloudwatch:PutDashboard";

/// A dashboard.
///
/// One of the same name that is not the stack's is never overwritten. The API reads dashboards and their tags one by one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Dashboard {
    /// What it shows: `widgets`, each with its `type`, place, size and `properties`.
    pub dashboard_body: Document,
    /// The dashboard's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[A-Za-z0-9_-]+$"))]
    pub dashboard_name: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

impl Resource for Dashboard {
    const TYPE: &'static str = "AWS::CloudWatch::Dashboard";
    const CREATE_ONLY: &'static [&'static str] = &["DashboardName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["DashboardName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "DashboardName", max_length: 255, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "cloudwatch:PutDashboard",
            "cloudwatch:GetDashboard",
            "cloudwatch:TagResource",
            "cloudwatch:ListTagsForResource",
        ],
        read: &["cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource"],
        update: &[
            "cloudwatch:PutDashboard",
            "cloudwatch:GetDashboard",
            "cloudwatch:TagResource",
            "cloudwatch:UntagResource",
        ],
        delete: &["cloudwatch:DeleteDashboards"],
    };
    type Outputs = NoOutputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        let name = self.dashboard_name.clone().unwrap_or_default();
        // Nobody else has a name that was made with the operation's id.
        if !name.ends_with(&op.id.short()) {
            is_ours(aws, op, arn_of(aws, &name).await?, || format!("a dashboard named {name}"), OPERATION).await?;
        }
        self.put(aws, &name).await?;
        Ok(Id::new(name))
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        each(ids, |id| async move {
            let Some(dashboard) = get(aws, id.as_str()).await? else { return Ok(None) };
            let Some(tags) = tags_of(aws, dashboard.dashboard_arn().unwrap_or_default()).await? else {
                return Ok(None);
            };
            let properties = Self {
                dashboard_body: Document::parse(dashboard.dashboard_body().unwrap_or_default()),
                dashboard_name: Some(id.as_str().to_owned()),
                tags,
            };
            Ok(Some(Observed { id: id.clone(), properties, outputs: NoOutputs {} }))
        })
        .await
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        if self.dashboard_body != old.dashboard_body {
            self.put(aws, id.as_str()).await?;
        }
        retag(aws, || arn_of(aws, id.as_str()), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let call = aws.cloudwatch().delete_dashboards().dashboard_names(id.as_str());
        call.send().await.during("cloudwatch:DeleteDashboards")?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let Some(name) = &self.dashboard_name else { return Ok(None) };
        let Some(arn) = arn_of(aws, name).await? else { return Ok(None) };
        let tags = tags_of(aws, &arn).await?;
        Ok(tags.filter(|tags| tags.have(&ownership::of_op(op))).map(|_| Id::new(name)))
    }
}

impl Dashboard {
    async fn put(&self, aws: &Aws, name: &str) -> Result<()> {
        let call = aws.cloudwatch().put_dashboard().dashboard_name(name).set_tags(tag_list(&self.tags));
        call.dashboard_body(self.dashboard_body.text()).send().await.during(OPERATION)?;
        Ok(())
    }
}

async fn get(aws: &Aws, name: &str) -> Result<Option<GetDashboardOutput>> {
    found(aws.cloudwatch().get_dashboard().dashboard_name(name).send().await.during("cloudwatch:GetDashboard"))
}

async fn arn_of(aws: &Aws, name: &str) -> Result<Option<String>> {
    Ok(get(aws, name).await?.and_then(|dashboard| dashboard.dashboard_arn))
}
