//! `AWS::ElasticLoadBalancingV2::ListenerRule`.

use aws_sdk_elasticloadbalancingv2::types::{self as sdk, RulePriorityPair};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::{self, Action};
use super::condition::{self, RuleCondition, Transform};
use super::{BATCH, each_found, having, made, retag, tag_list, tags_of};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built, found};
use crate::aws::mirror::Mirror;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, Tags};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::Op;

/// A rule of a listener: what is done with which requests.
///
/// One read describes 20 of them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListenerRule {
    /// What is done with the requests.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub actions: Vec<Action>,
    /// What a request must be like: all of these.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub conditions: Vec<RuleCondition>,
    /// The listener.
    pub listener_arn: String,
    /// The rule's place: the one with the lowest number that fits a request takes it. No two rules of a listener have the
    /// same.
    #[schemars(range(min = 1, max = 50_000))]
    pub priority: i32,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// How requests are rewritten.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true))]
    pub transforms: Option<Vec<Transform>>,
}

/// What AWS tells of a rule.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Whether it is the listener's default rule.
    pub is_default: bool,
    /// Its ARN.
    pub rule_arn: String,
}

impl Resource for ListenerRule {
    const TYPE: &'static str = "AWS::ElasticLoadBalancingV2::ListenerRule";
    const CREATE_ONLY: &'static [&'static str] = &["ListenerArn"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["ListenerArn", "Priority"]];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "elasticloadbalancing:CreateRule",
            "elasticloadbalancing:DescribeRules",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:DescribeTags",
            "cognito-idp:DescribeUserPoolClient",
        ],
        read: &["elasticloadbalancing:DescribeRules", "elasticloadbalancing:DescribeTags"],
        update: &[
            "elasticloadbalancing:ModifyRule",
            "elasticloadbalancing:SetRulePriorities",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:RemoveTags",
            "cognito-idp:DescribeUserPoolClient",
        ],
        delete: &["elasticloadbalancing:DeleteRule"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "elasticloadbalancing:CreateRule";
        let call = aws
            .elb()
            .create_rule()
            .listener_arn(&self.listener_arn)
            .set_actions(built(self.actions.sdk(), OPERATION)?)
            .set_conditions(built(self.sent_conditions().sdk(), OPERATION)?)
            .priority(self.priority)
            .set_tags(tag_list(&self.tags))
            .set_transforms(built(self.transforms.sdk(), OPERATION)?);
        let answer = call.send().await.during(OPERATION)?;
        made(aws, op, answer.rules().first().and_then(|rule| rule.rule_arn()), OPERATION).await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let rules = each_found(ids, |arns| describe(aws, arns)).await?;
        let arns: Vec<_> = rules.iter().filter_map(|rule| rule.rule_arn()).collect();
        let mut tags = tags_of(aws, &arns).await?;
        let read = rules.iter().map(|rule| {
            let tags = rule.rule_arn().and_then(|arn| tags.remove(arn)).unwrap_or_default();
            observed(rule, tags)
        });
        Ok(read.collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        const OPERATION: &str = "elasticloadbalancing:ModifyRule";
        if self.priority != old.priority {
            let pair = RulePriorityPair::builder().rule_arn(id.as_str()).priority(self.priority).build();
            let call = aws.elb().set_rule_priorities().rule_priorities(pair);
            call.send().await.during("elasticloadbalancing:SetRulePriorities")?;
        }
        let gone = self.transforms.is_none() && old.transforms.is_some();
        if (&self.actions, &self.conditions, &self.transforms) != (&old.actions, &old.conditions, &old.transforms) {
            let call = aws
                .elb()
                .modify_rule()
                .rule_arn(id.as_str())
                .set_actions(built(self.actions.sdk(), OPERATION)?)
                .set_conditions(built(self.sent_conditions().sdk(), OPERATION)?)
                .set_reset_transforms(gone.then_some(true))
                .set_transforms(built(self.transforms.sdk(), OPERATION)?);
            call.send().await.during(OPERATION)?;
        }
        retag(aws, id.as_str(), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        aws.elb().delete_rule().rule_arn(id.as_str()).send().await.during("elasticloadbalancing:DeleteRule")?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let pages = aws.elb().describe_rules().listener_arn(&self.listener_arn).into_paginator();
        let all = pages.items().send().collect::<std::result::Result<Vec<_>, _>>().await;
        let all = found(all.during("elasticloadbalancing:DescribeRules"))?.unwrap_or_default();
        let arns = all.into_iter().filter_map(|rule: sdk::Rule| rule.rule_arn).collect();
        Ok(having(aws, arns, &ownership::of_op(op)).await?.into_iter().next())
    }
}

impl ListenerRule {
    /// The conditions, hosts and paths of each in one place: AWS refuses both.
    fn sent_conditions(&self) -> Vec<RuleCondition> {
        let sent = self.conditions.iter().cloned().map(|mut condition| {
            if condition.host_header_config.is_some() || condition.path_pattern_config.is_some() {
                condition.values = None;
                condition.regex_values = None;
            }
            condition
        });
        sent.collect()
    }
}

async fn describe(aws: &Aws, arns: Vec<String>) -> Result<Vec<sdk::Rule>> {
    let call = aws.elb().describe_rules().set_rule_arns(Some(arns));
    let answer = call.send().await.during("elasticloadbalancing:DescribeRules")?;
    Ok(answer.rules.unwrap_or_default())
}

fn observed(rule: &sdk::Rule, tags: Tags) -> Observed<ListenerRule> {
    let arn = rule.rule_arn().unwrap_or_default();
    Observed {
        id: Id::new(arn),
        properties: ListenerRule {
            actions: action::told(Mirror::of(rule.actions.clone())),
            conditions: condition::told(Mirror::of(rule.conditions.clone())),
            listener_arn: listener_of(arn),
            priority: rule.priority().and_then(|priority| priority.parse().ok()).unwrap_or_default(),
            tags,
            transforms: Mirror::of(rule.transforms.clone().filter(|list| !list.is_empty())),
        },
        outputs: Outputs { is_default: rule.is_default().unwrap_or(false), rule_arn: arn.to_owned() },
    }
}

/// The ARN of the listener that a rule is of: `…:listener-rule/app/web/1/2/3` is of `…:listener/app/web/1/2`.
fn listener_of(rule: &str) -> String {
    let listener = rule.rsplit_once('/').map_or(rule, |(listener, _)| listener);
    listener.replacen(":listener-rule/", ":listener/", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_its_listener() {
        let prefix = "arn:aws:elasticloadbalancing:us-east-1:1:";
        let rule = format!("{prefix}listener-rule/app/web/50dc/f2f7/9683");
        assert_eq!(listener_of(&rule), format!("{prefix}listener/app/web/50dc/f2f7"));
    }
}
