use serde_json::json;

use super::*;
use crate::cloud::fake::catalog::catalog;
use crate::plan::Cause;
use crate::plan::shape::TypeShape;

const SECURITY_GROUP: &str = "Test::Net::SecurityGroup";
const SERVICE: &str = "Test::App::Service";

fn seal() -> Seal {
    serde_json::from_value(json!("00".repeat(32))).unwrap()
}

fn secret(text: &str) -> Value {
    Value::Secret(Box::new(Value::from(text)))
}

fn with(mut map: Value, key: &str, value: Value) -> Value {
    if let Value::Map(map) = &mut map {
        map.insert(key.to_owned(), value);
    }
    map
}

fn compare(kind: &str, desired: &Value, applied: &Value, live: &Value, ignore: &[&str]) -> Diff {
    let kind = catalog().get(kind).unwrap().clone();
    let shape = TypeShape::new(&kind);
    let ignore: Vec<String> = ignore.iter().map(|path| (*path).to_owned()).collect();
    let (desired, live) = (shape.conceal_properties(desired.clone()), shape.conceal_properties(live.clone()));
    diff(Sides {
        kind: &kind,
        shape: &shape.properties,
        desired: &desired,
        applied: &seal().seal(&shape.conceal_properties(applied.clone())).unwrap(),
        live: &live,
        ignore: &ignore,
        seal: Some(&seal()),
    })
}

/// Each change as `path: old → new (cause)`, with `!` where it replaces.
fn lines(diff: &Diff) -> Vec<String> {
    let text = |shown: &Shown| match shown {
        Shown::Absent => "absent".to_owned(),
        Shown::Default => "default".to_owned(),
        Shown::Unknown => "unknown".to_owned(),
        Shown::Secret => "secret".to_owned(),
        Shown::Value(value) => value.to_string(),
    };
    let line = |change: &Change| {
        let replaces = if change.replaces { "!" } else { "" };
        let cause = if change.cause == Cause::Drift { "drift" } else { "stack" };
        format!("{}{replaces}: {} → {} ({cause})", change.path, text(&change.old), text(&change.new))
    };
    diff.changes.iter().map(line).collect()
}

#[track_caller]
fn check(
    kind: &str,
    desired: serde_json::Value,
    applied: serde_json::Value,
    live: serde_json::Value,
    expected: &[&str],
) -> Option<Value> {
    let diff = compare(kind, &Value::from(desired), &Value::from(applied), &Value::from(live), &[]);
    assert_eq!(lines(&diff), expected);
    assert_eq!(diff.new.is_none(), expected.is_empty());
    diff.new
}

#[test]
fn a_property_that_nobody_mentions_is_not_ours() {
    let live = json!({"CidrBlock": "10.0.0.0/16", "EnableDnsSupport": true});
    check("Test::Net::Vpc", json!({"CidrBlock": "10.0.0.0/16"}), json!({"CidrBlock": "10.0.0.0/16"}), live, &[]);
}

#[test]
fn a_change_in_the_stack_keeps_what_is_not_ours() {
    let new = check(
        "Test::Net::Vpc",
        json!({"CidrBlock": "a", "EnableDnsHostnames": true}),
        json!({"CidrBlock": "a", "EnableDnsHostnames": false}),
        json!({"CidrBlock": "a", "EnableDnsHostnames": false, "InstanceTenancy": "default"}),
        &["EnableDnsHostnames: false → true (stack)"],
    );
    let expected = json!({"CidrBlock": "a", "EnableDnsHostnames": true, "InstanceTenancy": "default"});
    assert_eq!(new, Some(Value::from(expected)));
}

#[test]
fn drift_is_told_apart_from_the_users_changes() {
    let desired = json!({"DelaySeconds": 5, "VisibilityTimeout": 60});
    let applied = json!({"DelaySeconds": 5, "VisibilityTimeout": 30});
    let live = json!({"DelaySeconds": 7, "VisibilityTimeout": 30});
    let expected = ["DelaySeconds: 7 → 5 (drift)", "VisibilityTimeout: 30 → 60 (stack)"];
    check("Test::App::Queue", desired, applied, live, &expected);
}

#[test]
fn what_the_cloud_already_has_is_no_change_though_it_was_never_applied() {
    check("Test::App::Queue", json!({"DelaySeconds": 5}), json!({}), json!({"DelaySeconds": 5}), &[]);
}

#[test]
fn of_alternatives_the_stacks_own_takes_the_place_of_any_other() {
    let containers = json!([{"Name": "web", "Image": "a"}]);
    let with = |discovery| json!({"Containers": containers, "Discovery": discovery});
    let (dns, map) = (json!({"Dns": {"Hostname": "h"}}), json!({"CloudMap": {"Service": "s"}}));
    let drifted = check(
        SERVICE,
        with(dns.clone()),
        with(dns.clone()),
        with(map.clone()),
        &["Discovery.Dns.Hostname: absent → \"h\" (drift)"],
    );
    assert_eq!(drifted, Some(Value::from(with(dns.clone()))));
    let expected =
        ["Discovery.CloudMap.Service: absent → \"s\" (stack)", "Discovery.Dns: {\"Hostname\":\"h\"} → default (stack)"];
    let changed = check(SERVICE, with(map.clone()), with(dns.clone()), with(dns), &expected);
    assert_eq!(changed, Some(Value::from(with(map))));
}

#[test]
fn a_property_gone_from_the_stack_is_reset() {
    let new = check(
        "Test::App::Queue",
        json!({"DelaySeconds": null}),
        json!({"DelaySeconds": 5}),
        json!({"DelaySeconds": 5, "VisibilityTimeout": 30}),
        &["DelaySeconds: 5 → default (stack)"],
    );
    assert_eq!(new, Some(Value::from(json!({"VisibilityTimeout": 30}))));
    check("Test::App::Queue", json!({}), json!({"DelaySeconds": 5}), json!({}), &[]);
}

#[test]
fn a_nested_property_follows_the_same_rules() {
    let new = check(
        SERVICE,
        json!({"Containers": [{"Name": "a", "Image": "x:2"}], "Network": {"Subnets": ["s1"]}}),
        json!({"Containers": [{"Name": "a", "Image": "x:1"}], "Network": {"Subnets": ["s1"], "AssignPublicIp": "ENABLED"}}),
        json!({
            "Containers": [{"Name": "a", "Image": "x:1", "Port": 80}],
            "Network": {"Subnets": ["s1"], "AssignPublicIp": "ENABLED"},
        }),
        &["Containers[0].Image: \"x:1\" → \"x:2\" (stack)", "Network.AssignPublicIp: \"ENABLED\" → default (stack)"],
    );
    let expected = json!({
        "Containers": [{"Name": "a", "Image": "x:2", "Port": 80}],
        "Network": {"Subnets": ["s1"]},
    });
    assert_eq!(new, Some(Value::from(expected)));
}

#[test]
fn a_nested_create_only_property_replaces_and_its_neighbours_do_not() {
    let policy = json!({"Statement": []});
    let role =
        |arn: &str, mode: &str| json!({"AssumeRolePolicyDocument": policy, "Boundary": {"Arn": arn, "Mode": mode}});
    let boundary = ["Boundary.Arn!: \"a\" → \"b\" (stack)", "Boundary.Mode: \"strict\" → \"loose\" (stack)"];
    check("Test::App::Role", role("b", "loose"), role("a", "strict"), role("a", "strict"), &boundary);
    let without = json!({"AssumeRolePolicyDocument": policy});
    let whole = r#"Boundary!: {"Arn":"a","Mode":"strict"} → default (stack)"#;
    check("Test::App::Role", without, role("a", "strict"), role("a", "strict"), &[whole]);
}

#[test]
fn sets_do_not_mind_their_order_and_lists_do() {
    let service = |subnets: [&str; 2], command: [&str; 2]| json!({"Containers": [{"Name": "a", "Image": "x", "Command": command}], "Network": {"Subnets": subnets}});
    let live = service(["s1", "s2"], ["run", "fast"]);
    check(SERVICE, service(["s2", "s1"], ["run", "fast"]), live.clone(), live.clone(), &[]);
    let changed = ["Containers[0].Command: [\"run\",\"fast\"] → [\"fast\",\"run\"] (stack)"];
    check(SERVICE, service(["s1", "s2"], ["fast", "run"]), live.clone(), live, &changed);
}

#[test]
fn maps_in_a_set_are_matched_by_what_is_ours() {
    let live = json!({"GroupDescription": "d", "Ingress": [
        {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"},
        {"IpProtocol": "-1", "FromPort": -1, "ToPort": -1},
    ]});
    let both = json!({"GroupDescription": "d", "Ingress": [
        {"IpProtocol": "-1"}, {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"},
    ]});
    check(SECURITY_GROUP, both.clone(), both.clone(), live.clone(), &[]);
    let other = json!({"GroupDescription": "d", "Ingress": [{"IpProtocol": "-1"}, {"IpProtocol": "udp"}]});
    let new = check(
        SECURITY_GROUP,
        other,
        both,
        live,
        &[concat!(
            r#"Ingress: [{"CidrIp":"0.0.0.0/0","FromPort":80,"IpProtocol":"tcp","ToPort":80},{"IpProtocol":"-1"}]"#,
            r#" → [{"IpProtocol":"-1"},{"IpProtocol":"udp"}] (stack)"#,
        )],
    );
    let expected = json!([{"IpProtocol": "-1", "FromPort": -1, "ToPort": -1}, {"IpProtocol": "udp"}]);
    assert_eq!(new.unwrap().get("Ingress"), Some(&Value::from(expected)));
}

#[test]
fn what_goes_from_a_set_is_shown_as_it_was_applied() {
    let group = |protocol: &str| json!({"Ingress": [{"IpProtocol": protocol}]});
    let live = json!({"Ingress": [{"IpProtocol": "tcp", "FromPort": -1, "ToPort": -1}]});
    let expected = r#"Ingress: [{"IpProtocol":"tcp"}] → [{"IpProtocol":"udp"}] (stack)"#;
    check(SECURITY_GROUP, group("udp"), group("tcp"), live, &[expected]);
}

#[test]
fn a_greedy_match_would_see_a_change_where_there_is_none() {
    let live = json!({"GroupDescription": "d", "Ingress": [
        {"IpProtocol": "tcp", "FromPort": 80}, {"IpProtocol": "tcp", "FromPort": 443},
    ]});
    let desired = json!({"GroupDescription": "d", "Ingress": [
        {"IpProtocol": "tcp"}, {"IpProtocol": "tcp", "FromPort": 80},
    ]});
    check(SECURITY_GROUP, desired.clone(), desired, live, &[]);
}

#[test]
fn a_property_removed_from_an_element_of_a_set_is_reset() {
    let with_port = json!({"GroupDescription": "d", "Ingress": [{"IpProtocol": "tcp", "FromPort": 80}]});
    let without = json!({"GroupDescription": "d", "Ingress": [{"IpProtocol": "tcp"}]});
    let expected = r#"Ingress: [{"FromPort":80,"IpProtocol":"tcp"}] → [{"IpProtocol":"tcp"}] (stack)"#;
    let new = check(SECURITY_GROUP, without.clone(), with_port.clone(), with_port, &[expected]);
    assert_eq!(new.unwrap().get("Ingress"), without.get("Ingress").cloned().map(Value::from).as_ref());
}

#[test]
fn tags_are_ours_whether_the_stack_mentions_them_or_not() {
    let tag = |key: &str, value: &str| json!({"Key": key, "Value": value});
    let live = json!({"CidrBlock": "a", "Tags": [tag("app", "x"), tag("by", "hand")]});
    let desired = json!({"CidrBlock": "a", "Tags": [tag("app", "y")]});
    let applied = json!({"CidrBlock": "a", "Tags": [tag("app", "x")]});
    let expected = ["Tags[\"app\"]: \"x\" → \"y\" (stack)", "Tags[\"by\"]: \"hand\" → absent (drift)"];
    let new = check("Test::Net::Vpc", desired, applied, live.clone(), &expected);
    assert_eq!(new, Some(Value::from(json!({"CidrBlock": "a", "Tags": [tag("app", "y")]}))));
    let none = json!({"CidrBlock": "a"});
    let expected = ["Tags[\"app\"]: \"x\" → absent (drift)", "Tags[\"by\"]: \"hand\" → absent (drift)"];
    check("Test::Net::Vpc", none.clone(), none.clone(), live, &expected);
    check("Test::Net::Vpc", none.clone(), none.clone(), none, &[]);
    let service = |tags: serde_json::Value| json!({"Containers": [], "Tags": tags});
    let expected = ["Tags[\"a\"]: absent → \"1\" (stack)", "Tags[\"b\"]: \"2\" → absent (stack)"];
    check(SERVICE, service(json!({"a": "1"})), service(json!({"b": "2"})), service(json!({"b": "2"})), &expected);
}

#[test]
fn a_document_is_compared_by_meaning() {
    let role = |policy: serde_json::Value| json!({"AssumeRolePolicyDocument": policy});
    let map = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a"}]});
    let text = json!(r#"{"Statement":[{"Action":["a"],"Effect":"Allow"}],"Version":"2012-10-17"}"#);
    check("Test::App::Role", role(map.clone()), role(map), role(text.clone()), &[]);
    let expected = format!("AssumeRolePolicyDocument: {text} → {{}} (stack)");
    check("Test::App::Role", role(json!({})), role(text.clone()), role(text), &[&expected]);
}

#[test]
fn an_empty_list_is_the_same_as_none() {
    check(SECURITY_GROUP, json!({"Ingress": []}), json!({}), json!({}), &[]);
    check(SECURITY_GROUP, json!({"Ingress": []}), json!({"Ingress": []}), json!({"Ingress": []}), &[]);
}

#[test]
fn what_is_unknown_changes() {
    let live = Value::from(json!({"VpcId": "vpc-1", "CidrBlock": "a"}));
    let desired = with(live.clone(), "VpcId", Value::Unknown);
    let diff = compare("Test::Net::Subnet", &desired, &live, &live, &[]);
    assert_eq!(lines(&diff), ["VpcId!: \"vpc-1\" → unknown (stack)"]);
}

#[test]
fn ignored_paths_do_not_change() {
    let side = |count: i64, image: &str| {
        Value::from(json!({"DesiredCount": count, "Containers": [{"Name": "a", "Image": image}], "Tags": {"x": image}}))
    };
    let ignore = ["DesiredCount", "Containers.Image", "Tags.x"];
    let diff = compare(SERVICE, &side(1, "a"), &side(1, "a"), &side(5, "b"), &ignore);
    assert_eq!(lines(&diff), [""; 0]);
    let diff = compare(SERVICE, &side(1, "a"), &side(1, "a"), &side(5, "b"), &ignore[..1]);
    assert_eq!(diff.new.unwrap().get("DesiredCount"), Some(&Value::Int(5)), "what is ignored stays as it is");
}

#[test]
fn a_secret_that_the_cloud_never_tells_is_compared_with_what_was_applied() {
    let side = |password: &str| Value::from(json!({"Name": "db", "SecretString": password}));
    let live = Value::from(json!({"Name": "db"}));
    assert_eq!(lines(&compare("Test::App::Secret", &side("a"), &side("a"), &live, &[])), [""; 0]);
    let changed = compare("Test::App::Secret", &side("b"), &side("a"), &live, &[]);
    assert_eq!(lines(&changed), ["SecretString: secret → secret (stack)"]);
    assert_eq!(changed.new.unwrap().get("SecretString"), Some(&secret("b")));
    let removed = compare("Test::App::Secret", &live, &side("a"), &live, &[]);
    assert_eq!(lines(&removed), ["SecretString: secret → default (stack)"]);
}

#[test]
fn a_secret_that_the_cloud_tells_is_compared_in_clear_and_never_shown() {
    let environment = |value: Value| {
        let container = Value::from(json!({"Name": "a", "Image": "x"}));
        let container = with(container, "Environment", with(Value::map(), "TOKEN", value));
        with(Value::map(), "Containers", Value::List(vec![container]))
    };
    let (desired, applied) = (environment(secret("hunter2")), environment(secret("hunter2")));
    assert_eq!(lines(&compare(SERVICE, &desired, &applied, &environment(Value::from("hunter2")), &[])), [""; 0]);
    let drifted = compare(SERVICE, &desired, &applied, &environment(Value::from("stolen")), &[]);
    assert_eq!(lines(&drifted), ["Containers[0].Environment.TOKEN: secret → secret (drift)"]);
    let gone = compare(SERVICE, &environment(Value::Null), &applied, &environment(Value::from("hunter2")), &[]);
    assert_eq!(lines(&gone), ["Containers[0].Environment.TOKEN: secret → default (stack)"]);
}

#[test]
fn of_elements_that_have_a_key_only_those_that_the_stack_names_are_ours() {
    let shape = Shape::compile(&json!({ "type": "object", "properties": { "Attributes": {
        "type": "array", "x-key": "Key", "items": { "type": "object", "properties": {
            "Key": { "type": "string" }, "Value": { "type": "string" },
        } },
    } } }));
    let attributes = |pairs: &[(&str, &str)]| {
        let list: Vec<_> = pairs.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        Value::from(json!({ "Attributes": list }))
    };
    let compare = |desired: &[_], applied: &[_], live: &[_]| {
        let kind = catalog().get("Test::Net::Vpc").unwrap().clone();
        let (desired, applied, live) = (attributes(desired), attributes(applied), attributes(live));
        let sides = Sides {
            kind: &kind,
            shape: &shape,
            desired: &desired,
            applied: &applied,
            live: &live,
            ignore: &[],
            seal: None,
        };
        let diff = diff(sides);
        (lines(&diff), diff.new)
    };
    let live = [("a", "1"), ("b", "2"), ("c", "3")];
    assert_eq!(compare(&[("b", "2")], &[("b", "2")], &live), (vec![], None));
    let (changes, new) = compare(&[("b", "5")], &[("b", "2"), ("c", "3")], &live);
    let reset = r#"Attributes["c"]: {"Key":"c","Value":"3"} → default (stack)"#.to_owned();
    assert_eq!(changes, [r#"Attributes["b"].Value: "2" → "5" (stack)"#.to_owned(), reset]);
    assert_eq!(new, Some(attributes(&[("a", "1"), ("b", "5")])));
    let (changes, _) = compare(&[("b", "5")], &[("b", "5")], &live);
    assert_eq!(changes, [r#"Attributes["b"].Value: "2" → "5" (drift)"#]);
    let kind = catalog().get("Test::Net::Vpc").unwrap().clone();
    let (applied, live) = (attributes(&[("c", "3")]), attributes(&live));
    let none = Value::map();
    let sides =
        Sides { kind: &kind, shape: &shape, desired: &none, applied: &applied, live: &live, ignore: &[], seal: None };
    assert_eq!(diff(sides).new, Some(attributes(&[("a", "1"), ("b", "2")])));
}

#[test]
fn an_empty_structure_says_something_where_it_was_not_applied_before_and_an_empty_map_does_not() {
    let with = |network: serde_json::Value| json!({"Containers": [], "Network": network});
    let none = json!({"Containers": []});
    let new = check(SERVICE, with(json!({})), none.clone(), none.clone(), &["Network: absent → {} (stack)"]);
    assert_eq!(new, Some(Value::from(with(json!({})))));
    check(SERVICE, with(json!({})), with(json!({})), none.clone(), &[]);
    check(SERVICE, with(json!({})), none.clone(), with(json!({})), &[]);
    check(SERVICE, none.clone(), with(json!({})), none, &[]);
    let container = |environment: serde_json::Value| json!({"Containers": [environment]});
    let plain = container(json!({"Name": "a", "Image": "x"}));
    let empty = container(json!({"Name": "a", "Image": "x", "Environment": {}}));
    check(SERVICE, empty, plain.clone(), plain, &[]);
}
