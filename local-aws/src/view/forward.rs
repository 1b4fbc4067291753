//! Forward actions with all their target groups, of which the emulator keeps at most one.

use crate::call::Call;
use crate::shared::Shared;
use crate::xml::Element;

/// Returns the `ForwardConfig` of each action that `call` gives; an empty element where it gives none.
fn configured(call: &Call) -> Vec<Element> {
    let prefix = if call.operation.ends_with("Listener") { "DefaultActions" } else { "Actions" };
    let mut configs = Vec::new();
    for index in 1.. {
        let action = format!("{prefix}.member.{index}");
        if call.parameter(&format!("{action}.Type")).is_none() {
            break;
        }
        let config = format!("{action}.ForwardConfig");
        let mut groups = Vec::new();
        for place in 1.. {
            let group = format!("{config}.TargetGroups.member.{place}");
            let Some(arn) = call.parameter(&format!("{group}.TargetGroupArn")) else { break };
            groups.push(group_element(arn, call.parameter(&format!("{group}.Weight")).unwrap_or("1")));
        }
        if groups.is_empty() {
            let single = call.parameter(&format!("{action}.TargetGroupArn"));
            groups.extend(single.map(|arn| group_element(arn, "1")));
        }
        if groups.is_empty() {
            configs.push(Element::new("ForwardConfig", vec![]));
            continue;
        }
        let sticky = format!("{config}.TargetGroupStickinessConfig");
        let enabled = call.parameter(&format!("{sticky}.Enabled")).unwrap_or("false");
        let mut stickiness = vec![Element::leaf("Enabled", enabled)];
        let seconds = call.parameter(&format!("{sticky}.DurationSeconds"));
        stickiness.extend(seconds.map(|seconds| Element::leaf("DurationSeconds", seconds)));
        let stickiness = Element::new("TargetGroupStickinessConfig", stickiness);
        configs.push(Element::new("ForwardConfig", vec![Element::new("TargetGroups", groups), stickiness]));
    }
    configs
}

fn group_element(arn: &str, weight: &str) -> Element {
    Element::new("member", vec![Element::leaf("TargetGroupArn", arn), Element::leaf("Weight", weight)])
}

/// Adds the heaviest target group to each action that names several: the emulator forwards to that one.
pub(super) fn with_target_group(call: &Call) -> Vec<(String, String)> {
    let prefix = if call.operation.ends_with("Listener") { "DefaultActions" } else { "Actions" };
    let mut parameters = call.parameters.clone();
    for (index, config) in configured(call).iter().enumerate() {
        let name = format!("{prefix}.member.{}.TargetGroupArn", index + 1);
        let weight = |group: &&Element| group.text_at("Weight").parse::<u32>().unwrap_or(0);
        let heaviest = config.list("TargetGroups").iter().max_by_key(weight);
        if let (None, Some(group)) = (call.parameter(&name), heaviest) {
            parameters.push((name, group.text_at("TargetGroupArn").to_owned()));
        }
    }
    parameters
}

/// Keeps the actions that `call` gave, and shows those that were given before.
pub(super) fn show(call: &Call, result: &mut Element, shared: &Shared) {
    for (set, id, actions) in [("Listeners", "ListenerArn", "DefaultActions"), ("Rules", "RuleArn", "Actions")] {
        for item in result.at_mut(set).into_iter().flat_map(|set| &mut set.children) {
            let arn = item.text_at(id).to_owned();
            let given = configured(call);
            if !given.is_empty() {
                shared.memory().forwards.insert(arn.clone(), given);
            }
            let memory = shared.memory();
            let known = memory.forwards.get(&arn).or_else(|| {
                // The default rule is made with the listener, and forwards as it does.
                let default = item.text_at("IsDefault") == "true";
                default.then(|| memory.forwards.get(&listener(&arn)?)).flatten()
            });
            let Some(known) = known else { continue };
            let listed = item.at_mut(actions).into_iter().flat_map(|set| &mut set.children);
            for (action, config) in listed.zip(known) {
                complete(action, config);
            }
        }
    }
}

fn complete(action: &mut Element, config: &Element) {
    let [first, others @ ..] = config.list("TargetGroups") else { return };
    if others.is_empty() {
        action.set(Element::leaf("TargetGroupArn", first.text_at("TargetGroupArn")));
    } else {
        action.children.retain(|child| child.name != "TargetGroupArn");
    }
    action.set(config.clone());
}

/// Returns the listener of a rule: its ARN has another kind and one step less.
fn listener(rule: &str) -> Option<String> {
    let (listener, _) = rule.rsplit_once('/')?;
    Some(listener.replace(":listener-rule/", ":listener/"))
}

/// Says whether the listener or rule `arn` forwards to `target_group`, as one of several.
pub(crate) fn names(shared: &Shared, arn: &str, target_group: &str) -> bool {
    let memory = shared.memory();
    let configs = memory.forwards.get(arn).into_iter().flatten();
    configs.flat_map(|config| config.texts_at("TargetGroups/member/TargetGroupArn")).any(|group| group == target_group)
}
