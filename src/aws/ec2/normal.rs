//! The forms in which EC2 tells what may be written in several ways.

use ipnet::IpNet;

use crate::value::Value;

/// EC2 clears the host bits of a range: `10.0.0.9/16` becomes `10.0.0.0/16`. IPv6 is told in its short form.
pub(super) fn range(properties: &mut Value, name: &str) {
    let Value::Map(map) = properties else { return };
    if let Some(Value::String(text)) = map.get_mut(name)
        && let Ok(range) = text.parse::<IpNet>()
    {
        *text = range.trunc().to_string();
    }
}

/// EC2 names the protocols that have a name, and knows no ports where the protocol is `-1`, which stands for all.
pub(super) fn rule(properties: &mut Value) {
    range(properties, "CidrIp");
    range(properties, "CidrIpv6");
    let Value::Map(map) = properties else { return };
    let Some(Value::String(protocol)) = map.get_mut("IpProtocol") else { return };
    let named = match protocol.as_str() {
        "1" => "icmp",
        "6" => "tcp",
        "17" => "udp",
        "58" => "icmpv6",
        same => same,
    };
    *protocol = named.to_owned();
    if protocol == "-1" {
        map.remove("FromPort");
        map.remove("ToPort");
    }
}

/// The same for each rule of a list.
pub(super) fn rules(properties: &mut Value, name: &str) {
    let Value::Map(map) = properties else { return };
    if let Some(Value::List(list)) = map.get_mut(name) {
        list.iter_mut().for_each(rule);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(normalize: impl Fn(&mut Value), before: serde_json::Value, after: serde_json::Value) {
        let mut value = Value::from(before);
        normalize(&mut value);
        assert_eq!(value, Value::from(after));
    }

    #[test]
    fn host_bits_are_cleared_and_nothing_else_is_touched() {
        let vpc = |value: &mut Value| range(value, "CidrBlock");
        check(vpc, json!({"CidrBlock": "10.0.0.9/16", "A": 1}), json!({"CidrBlock": "10.0.0.0/16", "A": 1}));
        check(vpc, json!({"CidrBlock": "2600:0:0:1::/64"}), json!({"CidrBlock": "2600:0:0:1::/64"}));
        check(vpc, json!({"CidrBlock": "2600:00:0::/56"}), json!({"CidrBlock": "2600::/56"}));
        check(vpc, json!({"CidrBlock": "nonsense"}), json!({"CidrBlock": "nonsense"}));
        check(vpc, json!({}), json!({}));
    }

    #[test]
    fn rules_for_all_traffic_have_no_ports_and_numbers_become_names() {
        let all = json!({"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "CidrIp": "0.0.0.0/0"});
        check(rule, all.clone(), json!({"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}));
        check(rule, json!({"IpProtocol": "6", "FromPort": 80}), json!({"IpProtocol": "tcp", "FromPort": 80}));
        let group = |value: &mut Value| rules(value, "Ingress");
        check(group, json!({"Ingress": [all]}), json!({"Ingress": [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]}));
    }

    #[test]
    fn what_is_unknown_stays_so() {
        let mut value = Value::from_iter([("Ingress".to_owned(), Value::Unknown)]);
        rules(&mut value, "Ingress");
        assert_eq!(value.get("Ingress"), Some(&Value::Unknown));
    }
}
