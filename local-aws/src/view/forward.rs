//! Forward actions with all their target groups, of which the emulator keeps at most one.

use crate::call::Call;
use crate::memory::Memory;
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
                shared.memory().forwards.insert(arn, given);
            }
        }
        complete_all(result.at_mut(set).map_or(&mut [][..], |set| &mut set.children), id, actions, &shared.memory());
    }
}

/// Gives the actions of `items`, listeners or rules, all their target groups.
pub(crate) fn complete_all(items: &mut [Element], id: &str, actions: &str, memory: &Memory) {
    for item in items {
        // A rule that was not made by a call of its own forwards as the emulator says, unless it is the listener's.
        let own = item.text_at(id);
        let listeners = item.text_at("IsDefault") == "true";
        let Some(known) = known(memory, own).filter(|known| known == own || listeners) else { continue };
        let known = &memory.forwards[&known];
        let listed = item.at_mut(actions).into_iter().flat_map(|set| &mut set.children);
        for (action, config) in listed.zip(known) {
            complete(action, config);
        }
    }
}

/// Returns what the actions of a listener or rule are known by: the default rule is made with the listener, and
/// forwards as it does.
fn known(memory: &Memory, arn: &str) -> Option<String> {
    if memory.forwards.contains_key(arn) {
        return Some(arn.into());
    }
    listener(arn).filter(|listener| memory.forwards.contains_key(listener))
}

/// Changes the target groups and weights of a listener or rule that forwards.
pub(crate) fn set_weights(memory: &mut Memory, arn: &str, weights: &[(String, u32)]) {
    let Some(known) = known(memory, arn) else { return };
    let configs = memory.forwards.get_mut(&known).into_iter().flatten();
    for config in configs.filter(|config| !config.list("TargetGroups").is_empty()) {
        let groups = weights.iter().map(|(group, weight)| group_element(group, &weight.to_string()));
        config.set(Element::new("TargetGroups", groups.collect()));
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

#[cfg(test)]
mod tests {
    use super::*;

    const LISTENER: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/lb/1/2";

    #[test]
    fn weights_set_by_a_default_rule_are_its_listeners() {
        let default = LISTENER.replace(":listener/", ":listener-rule/") + "/3";
        let mut memory = Memory::default();
        let config =
            Element::new("ForwardConfig", vec![Element::new("TargetGroups", vec![group_element("blue", "1")])]);
        memory.forwards.insert(LISTENER.into(), vec![config]);
        set_weights(&mut memory, &default, &[("blue".into(), 90), ("green".into(), 10)]);
        let action = Element::new("member", vec![Element::leaf("Type", "forward")]);
        let own = |id: &str, arn: &str, actions: &str, default: &str| {
            let actions = Element::new(actions, vec![action.clone()]);
            Element::new("member", vec![Element::leaf(id, arn), actions, Element::leaf("IsDefault", default)])
        };
        let path = |actions: &str| format!("{actions}/member/ForwardConfig/TargetGroups/member/Weight");
        let mut listeners = [own("ListenerArn", LISTENER, "DefaultActions", "")];
        complete_all(&mut listeners, "ListenerArn", "DefaultActions", &memory);
        assert_eq!(listeners[0].texts_at(&path("DefaultActions")), ["90", "10"]);
        let mut rules = [own("RuleArn", &default, "Actions", "true"), own("RuleArn", &default, "Actions", "false")];
        complete_all(&mut rules, "RuleArn", "Actions", &memory);
        assert_eq!(rules[0].texts_at(&path("Actions")), ["90", "10"]);
        assert!(rules[1].texts_at(&path("Actions")).is_empty(), "only the default rule is the listener's");
    }
}
