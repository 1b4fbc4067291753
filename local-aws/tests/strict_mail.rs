//! What AWS refuses of topics, subscriptions and email identities, and what the emulator does not keep of them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::{Value, json};
use support::{Answer, Aws, shared};

async fn sns(aws: &Aws, action: &str, parameters: &[(&str, &str)]) -> Answer {
    aws.try_query("sns", action, parameters).await.unwrap()
}

async fn topic(aws: &Aws, name: &str) -> String {
    sns(aws, "CreateTopic", &[("Name", name)]).await.ok().get("TopicArn")
}

#[tokio::test]
async fn a_topic_that_is_there_is_the_answer_only_with_the_same_tags() {
    let aws = shared().await;
    let tagged = |value| [("Name", "tagged"), ("Tags.member.1.Key", "op"), ("Tags.member.1.Value", value)];
    let arn = sns(&aws, "CreateTopic", &tagged("a")).await.ok().get("TopicArn");
    assert_eq!(sns(&aws, "CreateTopic", &tagged("a")).await.ok().get("TopicArn"), arn);
    sns(&aws, "CreateTopic", &tagged("b")).await.refused("InvalidParameter");
}

#[tokio::test]
async fn a_topic_with_an_archive_is_not_deleted() {
    let aws = shared().await;
    let arn = topic(&aws, "kept").await;
    let archive = |value| [("TopicArn", arn.as_str()), ("AttributeName", "ArchivePolicy"), ("AttributeValue", value)];
    sns(&aws, "SetTopicAttributes", &archive(r#"{"MessageRetentionPeriod":"30"}"#)).await.ok();
    sns(&aws, "DeleteTopic", &[("TopicArn", &arn)]).await.refused("InvalidState");
    sns(&aws, "SetTopicAttributes", &archive("{}")).await.ok();
    sns(&aws, "DeleteTopic", &[("TopicArn", &arn)]).await.ok();
}

#[tokio::test]
async fn a_subscription_to_email_waits_for_ever() {
    let aws = shared().await;
    let topic = topic(&aws, "alarms").await;
    let endpoint = [("TopicArn", topic.as_str()), ("Protocol", "email"), ("Endpoint", "ops@example.com")];
    let told = sns(&aws, "Subscribe", &endpoint).await.ok().get("SubscriptionArn");
    assert_eq!(told, "pending confirmation");
    let asking = [&endpoint[..], &[("ReturnSubscriptionArn", "true")]].concat();
    let arn = sns(&aws, "Subscribe", &asking).await.ok().get("SubscriptionArn");
    assert!(arn.starts_with(&topic), "{arn}");
    let listed = sns(&aws, "ListSubscriptionsByTopic", &[("TopicArn", &topic)]).await.ok();
    assert_eq!(listed.all("SubscriptionArn"), ["PendingConfirmation"]);
    let told = sns(&aws, "GetSubscriptionAttributes", &[("SubscriptionArn", &arn)]).await.ok().text;
    assert!(told.contains("<key>PendingConfirmation</key><value>true</value>"), "{told}");
    sns(&aws, "Unsubscribe", &[("SubscriptionArn", &arn)]).await.refused("InvalidParameter");
}

async fn ses(aws: &Aws, method: &str, path: &str, body: Value) -> Answer {
    let signature =
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ses/aws4_request, SignedHeaders=host, Signature=0";
    let request = aws.http.request(method.parse().unwrap(), format!("{}/v2/email/{path}", aws.endpoint));
    let response = request.header("authorization", signature).json(&body).send().await.unwrap();
    Answer { status: response.status().as_u16(), text: response.text().await.unwrap() }
}

#[tokio::test]
async fn an_identity_is_made_once_and_keeps_what_it_is_told() {
    let aws = shared().await;
    let made = json!({"EmailIdentity": "example.org", "Tags": [{"Key": "a", "Value": "1"}]});
    ses(&aws, "POST", "identities", made.clone()).await.ok();
    ses(&aws, "POST", "identities", made).await.refused("AlreadyExistsException");
    ses(&aws, "PUT", "identities/example.org/feedback", json!({"EmailForwardingEnabled": false})).await.ok();
    let own = json!({"SigningAttributes": {"DomainSigningSelector": "own"}});
    ses(&aws, "PUT", "identities/example.org/dkim/signing", own).await.refused("BadRequestException");
    let arn = format!("arn:aws:ses:us-east-1:{}:identity/example.org", local_aws::ACCOUNT_ID);
    let tags = json!({"ResourceArn": arn, "Tags": [{"Key": "b", "Value": "2"}]});
    ses(&aws, "POST", "tags", tags).await.ok();
    ses(&aws, "DELETE", &format!("tags?ResourceArn={arn}&TagKeys=a"), json!({})).await.ok();
    let told = ses(&aws, "GET", "identities/example.org", json!({})).await.json();
    assert_eq!(told["FeedbackForwardingStatus"], false);
    assert_eq!(told["DkimAttributes"]["Tokens"].as_array().map(Vec::len), Some(3));
    assert_eq!(told["VerifiedForSendingStatus"], false);
    assert_eq!(told["Tags"], json!([{"Key": "b", "Value": "2"}]));
    ses(&aws, "DELETE", "identities/example.org", json!({})).await.ok();
    ses(&aws, "DELETE", "identities/example.org", json!({})).await.refused("NotFoundException");
    ses(&aws, "PUT", "identities/example.org/dkim", json!({"SigningEnabled": true})).await.refused("NotFoundException");
}
