//! Amazon SQS: queues.

mod queue;
mod queue_policy;
pub(in crate::aws) mod status;

pub use queue::Queue;
pub use queue_policy::QueuePolicy;

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName;

use super::client::Aws;
use super::error::{During, found};
use super::resource::Result;

/// Attributes of a queue by name.
type Attributes = HashMap<QueueAttributeName, String>;

/// The attributes `names` of the queue at `url`; nothing where there is no such queue.
async fn attributes(aws: &Aws, url: &str, names: Vec<QueueAttributeName>) -> Result<Option<Attributes>> {
    let call = aws.sqs().get_queue_attributes().queue_url(url).set_attribute_names(Some(names));
    let answer = found(call.send().await.during("sqs:GetQueueAttributes"))?;
    Ok(answer.map(|answer| answer.attributes.unwrap_or_default()))
}

async fn set_attributes(aws: &Aws, url: &str, attributes: Attributes) -> Result<()> {
    let call = aws.sqs().set_queue_attributes().queue_url(url).set_attributes(Some(attributes));
    call.send().await.during("sqs:SetQueueAttributes")?;
    Ok(())
}
