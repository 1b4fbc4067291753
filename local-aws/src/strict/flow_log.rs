//! Flow logs: what their destinations take, and that two alike are not made.

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    if call.operation != "CreateFlowLogs" {
        return Ok(());
    }
    let invalid = |message: &str| Err(AwsError::refused("InvalidParameter", message));
    let kind = call.parameter("LogDestinationType").unwrap_or("cloud-watch-logs");
    let (role, name) = (call.parameter("DeliverLogsPermissionArn"), call.parameter("LogGroupName"));
    let to_group = kind == "cloud-watch-logs";
    if to_group && role.is_none() {
        return invalid("DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs");
    }
    if kind == "s3" && (role.is_some() || name.is_some()) {
        return invalid("DeliverLogsPermissionArn and LogGroupName are not applicable for s3 delivery");
    }
    let arn = call.parameter("LogDestination");
    if arn.is_none() && name.is_none() {
        return invalid("LogDestination can't be empty");
    }
    if arn.is_some_and(|arn| arn.ends_with(":*")) {
        return invalid("LogDestination: the ARN of a log group must not end with :*");
    }
    if call.parameter("MaxAggregationInterval").is_some_and(|seconds| !["60", "600"].contains(&seconds)) {
        return invalid("Invalid Flow Log Max Aggregation Interval");
    }
    let group = |arn: &str| arn.split(":log-group:").nth(1).map(str::to_owned);
    let wanted = arn.and_then(group).or_else(|| name.map(str::to_owned));
    for log in facts.ec2("DescribeFlowLogs").await?.iter() {
        let there = log.text_at("logDestination");
        // The emulator tells the name where it was given one.
        let same =
            if to_group { group(there).or_else(|| Some(there.to_owned())) == wanted } else { Some(there) == arn };
        let resources = call.list("ResourceId");
        if same
            && resources.contains(&log.text_at("resourceId"))
            && call.parameter("TrafficType").unwrap_or("ALL") == log.text_at("trafficType")
        {
            let message = "Error. There is an existing Flow Log with the same configuration and log destination.";
            return Err(AwsError::refused("FlowLogAlreadyExists", message));
        }
    }
    Ok(())
}
