//! Topics and subscriptions: data protection policies, replay policies, and subscriptions that wait to be confirmed.

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::shared::Shared;
use crate::xml::Element;

/// What SNS's list says in place of the ARN of a subscription that nobody confirmed.
const UNCONFIRMED: &str = "PendingConfirmation";
const PROTECTION: &str = "DataProtectionPolicy";
const REPLAY: &str = "ReplayPolicy";

/// Does what ministack has no operation or attribute for.
pub(super) fn answered(call: &Call, shared: &Shared) -> Option<Element> {
    let text = |name: &str| call.parameter(name).unwrap_or_default().to_owned();
    let mut memory = shared.memory();
    match call.operation.as_str() {
        "GetDataProtectionPolicy" => {
            let policy = memory.sns_attributes.get(&(text("ResourceArn"), PROTECTION)).cloned().unwrap_or_default();
            let result = Element::new("GetDataProtectionPolicyResult", vec![Element::leaf(PROTECTION, policy)]);
            Some(Element::new("GetDataProtectionPolicyResponse", vec![result]))
        }
        "PutDataProtectionPolicy" => {
            memory.sns_attributes.insert((text("ResourceArn"), PROTECTION), text(PROTECTION));
            Some(Element::new("PutDataProtectionPolicyResponse", vec![]))
        }
        "SetSubscriptionAttributes" if call.parameter("AttributeName") == Some(REPLAY) => {
            memory.sns_attributes.insert((text("SubscriptionArn"), REPLAY), text("AttributeValue"));
            Some(Element::new("SetSubscriptionAttributesResponse", vec![]))
        }
        _ => None,
    }
}

/// Tells of topics and subscriptions as AWS does.
pub(super) async fn show(call: &Call, root: &mut Element, facts: &Facts<'_>) -> Result<(), AwsError> {
    match call.operation.as_str() {
        "CreateTopic" => {
            let arn = root.text_at("CreateTopicResult/TopicArn").to_owned();
            if let Some(policy) = call.parameter(PROTECTION) {
                facts.shared.memory().sns_attributes.insert((arn, PROTECTION), policy.to_owned());
            }
        }
        "DeleteTopic" => {
            let arn = call.parameter("TopicArn").unwrap_or_default();
            facts.shared.memory().sns_attributes.retain(|(other, _), _| !other.starts_with(arn));
        }
        "Subscribe" => {
            let arn = subscribed(call, root, facts).await?;
            let replay = (1..)
                .map_while(|number| Some((number, call.parameter(&format!("Attributes.entry.{number}.key"))?)))
                .find(|(_, name)| *name == REPLAY)
                .and_then(|(number, _)| call.parameter(&format!("Attributes.entry.{number}.value")));
            if let Some(replay) = replay {
                facts.shared.memory().sns_attributes.insert((arn.clone(), REPLAY), replay.to_owned());
            }
            let is_told = call.parameter("ReturnSubscriptionArn") == Some("true");
            let told = if is_told || !is_pending(facts, &arn).await? { &arn } else { "pending confirmation" };
            if let Some(result) = root.at_mut("SubscribeResult") {
                result.set(Element::leaf("SubscriptionArn", told));
            }
        }
        "GetSubscriptionAttributes" => {
            let arn = call.parameter("SubscriptionArn").unwrap_or_default().to_owned();
            let is_pending = told_pending(root);
            let replay = facts.shared.memory().sns_attributes.get(&(arn, REPLAY)).cloned();
            let Some(attributes) = root.at_mut("GetSubscriptionAttributesResult/Attributes") else { return Ok(()) };
            if is_pending {
                put(attributes, UNCONFIRMED, "true");
                put(attributes, "ConfirmationWasAuthenticated", "false");
            }
            if let Some(replay) = replay.filter(|replay| !replay.is_empty()) {
                put(attributes, REPLAY, &replay);
            }
        }
        "ListSubscriptions" | "ListSubscriptionsByTopic" => {
            let result = format!("{}Result/Subscriptions", call.operation);
            let Some(list) = root.at_mut(&result) else { return Ok(()) };
            for member in &mut list.children {
                if is_pending(facts, member.text_at("SubscriptionArn")).await? {
                    member.set(Element::leaf("SubscriptionArn", UNCONFIRMED));
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// The ARN of what was subscribed, which ministack does not tell while it is pending.
async fn subscribed(call: &Call, root: &Element, facts: &Facts<'_>) -> Result<String, AwsError> {
    let told = root.text_at("SubscribeResult/SubscriptionArn");
    if told.starts_with("arn:") {
        return Ok(told.to_owned());
    }
    let topic = call.parameter("TopicArn").unwrap_or_default();
    let list = facts.sns("ListSubscriptionsByTopic", &[("TopicArn", topic)]).await?;
    let list = list.as_ref().and_then(|root| root.at("ListSubscriptionsByTopicResult"));
    let is_it = |member: &&Element| {
        ["Protocol", "Endpoint"].iter().all(|name| call.parameter(name) == Some(member.text_at(name)))
    };
    let found = list.and_then(|list| list.list("Subscriptions").iter().find(is_it));
    Ok(found.map(|member| member.text_at("SubscriptionArn").to_owned()).unwrap_or_default())
}

/// Says whether the subscription waits to be confirmed.
pub(crate) async fn is_pending(facts: &Facts<'_>, arn: &str) -> Result<bool, AwsError> {
    let told = facts.sns("GetSubscriptionAttributes", &[("SubscriptionArn", arn)]).await?;
    Ok(told.is_some_and(|root| told_pending(&root)))
}

/// Says whether `root` tells of a subscription that waits to be confirmed: those to e-mail do for ever, because nobody
/// reads it.
fn told_pending(root: &Element) -> bool {
    attribute(root, UNCONFIRMED) == Some("true") || matches!(attribute(root, "Protocol"), Some("email" | "email-json"))
}

/// The attribute `name` in an answer that tells attributes.
pub(crate) fn attribute<'e>(root: &'e Element, name: &str) -> Option<&'e str> {
    let attributes = root.children.first()?.list("Attributes");
    attributes.iter().find(|entry| entry.text_at("key") == name).map(|entry| entry.text_at("value"))
}

fn put(attributes: &mut Element, name: &str, value: &str) {
    attributes.children.retain(|entry| entry.text_at("key") != name);
    attributes.children.push(Element::new("entry", vec![Element::leaf("key", name), Element::leaf("value", value)]));
}
