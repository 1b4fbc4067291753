//! ARNs of what an API names but does not tell the ARN of.

use super::client::Aws;
use super::error::During;
use super::resource::Result;

/// The ARN of `resource` of `service` in this account and region. Asks for the account once.
pub async fn of(aws: &Aws, service: &str, resource: &str) -> Result<String> {
    let (partition, account) = aws
        .account
        .get_or_try_init(|| async {
            let identity = aws.sts().get_caller_identity().send().await.during("sts:GetCallerIdentity")?;
            let partition = identity.arn().and_then(|arn| arn.split(':').nth(1)).unwrap_or("aws");
            Ok((partition.to_owned(), identity.account.clone().unwrap_or_default()))
        })
        .await?;
    Ok(format!("arn:{partition}:{service}:{}:{account}:{resource}", aws.region()))
}
