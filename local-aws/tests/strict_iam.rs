//! What IAM refuses.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::json;
use support::shared;

#[tokio::test]
async fn a_resource_of_a_policy_says_whose_it_is() {
    let aws = shared().await;
    let document = |resource: &str| {
        json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::fine*", resource]}],
        })
        .to_string()
    };
    let iam = async |action: &str, parameters: &[(&str, &str)]| aws.try_query("iam", action, parameters).await.unwrap();
    iam("CreateRole", &[("RoleName", "whose"), ("AssumeRolePolicyDocument", "{}")]).await.ok();
    let fine = document("*");
    let made = iam("CreatePolicy", &[("PolicyName", "whose"), ("PolicyDocument", &fine)]).await.ok().get("Arn");
    let put = async |resource: &str| {
        let own = document(resource);
        let inline = [("RoleName", "whose"), ("PolicyName", "inline"), ("PolicyDocument", &own)];
        [
            iam("PutRolePolicy", &inline).await,
            iam("CreatePolicy", &[("PolicyName", "other"), ("PolicyDocument", &own)]).await,
            iam("CreatePolicyVersion", &[("PolicyArn", &made), ("PolicyDocument", &own)]).await,
        ]
    };
    for resource in ["arn:aws:*:*:123456789012:x", "arn:*:s3:::x", "arn:aws-?:s3:::x", "arn:aws:s?:::x"] {
        for answer in put(resource).await {
            answer.refused("MalformedPolicyDocument");
        }
    }
    for answer in put("arn:aws:logs:*:*:log-group:a*").await {
        answer.ok();
    }
}
