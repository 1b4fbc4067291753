//! The calls that change the rules of security groups.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, IpPermission, SecurityGroupRule, SecurityGroupRuleUpdate};

use super::rule::{Direction, Rule};
use super::{asked, by_ids, filter, made};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::During;
use crate::aws::resource::Result;

/// Brings the rules of `group` from `old` to `new`. What is new is let through before what is gone is stopped.
pub(super) async fn change(
    aws: &Aws,
    group: &str,
    direction: Direction,
    old: &BTreeSet<Rule>,
    new: &BTreeSet<Rule>,
) -> Result<()> {
    let (old_keys, new_keys): (BTreeSet<_>, BTreeSet<_>) =
        (old.iter().map(Rule::key).collect(), new.iter().map(Rule::key).collect());
    let of = |rules: Vec<&Rule>| rules.into_iter().map(Rule::permission).collect::<Vec<_>>();
    let added = of(new.iter().filter(|rule| !old_keys.contains(&rule.key())).collect());
    let described: Vec<_> = new.iter().filter(|rule| old_keys.contains(&rule.key()) && !old.contains(rule)).collect();
    let removed = of(old.iter().filter(|rule| !new_keys.contains(&rule.key())).collect());
    if !added.is_empty() {
        authorize(aws, group, direction, added).await?;
    }
    if !described.is_empty() {
        let there = list(aws, direction, vec![filter("group-id", [group])]).await?;
        let id = |rule: &Rule| there.iter().find(|told| told.group == group && told.rule.key() == rule.key());
        let rules: Vec<_> = described.into_iter().filter_map(|rule| Some((id(rule)?.id.clone(), rule))).collect();
        redescribe(aws, group, &rules).await?;
    }
    if !removed.is_empty() {
        revoke(aws, group, direction, removed).await?;
    }
    Ok(())
}

async fn authorize(aws: &Aws, group: &str, direction: Direction, rules: Vec<IpPermission>) -> Result<()> {
    let ec2 = aws.ec2();
    match direction {
        Direction::Ingress => {
            let call = ec2.authorize_security_group_ingress().group_id(group).set_ip_permissions(Some(rules));
            call.send().await.during("ec2:AuthorizeSecurityGroupIngress")?;
        }
        Direction::Egress => {
            let call = ec2.authorize_security_group_egress().group_id(group).set_ip_permissions(Some(rules));
            call.send().await.during("ec2:AuthorizeSecurityGroupEgress")?;
        }
    }
    Ok(())
}

async fn revoke(aws: &Aws, group: &str, direction: Direction, rules: Vec<IpPermission>) -> Result<()> {
    let ec2 = aws.ec2();
    match direction {
        Direction::Ingress => {
            let call = ec2.revoke_security_group_ingress().group_id(group).set_ip_permissions(Some(rules));
            call.send().await.during("ec2:RevokeSecurityGroupIngress")?;
        }
        Direction::Egress => {
            let call = ec2.revoke_security_group_egress().group_id(group).set_ip_permissions(Some(rules));
            call.send().await.during("ec2:RevokeSecurityGroupEgress")?;
        }
    }
    Ok(())
}

/// Makes one rule, and returns its id.
pub(super) async fn create(aws: &Aws, group: &str, direction: Direction, rule: &Rule) -> Result<Id> {
    let ec2 = aws.ec2();
    let id = |rules: &[SecurityGroupRule], operation| {
        made(rules.first().and_then(|rule| rule.security_group_rule_id()), operation)
    };
    match direction {
        Direction::Ingress => {
            let call = ec2.authorize_security_group_ingress().group_id(group).ip_permissions(rule.permission());
            let answer = call.send().await.during("ec2:AuthorizeSecurityGroupIngress")?;
            id(answer.security_group_rules(), "ec2:AuthorizeSecurityGroupIngress")
        }
        Direction::Egress => {
            let call = ec2.authorize_security_group_egress().group_id(group).ip_permissions(rule.permission());
            let answer = call.send().await.during("ec2:AuthorizeSecurityGroupEgress")?;
            id(answer.security_group_rules(), "ec2:AuthorizeSecurityGroupEgress")
        }
    }
}

/// A rule of a group, as EC2 tells it.
#[derive(Debug)]
pub(super) struct Told {
    /// The rule's id.
    pub id: Id,
    /// The group's id.
    pub group: String,
    /// The rule.
    pub rule: Rule,
}

/// Those of `ids` that exist.
pub(super) async fn read(aws: &Aws, direction: Direction, ids: &[Id]) -> Result<Vec<Told>> {
    let mut rules = list(aws, direction, by_ids("security-group-rule-id", ids)).await?;
    rules.retain(|told| asked(ids, Some(told.id.as_str())));
    Ok(rules)
}

/// The id of the rule in `group` that is as `rule`.
pub(super) async fn find(aws: &Aws, group: &str, direction: Direction, rule: &Rule) -> Result<Option<Id>> {
    let rules = list(aws, direction, vec![filter("group-id", [group])]).await?;
    let same = |told: &Told| told.group == group && told.rule.key() == rule.key();
    Ok(rules.into_iter().find(same).map(|told| told.id))
}

/// Gives rules of `group` the descriptions that they have here.
pub(super) async fn redescribe(aws: &Aws, group: &str, rules: &[(Id, &Rule)]) -> Result<()> {
    let updates = rules.iter().map(|(id, rule)| {
        let update = SecurityGroupRuleUpdate::builder().security_group_rule_id(id.as_str());
        update.security_group_rule(rule.request()).build()
    });
    let call = aws.ec2().modify_security_group_rules().group_id(group);
    let call = call.set_security_group_rules(Some(updates.collect()));
    call.send().await.during("ec2:ModifySecurityGroupRules")?;
    Ok(())
}

/// Deletes one rule; the group that it is in must be asked for, because calls want to know it.
pub(super) async fn delete(aws: &Aws, direction: Direction, id: &Id) -> Result<()> {
    let Some(told) = read(aws, direction, std::slice::from_ref(id)).await?.into_iter().next() else { return Ok(()) };
    let ec2 = aws.ec2();
    match direction {
        Direction::Ingress => {
            let call = ec2.revoke_security_group_ingress().group_id(told.group).security_group_rule_ids(id.as_str());
            call.send().await.during("ec2:RevokeSecurityGroupIngress")?;
        }
        Direction::Egress => {
            let call = ec2.revoke_security_group_egress().group_id(told.group).security_group_rule_ids(id.as_str());
            call.send().await.during("ec2:RevokeSecurityGroupEgress")?;
        }
    }
    Ok(())
}

async fn list(aws: &Aws, direction: Direction, filters: Vec<Filter>) -> Result<Vec<Told>> {
    let pages = aws.ec2().describe_security_group_rules().set_filters(Some(filters)).into_paginator().items().send();
    let rules: Vec<_> = pages.collect::<std::result::Result<_, _>>().await.during("ec2:DescribeSecurityGroupRules")?;
    let wanted = direction == Direction::Egress;
    let told = rules.into_iter().filter(|rule| rule.is_egress() == Some(wanted)).filter_map(|rule| {
        Some(Told {
            id: Id::new(rule.security_group_rule_id()?),
            group: rule.group_id()?.to_owned(),
            rule: Rule::of_told(&rule),
        })
    });
    Ok(told.collect())
}
