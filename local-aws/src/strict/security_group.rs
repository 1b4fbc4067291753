//! Security groups: one in use is not deleted; a rule is there once.

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::permissions::{asked, told};

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    let (egress, revokes) = match call.operation.as_str() {
        "DeleteSecurityGroup" => return delete(call.parameter("GroupId").unwrap_or_default(), facts).await,
        "AuthorizeSecurityGroupIngress" => (false, false),
        "AuthorizeSecurityGroupEgress" => (true, false),
        "RevokeSecurityGroupIngress" => (false, true),
        "RevokeSecurityGroupEgress" => (true, true),
        _ => return Ok(()),
    };
    let id = call.parameter("GroupId").unwrap_or_default();
    let Some(group) = facts.find("DescribeSecurityGroups", "groupId", id).await? else { return Ok(()) };
    let mut there = told(&group, egress);
    for permission in asked(call) {
        match (there.contains(&permission), revokes) {
            (true, false) => {
                let message = format!("the specified rule \"{}\" already exists", permission.describe());
                return Err(AwsError::refused("InvalidPermission.Duplicate", message));
            }
            (false, true) => {
                let message = "The specified rule does not exist in this security group.";
                return Err(AwsError::refused("InvalidPermission.NotFound", message));
            }
            // A call that names the same rule twice is refused like one that comes second.
            (false, false) => there.push(permission),
            (true, true) => {}
        }
    }
    Ok(())
}

async fn delete(id: &str, facts: &Facts<'_>) -> Result<(), AwsError> {
    let groups = facts.ec2("DescribeSecurityGroups").await?;
    let mut others = groups.iter().filter(|group| group.text_at("groupId") != id);
    let named =
        others.any(|group| [told(group, false), told(group, true)].concat().iter().any(|rule| rule.source == id));
    if named || facts.network_users().await?.iter().any(|user| user.groups.iter().any(|group| group == id)) {
        return Err(AwsError::refused("DependencyViolation", format!("resource {id} has a dependent object")));
    }
    Ok(())
}
