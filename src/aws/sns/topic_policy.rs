//! `AWS::SNS::TopicPolicy`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{retag, set_topic_attribute, tags_of, topic_attributes_of};
use crate::address::Id;
use crate::aws::attached_policy::{self, AttachedPolicy, OWNER};
use crate::aws::client::Aws;
use crate::aws::document::Document;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::Tags;
use crate::catalog::Permissions;
use crate::cloud::Op;

/// The attribute that holds a topic's policy.
const POLICY: &str = "Policy";

/// Who may do what with some topics.
///
/// SNS knows no such thing: its id is made of ours and the topics' ARNs, so another list of topics is another policy. A
/// topic always has a policy; one that loses this gets back what AWS gives a new topic. The API reads the policies of
/// topics one by one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TopicPolicy {
    /// The policy.
    pub policy_document: Document,
    /// ARNs of the topics that it is for.
    #[schemars(length(min = 1))]
    pub topics: BTreeSet<String>,
}

/// What AWS tells of a topic policy.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its id.
    pub id: String,
}

impl Resource for TopicPolicy {
    const TYPE: &'static str = "AWS::SNS::TopicPolicy";
    const CREATE_ONLY: &'static [&'static str] = &["Topics"];
    const PERMISSIONS: Permissions = Permissions {
        create: &["sns:SetTopicAttributes", "sns:TagResource"],
        read: &["sns:GetTopicAttributes", "sns:ListTagsForResource"],
        update: &["sns:SetTopicAttributes", "sns:TagResource"],
        delete: &["sns:SetTopicAttributes", "sns:ListTagsForResource", "sns:UntagResource"],
    };
    type Outputs = Outputs;

    /// Makes nothing: what it takes is several calls, of which none may come before the id is on record.
    async fn create(&self, _aws: &Aws, op: &Op) -> Result<Id> {
        Ok(attached_policy::id(op, &self.topics))
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        attached_policy::attach::<Self>(aws, id, &self.policy_document).await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut read = Vec::with_capacity(ids.len());
        for id in ids {
            let Some((policy_document, topics)) = attached_policy::read::<Self>(aws, id).await? else { continue };
            let outputs = Outputs { id: id.as_str().to_owned() };
            read.push(Observed { id: id.clone(), properties: Self { policy_document, topics }, outputs });
        }
        Ok(read)
    }

    async fn update(&self, aws: &Aws, op: &Op, id: &Id, _old: &Self) -> Result<()> {
        self.settle(aws, op, id).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        attached_policy::detach::<Self>(aws, id).await
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        attached_policy::find::<Self>(aws, op, &self.topics).await
    }
}

impl AttachedPolicy for TopicPolicy {
    async fn policy(aws: &Aws, arn: &str) -> Result<Option<Document>> {
        let attributes = topic_attributes_of(aws, arn).await?.unwrap_or_default();
        Ok(Document::parse_some(attributes.get(POLICY).map(String::as_str)))
    }

    async fn set_policy(aws: &Aws, arn: &str, policy: Option<&Document>) -> Result<()> {
        let policy = policy.map_or_else(|| default_policy(arn), Document::text);
        set_topic_attribute(aws, arn, POLICY, &policy).await
    }

    async fn owner(aws: &Aws, arn: &str) -> Result<Option<String>> {
        Ok(tags_of(aws, arn).await?.and_then(|mut tags| tags.0.remove(OWNER)))
    }

    async fn set_owner(aws: &Aws, arn: &str, owner: Option<&str>) -> Result<()> {
        let changes = match owner {
            Some(owner) => (Tags::from_iter([(OWNER, owner)]), Vec::new()),
            None => (Tags::default(), vec![OWNER.to_owned()]),
        };
        retag(aws, arn, changes).await
    }
}

/// The policy that AWS gives a new topic: its account may do everything with it.
fn default_policy(arn: &str) -> String {
    const ACTIONS: [&str; 8] = [
        "SNS:GetTopicAttributes",
        "SNS:SetTopicAttributes",
        "SNS:AddPermission",
        "SNS:RemovePermission",
        "SNS:DeleteTopic",
        "SNS:Subscribe",
        "SNS:ListSubscriptionsByTopic",
        "SNS:Publish",
    ];
    let account = arn.split(':').nth(4).unwrap_or_default();
    let statement = json!({
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": { "AWS": "*" },
        "Action": ACTIONS,
        "Resource": arn,
        "Condition": { "StringEquals": { "AWS:SourceOwner": account } },
    });
    json!({ "Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement] }).to_string()
}
