//! `AWS::SQS::QueuePolicy`.

use std::collections::BTreeSet;

use aws_sdk_sqs::types::QueueAttributeName;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Attributes, attributes, set_attributes};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::document::Document;
use crate::aws::error::{During, found};
use crate::aws::resource::{Observed, Resource, Result};
use crate::catalog::Permissions;
use crate::cloud::{CloudError, ErrorKind, Op};

/// The tag of a queue that tells whose its policy is, so that one that takes another's place is not deleted with it.
const OWNER: &str = "infra:policy";

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
        update: &["sqs:SetQueueAttributes"],
        delete: &["sqs:SetQueueAttributes", "sqs:ListQueueTags", "sqs:UntagQueue"],
    };
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        let id = self.id(op);
        self.settle(aws, &id).await?;
        Ok(id)
    }

    async fn settle(&self, aws: &Aws, id: &Id) -> Result<()> {
        let (owner, urls) = parts(id)?;
        let policy = self.policy_document.text();
        let calls = urls.into_iter().map(|url| {
            let policy = policy.clone();
            async move {
                let call = aws.sqs().tag_queue().queue_url(url).tags(OWNER, owner);
                call.send().await.during("sqs:TagQueue")?;
                set_attributes(aws, url, Attributes::from([(QueueAttributeName::Policy, policy)])).await
            }
        });
        try_join_all(calls).await?;
        Ok(())
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut read = Vec::with_capacity(ids.len());
        for id in ids {
            let (owner, urls) = parts(id)?;
            let policies = try_join_all(urls.iter().map(|url| policy(aws, url, owner))).await?;
            let Some(document) = policies.iter().flatten().next().cloned() else { continue };
            let having = urls.iter().zip(&policies).filter(|(_, policy)| policy.as_ref() == Some(&document));
            let queues = having.map(|(url, _)| (*url).to_owned()).collect();
            let outputs = Outputs { id: id.as_str().to_owned() };
            read.push(Observed { id: id.clone(), properties: Self { policy_document: document, queues }, outputs });
        }
        Ok(read)
    }

    async fn update(&self, aws: &Aws, id: &Id, _old: &Self) -> Result<()> {
        self.settle(aws, id).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let (owner, urls) = parts(id)?;
        let calls = urls.into_iter().map(|url| async move {
            if !is_owner(aws, url, owner).await? {
                return Ok(());
            }
            let none = Attributes::from([(QueueAttributeName::Policy, String::new())]);
            found(set_attributes(aws, url, none).await)?;
            let call = aws.sqs().untag_queue().queue_url(url).tag_keys(OWNER);
            found(call.send().await.during("sqs:UntagQueue"))?;
            Ok::<_, CloudError>(())
        });
        try_join_all(calls).await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let owned = try_join_all(self.queues.iter().map(|url| is_owner(aws, url, op.id.as_str()))).await?;
        Ok(owned.contains(&true).then(|| self.id(op)))
    }
}

impl QueuePolicy {
    fn id(&self, op: &Op) -> Id {
        let urls = self.queues.iter().map(String::as_str);
        Id::compound(&[op.id.as_str()].into_iter().chain(urls).collect::<Vec<_>>())
    }
}

/// The owner and the queues that an id names.
fn parts(id: &Id) -> Result<(&str, Vec<&str>)> {
    let mut parts = id.as_str().split('|');
    match (parts.next(), parts.collect::<Vec<_>>()) {
        (Some(owner), urls) if !urls.is_empty() => Ok((owner, urls)),
        _ => Err(CloudError::new(ErrorKind::Invalid, QueuePolicy::TYPE, format!("`{id}` names no queue"))),
    }
}

/// Whether the policy of the queue at `url` is that of `owner`.
async fn is_owner(aws: &Aws, url: &str, owner: &str) -> Result<bool> {
    let answer = found(aws.sqs().list_queue_tags().queue_url(url).send().await.during("sqs:ListQueueTags"))?;
    let tags = answer.and_then(|answer| answer.tags).unwrap_or_default();
    Ok(tags.get(OWNER).is_some_and(|now| now == owner))
}

/// The policy of the queue at `url`, if it is that of `owner`.
async fn policy(aws: &Aws, url: &str, owner: &str) -> Result<Option<Document>> {
    let attributes = attributes(aws, url, vec![QueueAttributeName::Policy]);
    let (attributes, is_owner) = futures::try_join!(attributes, is_owner(aws, url, owner))?;
    let attributes = attributes.filter(|_| is_owner).unwrap_or_default();
    Ok(Document::parse_some(attributes.get(&QueueAttributeName::Policy).map(String::as_str)))
}
