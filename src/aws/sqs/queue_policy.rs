//! `AWS::SQS::QueuePolicy`.

use std::collections::BTreeSet;

use aws_sdk_sqs::types::QueueAttributeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Attributes, attributes, set_attributes};
use crate::address::Id;
use crate::aws::attached_policy::{self, AttachedPolicy, OWNER};
use crate::aws::client::Aws;
use crate::aws::document::Document;
use crate::aws::error::{During, found};
use crate::aws::resource::{Observed, Resource, Result};
use crate::catalog::Permissions;
use crate::cloud::Op;

/// Who may do what with some queues.
///
/// SQS knows no such thing: its id is made of ours and the queues' URLs, so another list of queues is another policy. The
/// API reads the policies of queues one by one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct QueuePolicy {
    /// The policy.
    pub policy_document: Document,
    /// URLs of the queues that it is for.
    #[schemars(length(min = 1))]
    pub queues: BTreeSet<String>,
}

/// What AWS tells of a queue policy.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its id.
    pub id: String,
}

impl Resource for QueuePolicy {
    const TYPE: &'static str = "AWS::SQS::QueuePolicy";
    const CREATE_ONLY: &'static [&'static str] = &["Queues"];
    const PERMISSIONS: Permissions = Permissions {
        create: &["sqs:SetQueueAttributes", "sqs:TagQueue"],
        read: &["sqs:GetQueueAttributes", "sqs:ListQueueTags"],
        update: &["sqs:SetQueueAttributes", "sqs:TagQueue"],
        delete: &["sqs:SetQueueAttributes", "sqs:ListQueueTags", "sqs:UntagQueue"],
    };
    type Outputs = Outputs;

    /// Makes nothing: what it takes is several calls, of which none may come before the id is on record.
    async fn create(&self, _aws: &Aws, op: &Op) -> Result<Id> {
        Ok(attached_policy::id(op, &self.queues))
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        attached_policy::attach::<Self>(aws, id, &self.policy_document).await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut read = Vec::with_capacity(ids.len());
        for id in ids {
            let Some((policy_document, queues)) = attached_policy::read::<Self>(aws, id).await? else { continue };
            let outputs = Outputs { id: id.as_str().to_owned() };
            read.push(Observed { id: id.clone(), properties: Self { policy_document, queues }, outputs });
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
        attached_policy::find::<Self>(aws, op, &self.queues).await
    }
}

impl AttachedPolicy for QueuePolicy {
    async fn policy(aws: &Aws, url: &str) -> Result<Option<Document>> {
        let attributes = attributes(aws, url, vec![QueueAttributeName::Policy]).await?.unwrap_or_default();
        Ok(Document::parse_some(attributes.get(&QueueAttributeName::Policy).map(String::as_str)))
    }

    async fn set_policy(aws: &Aws, url: &str, policy: Option<&Document>) -> Result<()> {
        let policy = policy.map(Document::text).unwrap_or_default();
        set_attributes(aws, url, Attributes::from([(QueueAttributeName::Policy, policy)])).await
    }

    async fn owner(aws: &Aws, url: &str) -> Result<Option<String>> {
        let answer = found(aws.sqs().list_queue_tags().queue_url(url).send().await.during("sqs:ListQueueTags"))?;
        Ok(answer.and_then(|answer| answer.tags).and_then(|mut tags| tags.remove(OWNER)))
    }

    async fn set_owner(aws: &Aws, url: &str, owner: Option<&str>) -> Result<()> {
        match owner {
            Some(owner) => {
                let call = aws.sqs().tag_queue().queue_url(url).tags(OWNER, owner);
                call.send().await.during("sqs:TagQueue")?;
            }
            None => {
                let call = aws.sqs().untag_queue().queue_url(url).tag_keys(OWNER);
                call.send().await.during("sqs:UntagQueue")?;
            }
        }
        Ok(())
    }
}
