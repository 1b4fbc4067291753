//! Flow logs: what the emulator forgets of them.

use crate::call::Call;
use crate::facts::Facts;
use crate::xml::Element;

/// The fields of version 2, which records have where nothing is said.
const FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} \
                      ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

/// Returns the parameters with the emulator's own name of the type whose tags are given.
pub(super) fn with_tags(call: &Call) -> Vec<(String, String)> {
    let named = |(name, value): &(String, String)| {
        let value = if value == "vpc-flow-log" { "flow-log" } else { value };
        (name.clone(), value.to_owned())
    };
    call.parameters.iter().map(named).collect()
}

pub(super) fn show(call: &Call, root: &mut Element, facts: &Facts<'_>) {
    match call.operation.as_str() {
        "CreateFlowLogs" => {
            let settings = settings(call);
            let mut memory = facts.shared.memory();
            for id in root.texts_at("flowLogIdSet/item") {
                memory.flow_logs.insert(id.into(), settings.clone());
            }
        }
        "DescribeFlowLogs" => {
            let memory = facts.shared.memory();
            for item in root.at_mut("flowLogSet").into_iter().flat_map(|set| &mut set.children) {
                let settings = memory.flow_logs.get(item.text_at("flowLogId")).cloned().unwrap_or_default();
                settings.into_iter().for_each(|setting| item.set(setting));
            }
        }
        _ => {}
    }
}

fn settings(call: &Call) -> Vec<Element> {
    let to_group = call.parameter("LogDestinationType").is_none_or(|kind| kind == "cloud-watch-logs");
    let (arn, name) = (call.parameter("LogDestination"), call.parameter("LogGroupName"));
    let mut settings = vec![
        Element::leaf("deliverLogsStatus", "SUCCESS"),
        Element::leaf("logFormat", call.parameter("LogFormat").unwrap_or(FORMAT)),
        Element::leaf("maxAggregationInterval", call.parameter("MaxAggregationInterval").unwrap_or("600")),
    ];
    for (parameter, name) in [
        ("DeliverLogsPermissionArn", "deliverLogsPermissionArn"),
        ("DeliverCrossAccountRole", "deliverCrossAccountRole"),
    ] {
        settings.extend(call.parameter(parameter).map(|value| Element::leaf(name, value)));
    }
    if to_group {
        let group = arn.and_then(|arn| arn.split(":log-group:").nth(1)).or(name).unwrap_or_default();
        let own = format!("arn:aws:logs:{}:{}:log-group:{group}", call.scope.region, crate::ACCOUNT_ID);
        settings.push(Element::leaf("logGroupName", group));
        settings.push(Element::leaf("logDestination", arn.unwrap_or(&own)));
    } else {
        let option = |parameter: &str, default: &str| {
            call.parameter(&format!("DestinationOptions.{parameter}")).unwrap_or(default).to_owned()
        };
        settings.push(Element::new(
            "destinationOptions",
            vec![
                Element::leaf("fileFormat", option("FileFormat", "plain-text")),
                Element::leaf("hiveCompatiblePartitions", option("HiveCompatiblePartitions", "false")),
                Element::leaf("perHourPartition", option("PerHourPartition", "false")),
            ],
        ));
    }
    let fields = (1..).map_while(|index| {
        let kind = call.parameter(&format!("TagFieldSpecification.{index}.ResourceType"))?;
        let keys = call.list(&format!("TagFieldSpecification.{index}.TagKey"));
        let keys = keys.into_iter().map(|key| Element::leaf("item", key)).collect();
        Some(Element::new("item", vec![Element::leaf("resourceType", kind), Element::new("tagKeySet", keys)]))
    });
    settings.push(Element::new("tagFieldSpecificationSet", fields.collect()));
    settings
}
