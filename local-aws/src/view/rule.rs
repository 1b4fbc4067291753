//! Listener rules: their conditions on the query string, which the emulator forgets.

use quick_xml::escape::escape;

use crate::call::Call;
use crate::shared::Shared;
use crate::xml::Element;

/// Escapes what the emulator puts into its XML as it is, so that it can be read again.
pub(super) fn escaped(parameters: Vec<(String, String)>) -> Vec<(String, String)> {
    let raw = |name: &str| {
        let config = [".MessageBody", ".ContentType", ".RedirectConfig.Path", ".RedirectConfig.Host"];
        let condition = name.starts_with("Conditions.") && name.contains(".Values.");
        config.iter().any(|end| name.ends_with(end)) || (condition && !name.contains(".HttpHeaderConfig."))
    };
    let escaped = parameters.into_iter().map(|(name, value)| {
        let value = if raw(&name) { escape(value.as_str()).into_owned() } else { value };
        (name, value)
    });
    escaped.collect()
}

/// Returns the `QueryStringConfig`s of the conditions that `call` gives, in order; none if it gives no conditions.
fn configured(call: &Call) -> Option<Vec<Element>> {
    call.parameter("Conditions.member.1.Field")?;
    let mut configs = Vec::new();
    for index in 1.. {
        let condition = format!("Conditions.member.{index}");
        let Some(field) = call.parameter(&format!("{condition}.Field")) else { break };
        if field == "query-string" {
            configs.push(config(call, &format!("{condition}.QueryStringConfig.Values")));
        }
    }
    Some(configs)
}

fn config(call: &Call, values: &str) -> Element {
    let mut pairs = Vec::new();
    for place in 1.. {
        let part = |name: &str| call.parameter(&format!("{values}.member.{place}.{name}"));
        let Some(value) = part("Value") else { break };
        let mut pair: Vec<Element> = part("Key").map(|key| Element::leaf("Key", key)).into_iter().collect();
        pair.push(Element::leaf("Value", value));
        pairs.push(Element::new("member", pair));
    }
    Element::new("QueryStringConfig", vec![Element::new("Values", pairs)])
}

/// Keeps the conditions that `call` gave, and shows those that were given before.
pub(super) fn show(call: &Call, result: &mut Element, shared: &Shared) {
    let rules = result.at_mut("Rules").map(|set| &mut set.children);
    if let (Some(given), Some([rule])) = (configured(call), rules.as_deref().map(Vec::as_slice)) {
        shared.memory().query_conditions.insert(rule.text_at("RuleArn").into(), given);
    }
    if let Some(rules) = rules {
        complete_all(rules, shared);
    }
}

/// Adds to `rules` what the emulator does not tell of them.
pub(crate) fn complete_all(rules: &mut [Element], shared: &Shared) {
    let memory = shared.memory();
    for rule in rules {
        let Some(known) = memory.query_conditions.get(rule.text_at("RuleArn")) else { continue };
        let conditions = rule.at_mut("Conditions").into_iter().flat_map(|set| &mut set.children);
        let asked = conditions.filter(|condition| condition.text_at("Field") == "query-string");
        for (condition, config) in asked.zip(known) {
            condition.set(config.clone());
        }
    }
}
