//! The stack language, from files to the graph and its values.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::collections::BTreeMap;

use infra::address::Address;
use infra::cloud::Lookup;
use infra::cloud::fake::catalog::catalog;
use infra::diagnostic::render;
use infra::stack::{Answers, Attributes, Checked, Graph, Needs, NoAttributes, Options, load};
use infra::value::Value;
use serde_json::json;

/// A stack in a folder of its own, from (path, text) pairs.
struct Stack {
    folder: tempfile::TempDir,
    options: Options,
}

impl Stack {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self { folder, options: Options { variables: BTreeMap::new(), ..Options::default() } }
    }

    fn one(text: &str) -> Self {
        Self::new(&[("stack.yaml", text)])
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.options.set.push((name.into(), value.into()));
        self
    }

    fn environment(mut self, name: &str) -> Self {
        self.options.environment = Some(name.into());
        self
    }

    fn load(&self) -> Result<Checked, String> {
        let prefix = format!("{}/", self.folder.path().display());
        load(self.folder.path(), &self.options, &catalog())
            .map_err(|diagnostics| render(&diagnostics, false).replace(&prefix, ""))
    }

    /// The graph, with lookups answered as a small region would.
    fn graph(&self) -> Graph {
        self.try_graph().unwrap_or_else(|text| panic!("{text}"))
    }

    fn try_graph(&self) -> Result<Graph, String> {
        let checked = self.load()?;
        let mut answers = Answers::new();
        loop {
            match checked.graph(&answers) {
                Ok(graph) => return Ok(graph),
                Err(Needs::Errors(errors)) => {
                    let prefix = format!("{}/", self.folder.path().display());
                    return Err(render(&errors, false).replace(&prefix, ""));
                }
                Err(Needs::Lookups(lookups)) => {
                    for lookup in lookups {
                        let answer = answer(&lookup);
                        assert!(answers.insert(lookup, answer).is_none(), "asked twice");
                    }
                }
            }
        }
    }
}

fn answer(lookup: &Lookup) -> Value {
    match lookup {
        Lookup::Zones => json!(["eu-1a", "eu-1b", "eu-1c"]).into(),
        Lookup::Account => json!({"account_id": "123456789012", "partition": "aws"}).into(),
        Lookup::SsmParameter(name) => Value::String(format!("ssm:{name}")),
        Lookup::Stack { stack, environment } => json!({"vpc_id": format!("{stack}/{environment}")}).into(),
        Lookup::Existing { .. } => json!({"VpcId": "vpc-1", "CidrBlock": "10.9.0.0/16"}).into(),
    }
}

fn properties(graph: &Graph, address: &str) -> Value {
    properties_with(graph, address, &NoAttributes)
}

fn properties_with(graph: &Graph, address: &str, known: &dyn Attributes) -> Value {
    let index = graph.index(&Address::from(address)).unwrap_or_else(|| panic!("no {address}"));
    graph.properties(index, known).unwrap_or_else(|error| panic!("{}", render(&[error], false)))
}

fn dependencies(graph: &Graph, address: &str) -> Vec<String> {
    let node = &graph.nodes()[graph.index(&Address::from(address)).unwrap()];
    node.dependencies.iter().map(|index| graph.nodes()[*index].address.to_string()).collect()
}

struct Known(BTreeMap<Address, Value>);

impl Attributes for Known {
    fn attributes(&self, address: &Address) -> Option<&Value> {
        self.0.get(address)
    }
}

fn known(pairs: &[(&str, serde_json::Value)]) -> Known {
    Known(pairs.iter().map(|(address, value)| (Address::from(*address), value.clone().into())).collect())
}

const NETWORK: &str = r#"
stack: net
region: eu-1
parameters:
  name: { type: string, default: web }
locals:
  prefix: ${params.name}-x
tags: { app: "${local.prefix}" }
resources:
  Vpc:
    type: Test::Net::Vpc
    properties: { CidrBlock: 10.0.0.0/16 }
  Subnet:
    type: Test::Net::Subnet
    for_each: ${zones(2)}
    properties:
      VpcId: ${Vpc.VpcId}
      CidrBlock: ${cidr_subnet(Vpc.CidrBlock, 8, 10 + each.index)}
      AvailabilityZone: ${each.value}
  LoadBalancer:
    type: Test::Net::LoadBalancer
    properties:
      Subnets: ${values(Subnet).map(s, s.SubnetId)}
  Listener:
    type: Test::Net::Listener
    properties: { LoadBalancerArn: "${LoadBalancer.LoadBalancerArn}", Port: 80 }
outputs:
  url: http://${LoadBalancer.DNSName}/$${literal}
  first: ${Subnet["eu-1a"].CidrBlock}
"#;

#[test]
fn a_network_expands_in_dependency_order() {
    let graph = Stack::one(NETWORK).graph();
    let addresses: Vec<&str> = graph.nodes().iter().map(|node| node.address.as_str()).collect();
    let expected = ["Vpc", r#"Subnet["eu-1a"]"#, r#"Subnet["eu-1b"]"#, "LoadBalancer", "Listener"];
    assert_eq!(addresses, expected);
    assert_eq!(dependencies(&graph, "LoadBalancer"), [r#"Subnet["eu-1a"]"#, r#"Subnet["eu-1b"]"#]);
    assert_eq!(graph.nodes()[4].early, [3]);
    assert_eq!(
        format!("{:?}", properties(&graph, r#"Subnet["eu-1b"]"#)),
        r#"{"AvailabilityZone": "eu-1b", "CidrBlock": "10.0.11.0/24", "Tags": [{"Key": "app", "Value": "web-x"}], "VpcId": (known after apply)}"#
    );
    assert_eq!(
        format!("{:?}", properties(&graph, "LoadBalancer")),
        r#"{"Subnets": [(known after apply), (known after apply)], "Tags": [{"Key": "app", "Value": "web-x"}]}"#
    );
}

#[test]
fn what_becomes_known_flows_into_what_refers_to_it() {
    let graph = Stack::one(NETWORK).graph();
    let known = known(&[
        ("Vpc", json!({"CidrBlock": "10.0.0.0/16", "VpcId": "vpc-1"})),
        (r#"Subnet["eu-1a"]"#, json!({"SubnetId": "subnet-a", "CidrBlock": "10.0.10.0/24"})),
        ("LoadBalancer", json!({"DNSName": "lb.example"})),
    ]);
    assert_eq!(
        format!("{:?}", properties_with(&graph, "LoadBalancer", &known)),
        r#"{"Subnets": ["subnet-a", (known after apply)], "Tags": [{"Key": "app", "Value": "web-x"}]}"#
    );
    assert_eq!(graph.output(0, &known).unwrap(), Value::from("http://lb.example/${literal}"));
    assert_eq!(graph.output(1, &known).unwrap(), Value::from("10.0.10.0/24"));
    assert_eq!(graph.output(0, &NoAttributes).unwrap(), Value::Unknown);
}

/// The value of each expression, in a stack of outputs.
fn values(expressions: &[&str]) -> Vec<Value> {
    let mut text = "stack: e\nregion: eu-1\noutputs:\n".to_owned();
    for (index, expression) in expressions.iter().enumerate() {
        text += &format!("  o{index}: {}\n", serde_json::Value::from(format!("${{{expression}}}")));
    }
    let graph = Stack::one(&text).graph();
    (0..expressions.len()).map(|index| graph.output(index, &NoAttributes).unwrap()).collect()
}

fn value(expression: &str) -> Value {
    values(&[expression]).remove(0)
}

fn from_cel(value: &cel::Value) -> Value {
    match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(value) => Value::Bool(*value),
        cel::Value::Int(value) => Value::Int(*value),
        cel::Value::Float(value) => Value::Float(*value),
        cel::Value::String(value) => Value::from(value.as_str()),
        cel::Value::List(list) => list.iter().map(from_cel).collect(),
        cel::Value::Map(map) => map.map.iter().map(|(key, value)| (key.to_string(), from_cel(value))).collect(),
        other => panic!("{other:?}"),
    }
}

/// Our evaluation of known values is CEL's: what the crate `cel` gives is what we give.
#[test]
fn known_values_are_evaluated_as_cel_does() {
    let expressions = [
        "1 + 2 * 3 - 4 / 2 % 3",
        "-7 / 2",
        "-7 % 3",
        "1.5 + 2.25",
        "-(1 + 2)",
        "!true || false && true",
        "true || 1 / 0 == 1",
        "1 / 0 == 1 || true",
        "1 / 0 == 1 && false",
        "1 == 1.0",
        "1 < 1.5 && 2.5 > 2",
        "'a' < 'b' && 'b' >= 'b'",
        "false < true",
        "[1, 2] == [1, 2] && [1] != [2]",
        "{'a': 1, 'b': [2]} == {'b': [2], 'a': 1}",
        "'a' in ['b', 'a'] && !('c' in {'a': 1})",
        "1 in [1.0]",
        "'x' + 'y' + \"z\"",
        "[1] + [2, 3]",
        "[[1, 2], [3]][0][1]",
        "{'a': {'b': 'c'}}.a.b",
        "{'a': {'b': 'c'}}['a']['b']",
        "has({'a': 1}.a) && !has({'a': 1}.b)",
        "true ? 'yes' : 'no'",
        "false ? 1 : true ? 2 : 3",
        "[1, 2, 3].map(x, x * 2)",
        "[1, 2, 3].map(x, x > 1, x * 2)",
        "[1, 2, 3].filter(x, x % 2 == 1)",
        "[1, 2, 3].all(x, x > 0) && [1, 2, 3].exists(x, x == 2)",
        "[1, 2, 2].exists_one(x, x == 1) && ![1, 2, 2].exists_one(x, x == 2)",
        "[[1, 2], [3]].map(x, x.map(y, y + 1))",
        "[1, 2].map(x, [3, 4].filter(y, y > x))",
        "{'a': 1}.all(k, k == 'a')",
        "{'a': 1}.map(k, k + '!')",
        "[].exists(x, x == 1) || [].all(x, x == 1)",
        "size('πέντε') + size([1, 2]) + size({'a': 1})",
        "'hello'.size() == 5 && [1].size() == 1",
        "'hello'.startsWith('he') && 'hello'.endsWith('lo') && 'hello'.contains('ell')",
        "'hello'.matches('^h.*o$') && 'hello'.matches('l+')",
        "string(12) + string(true) + string('x') + string(1.5)",
        "int('12') + int(3.9) + int(-3.9)",
        "double('1.5') + double(2)",
        "r'raw\\d' + 'line\\nbreak\\t\\u00e9'",
        "\"quote ' inside\" + 'other \" inside'",
        "'''triple ' quoted'''",
        "null == null && 1 != null",
        "9223372036854775807 - 1",
        "0x1F",
        "[1, 'a', true, null, 2.5]",
        "{'k': [1, {'n': null}]}",
    ];
    let ours = values(&expressions);
    for (expression, ours) in expressions.iter().zip(ours) {
        let theirs = cel::Program::compile(expression).unwrap().execute(&cel::Context::default()).unwrap();
        assert_eq!(format!("{ours:?}"), format!("{:?}", from_cel(&theirs)), "{expression}");
    }
}

#[test]
fn our_own_functions() {
    let table: &[(&str, serde_json::Value)] = &[
        ("cidr_subnet('10.0.0.0/16', 8, 255)", json!("10.0.255.0/24")),
        ("cidr_subnet('10.1.2.3/16', 0, 0)", json!("10.1.0.0/16")),
        ("cidr_subnet('10.0.0.0/8', 24, 16777215)", json!("10.255.255.255/32")),
        ("cidr_subnet('2001:db8::/56', 8, 3)", json!("2001:db8:0:3::/64")),
        ("cidr_subnet('::/0', 128, 5)", json!("::5/128")),
        ("join(['a', 1, true], '-') + ['x', 'y'].join(',') + join(['p', 'q'])", json!("a-1-truex,ypq")),
        ("json({'b': [1, null], 'a': 'x'})", json!(r#"{"a":"x","b":[1,null]}"#)),
        ("base64('hello')", json!("aGVsbG8=")),
        ("split('a,b,,c', ',')", json!(["a", "b", "", "c"])),
        ("lower('AbC') + upper('AbC') + 'AbC'.lowerAscii() + trim('  x ')", json!("abcABCabcx")),
        ("replace('a-b-c', '-', '_')", json!("a_b_c")),
        ("range(3) + range(5, 7)", json!([0, 1, 2, 5, 6])),
        ("keys({'b': 1, 'a': 2}) + ['|'] + values({'b': 'y', 'a': 'x'})", json!(["a", "b", "|", "x", "y"])),
        ("merge({'a': 1, 'b': 1}, {'b': 2}, {'c': 3})", json!({"a": 1, "b": 2, "c": 3})),
        (
            "[type(1), type('x'), type([]), type({}), type(1.5), type(true), type(null)]",
            json!(["integer", "string", "list", "map", "number", "boolean", "null"]),
        ),
        ("zones(2)", json!(["eu-1a", "eu-1b"])),
        ("size(zones())", json!(3)),
        ("ssm('/a/b')", json!("ssm:/a/b")),
        ("stack('net', 'prod').vpc_id + stack('net').vpc_id", json!("net/prodnet/default")),
        ("aws.account_id + aws.partition + aws.region", json!("123456789012awseu-1")),
        ("env('NOWHERE', 'otherwise')", json!("otherwise")),
        ("'}' + json({'a': '}'})", json!("}{\"a\":\"}\"}")),
        ("range(1000).filter(x, x % 500 == 0)", json!([0, 500])),
    ];
    let expressions: Vec<&str> = table.iter().map(|(expression, _)| *expression).collect();
    for ((expression, wanted), found) in table.iter().zip(values(&expressions)) {
        assert_eq!(found.reveal(), *wanted, "{expression}");
    }
}

/// What depends only on what is known is known, whatever stands beside it.
#[test]
fn unknown_reaches_no_further_than_it_must() {
    let expressions = [
        ("Vpc.VpcId + 'x'", "(known after apply)"),
        ("[Vpc.VpcId, 'b']", r#"[(known after apply), "b"]"#),
        ("size([Vpc.VpcId, 'b'])", "2"),
        ("[Vpc.VpcId, 'b'] + ['c']", r#"[(known after apply), "b", "c"]"#),
        ("[Vpc.VpcId].map(x, x + 'y')", "[(known after apply)]"),
        ("{'a': Vpc.VpcId, 'b': 1}.b", "1"),
        ("keys({'a': Vpc.VpcId})", r#"["a"]"#),
        ("false && Vpc.VpcId == 'x'", "false"),
        ("true || Vpc.VpcId == 'x'", "true"),
        ("Vpc.VpcId == 'x' && false", "false"),
        ("Vpc.VpcId == 'x'", "(known after apply)"),
        ("Vpc.VpcId == 'x' ? 1 : 2", "(known after apply)"),
        ("true ? 'a' : Vpc.VpcId", r#""a""#),
        ("'b' in [Vpc.VpcId, 'b']", "true"),
        ("'c' in [Vpc.VpcId, 'b']", "(known after apply)"),
        ("[Vpc.VpcId, 'a'] == ['x', 'b']", "false"),
        ("join([Vpc.VpcId, 'a'], '-')", "(known after apply)"),
        ("json({'a': Vpc.VpcId})", "(known after apply)"),
        ("merge({'a': Vpc.VpcId}, {'b': 1}).b", "1"),
        ("['a', 'b'].filter(x, x == Vpc.VpcId)", "(known after apply)"),
        ("['a', 'b'].exists(x, x == Vpc.VpcId || x == 'b')", "true"),
        ("Vpc.CidrBlock + '!'", r#""10.0.0.0/16!""#),
        ("has(Vpc.VpcId) && Vpc != null", "true"),
    ];
    let mut text = "stack: e\nregion: eu-1\nresources:\n  Vpc: { type: Test::Net::Vpc, properties: { CidrBlock: 10.0.0.0/16 } }\noutputs:\n".to_owned();
    for (index, (expression, _)) in expressions.iter().enumerate() {
        text += &format!("  o{index}: {}\n", serde_json::Value::from(format!("${{{expression}}}")));
    }
    let graph = Stack::one(&text).graph();
    for (index, (expression, wanted)) in expressions.iter().enumerate() {
        assert_eq!(format!("{:?}", graph.output(index, &NoAttributes).unwrap()), *wanted, "{expression}");
    }
}

/// A real mistake is told even where something unknown stands beside it.
#[test]
fn unknown_hides_no_mistake() {
    let text = "stack: e\nregion: eu-1\nresources:\n  Vpc: { type: Test::Net::Vpc, properties: { CidrBlock: 10.0.0.0/16 } }\n\
                outputs:\n  a: ${[Vpc.VpcId, string([1])]}\n";
    let error = Stack::one(text).try_graph().unwrap_err();
    assert!(error.starts_with("error: a list is no text\n --> stack.yaml:6:20"), "{error}");
}

#[test]
fn secrets_stay_secret_and_no_wider_than_they_are() {
    let text = r#"
stack: s
region: eu-1
parameters:
  password: { type: string, secret: true }
locals:
  both: { open: x, closed: "${params.password}" }
resources:
  Secret:
    type: Test::App::Secret
    properties: { SecretString: "p-${params.password}", Description: "${local.both.open}" }
  Service:
    type: Test::App::Service
    properties:
      Containers:
        - Name: web
          Image: "${Secret.GeneratedValue}"
          Command: ["a", "${local.both.closed}"]
      Password: plain
outputs:
  a: { value: "${params.password}", secret: true }
  b: { value: visible, secret: true }
  length: { value: "${size(params.password)}", secret: true }
  plain: ${local.both.open}
"#;
    let graph = Stack::one(text).set("password", "hunter2").graph();
    assert_eq!(format!("{:?}", properties(&graph, "Secret")), r#"{"Description": "x", "SecretString": (secret)}"#);
    let known = known(&[("Secret", json!({"GeneratedValue": "generated"}))]);
    assert_eq!(
        format!("{:?}", properties_with(&graph, "Service", &known)),
        r#"{"Containers": [{"Command": ["a", (secret)], "Image": (secret), "Name": "web"}], "Password": (secret)}"#
    );
    for index in 0..3 {
        assert!(matches!(graph.output(index, &NoAttributes).unwrap(), Value::Secret(_)), "{index}");
    }
    assert_eq!(graph.output(3, &NoAttributes).unwrap(), Value::from("x"));
    assert_eq!(graph.output(2, &NoAttributes).unwrap().revealed(), Value::Int(7));
}

const WEB: &str = r#"
description: A web service
parameters:
  image: { type: string }
  port: { type: integer, default: 80, minimum: 1 }
  note: { type: string, default: null }
locals:
  name: ${params.image}-${params.port}
resources:
  Queue:
    type: Test::App::Queue
    properties: { QueueName: "${local.name}" }
  Inner:
    component: deeper/inner.yaml
    with: { arn: "${Queue.Arn}" }
outputs:
  url: https://${Queue.QueueUrl}
  role: ${Inner.role}
  name: ${local.name}
"#;

const INNER: &str = r#"
parameters:
  arn: { type: string }
resources:
  Role:
    type: Test::App::Role
    properties:
      AssumeRolePolicyDocument: { Resource: "${params.arn}", Note: "${file('policy.txt')}" }
outputs:
  role: ${Role.Arn}
"#;

#[test]
fn components_nest_and_see_only_their_own() {
    let stack = r#"
stack: main
region: eu-1
tags: { team: core }
resources:
  Vpc: { type: Test::Net::Vpc, properties: { CidrBlock: 10.0.0.0/16 } }
  Web:
    component: ./components/web.yaml
    for_each: { blue: 8080, green: 8081 }
    depends_on: [Vpc]
    with: { image: "app-${each.key}", port: "${each.value}" }
  Reader:
    type: Test::App::Role
    properties:
      Description: ${Web["green"].url}
      AssumeRolePolicyDocument: { Names: "${values(Web).map(w, w.name)}" }
outputs:
  roles: ${values(Web).map(w, w.role)}
  names: ${Web["blue"].name}
"#;
    let graph = Stack::new(&[
        ("stack.yaml", stack),
        ("components/web.yaml", WEB),
        ("components/deeper/inner.yaml", INNER),
        ("components/deeper/policy.txt", "hello"),
    ])
    .graph();
    let addresses: Vec<&str> = graph.nodes().iter().map(|node| node.address.as_str()).collect();
    let expected = [
        "Vpc",
        r#"Web["blue"].Queue"#,
        r#"Web["blue"].Inner.Role"#,
        r#"Web["green"].Queue"#,
        r#"Web["green"].Inner.Role"#,
        "Reader",
    ];
    assert_eq!(addresses, expected);
    assert_eq!(dependencies(&graph, r#"Web["blue"].Inner.Role"#), ["Vpc", r#"Web["blue"].Queue"#]);
    assert_eq!(dependencies(&graph, "Reader"), [r#"Web["green"].Queue"#]);
    assert_eq!(
        format!("{:?}", properties(&graph, r#"Web["green"].Queue"#)),
        r#"{"QueueName": "app-green-8081", "Tags": [{"Key": "team", "Value": "core"}]}"#
    );
    let known = known(&[
        (r#"Web["green"].Queue"#, json!({"QueueUrl": "q.example", "Arn": "arn:green"})),
        (r#"Web["green"].Inner.Role"#, json!({"Arn": "arn:role"})),
    ]);
    let reader = properties_with(&graph, "Reader", &known);
    assert_eq!(reader.get("Description"), Some(&Value::from("https://q.example")));
    let role = properties_with(&graph, r#"Web["green"].Inner.Role"#, &known);
    assert_eq!(
        role.get("AssumeRolePolicyDocument").unwrap().reveal(),
        json!({"Note": "hello", "Resource": "arn:green"})
    );
    assert_eq!(format!("{:?}", graph.output(0, &known).unwrap()), r#"[(known after apply), "arn:role"]"#);
}

#[test]
fn parameters_come_from_the_environment_then_the_command_line() {
    let text = r#"
stack: p
region: ${params.region}
parameters:
  region: { type: string, default: eu-1 }
  count: { type: integer, default: 1 }
  names: { type: list, default: [] }
  labels: { type: map, default: {} }
  ratio: { type: number, default: 1 }
  on: { type: boolean, default: false }
outputs:
  all: ${json([params.count, params.names, params.labels, params.ratio, params.on])}
"#;
    let files = [("stack.yaml", text), ("prod.yaml", "count: 3\nnames: [a, b]\nregion: us-9\n")];
    let stack = Stack::new(&files).environment("prod").set("names", "[c]").set("labels", "{a: 1}").set("ratio", "0.5");
    let graph = stack.set("on", "true").graph();
    assert_eq!(graph.region(), "us-9");
    assert_eq!(&**graph.environment(), "prod");
    assert_eq!(graph.output(0, &NoAttributes).unwrap(), Value::from(r#"[3,["c"],{"a":1},0.5,true]"#));
    let default = Stack::new(&files).graph();
    assert_eq!((default.region(), &**default.environment()), ("eu-1", "default"));
}

#[test]
fn a_value_keeps_its_type_and_its_lines() {
    let text = r#"
stack: v
region: eu-1
locals:
  quoted: "8"
  plain: 8
  script: |
    #!/bin/sh
    echo $${HOME} ${local.plain}
  nested: { list: [1, "${local.plain}", "x${local.quoted}"], absent: "${null}" }
outputs:
  quoted: ${local.quoted}
  plain: ${local.plain}
  script: ${local.script}
  nested: ${json(local.nested)}
"#;
    let graph = Stack::one(text).graph();
    let outputs: Vec<Value> = (0..4).map(|index| graph.output(index, &NoAttributes).unwrap()).collect();
    assert_eq!(outputs[0], Value::from("8"));
    assert_eq!(outputs[1], Value::Int(8));
    assert_eq!(outputs[2], Value::from("#!/bin/sh\necho ${HOME} 8\n"));
    assert_eq!(outputs[3], Value::from(r#"{"list":[1,8,"x8"]}"#));
}

#[test]
fn when_for_each_and_lifecycle_shape_the_graph() {
    let text = r#"
stack: w
region: eu-1
parameters:
  environment: { type: string, default: dev }
resources:
  Off: { type: Test::App::Queue, when: "${params.environment == 'prod'}" }
  Some:
    type: Test::App::Queue
    for_each: ${range(4)}
    when: ${each.index % 2 == 0}
    properties: { DelaySeconds: "${each.value}", QueueName: "${Off != null ? Off.Arn : 'none'}" }
  Last:
    type: Test::App::Queue
    lifecycle: { prevent_destroy: "${params.environment == 'dev'}", ignore: [DelaySeconds], replace_on: [Some] }
outputs:
  arns: ${values(Some).map(q, q.Arn)}
  keys: ${keys(Some)}
"#;
    let graph = Stack::one(text).graph();
    let addresses: Vec<&str> = graph.nodes().iter().map(|node| node.address.as_str()).collect();
    assert_eq!(addresses, [r#"Some["0"]"#, r#"Some["2"]"#, "Last"]);
    let lifecycle = &graph.nodes()[2].lifecycle;
    assert!(lifecycle.prevent_destroy);
    assert_eq!(lifecycle.ignore, ["DelaySeconds"]);
    assert_eq!(lifecycle.replace_on, [Address::from(r#"Some["0"]"#), Address::from(r#"Some["2"]"#)]);
    assert_eq!(format!("{:?}", properties(&graph, r#"Some["2"]"#)), r#"{"DelaySeconds": 2, "QueueName": "none"}"#);
    assert_eq!(graph.output(1, &NoAttributes).unwrap().reveal(), json!(["0", "2"]));
}

#[test]
fn an_instance_depends_on_the_instance_it_names() {
    let text = r#"
stack: i
region: eu-1
resources:
  A: { type: Test::App::Queue, for_each: [x, y] }
  B:
    type: Test::App::Queue
    for_each: [x, y]
    properties: { QueueName: "${A[each.key].Arn}" }
  C: { type: Test::App::Queue, depends_on: ['A["y"]'], properties: { QueueName: c } }
  D:
    type: Test::App::Queue
    properties: { QueueName: "${['x'].map(k, A[k].Arn)[0]}" }
  E: { type: Test::App::Queue, for_each: [x, y], depends_on: ["A[each.key]"] }
  F:
    type: Test::App::Queue
    for_each: { f: "${C.QueueName}" }
    properties: { QueueName: "${each.value}" }
  G: { type: Test::App::Queue, for_each: { g: "${C.QueueName}" } }
"#;
    let graph = Stack::one(text).graph();
    assert_eq!(dependencies(&graph, r#"B["x"]"#), [r#"A["x"]"#]);
    assert_eq!(dependencies(&graph, "C"), [r#"A["y"]"#]);
    assert_eq!(dependencies(&graph, "D"), [r#"A["x"]"#, r#"A["y"]"#]);
    assert_eq!(dependencies(&graph, r#"E["y"]"#), [r#"A["y"]"#]);
    // What an instance uses of its `for_each` is what that refers to.
    assert_eq!(dependencies(&graph, r#"F["f"]"#), ["C"]);
    assert_eq!(dependencies(&graph, r#"G["g"]"#), [""; 0]);
}

#[test]
fn existing_resources_are_looked_up_once() {
    let text = r#"
stack: x
region: eu-1
existing:
  Shared: { type: Test::Net::Vpc, id: vpc-9 }
  Tagged: { type: Test::Net::Vpc, tags: { app: a } }
resources:
  Subnet:
    type: Test::Net::Subnet
    properties: { VpcId: "${Shared.VpcId}", CidrBlock: "${cidr_subnet(Tagged.CidrBlock, 8, 1)}" }
"#;
    let stack = Stack::one(text);
    let Err(Needs::Lookups(lookups)) = stack.load().unwrap().graph(&Answers::new()) else { panic!("no lookups") };
    assert_eq!(lookups.len(), 2);
    let graph = stack.graph();
    assert_eq!(graph.nodes().len(), 1);
    assert_eq!(properties(&graph, "Subnet").reveal(), json!({"CidrBlock": "10.9.1.0/24", "VpcId": "vpc-1"}));
}

#[test]
fn moves_are_spelt_out_for_every_instance() {
    let text = r#"
stack: m
region: eu-1
resources:
  New: { type: Test::App::Queue, for_each: [a, b] }
  Solo: { type: Test::App::Queue }
moved:
  - { from: Old, to: New }
  - { from: 'Many["k"]', to: Solo }
forget: ['Gone["x"]', Away]
"#;
    let graph = Stack::one(text).graph();
    let moved: Vec<String> = graph.moved().iter().map(|(from, to)| format!("{from} → {to}")).collect();
    assert_eq!(moved, [r#"Old["a"] → New["a"]"#, r#"Old["b"] → New["b"]"#, r#"Many["k"] → Solo"#]);
    assert_eq!(graph.forget(), [Address::from(r#"Gone["x"]"#), Address::from("Away")]);
}

#[test]
fn own_tags_win_over_the_stacks() {
    let text = r#"
stack: t
region: eu-1
tags: { app: shop, team: core }
resources:
  Queue:
    type: Test::App::Queue
    properties: { Tags: [{ Key: app, Value: own }] }
  Service:
    type: Test::App::Service
    properties: { Containers: [{ Name: a, Image: b }], Tags: { app: own } }
  Listener:
    type: Test::Net::Listener
    properties: { LoadBalancerArn: arn, Port: 80 }
"#;
    let graph = Stack::one(text).graph();
    assert_eq!(
        properties(&graph, "Queue").reveal(),
        json!({"Tags": [{"Key": "app", "Value": "own"}, {"Key": "team", "Value": "core"}]})
    );
    assert_eq!(properties(&graph, "Service").get("Tags").unwrap().reveal(), json!({"app": "own", "team": "core"}));
    assert_eq!(properties(&graph, "Listener").get("Tags"), None);
    assert_eq!(graph.warnings().len(), 1);
}

#[test]
fn a_local_that_doubles_another_does_not_explode() {
    let mut text = "stack: d\nregion: eu-1\nlocals:\n  l0: ${range(2)}\n".to_owned();
    for level in 1..60 {
        let last = level - 1;
        text += &format!("  l{level}: ${{[size(local.l{last}), size(local.l{last})]}}\n");
    }
    text += "outputs:\n  a: ${local.l59}\n";
    let graph = Stack::one(&text).graph();
    assert_eq!(graph.output(0, &NoAttributes).unwrap().reveal(), json!([2, 2]));
}

#[test]
fn the_same_stack_is_always_the_same_graph() {
    let first = Stack::one(NETWORK).graph();
    let second = Stack::one(NETWORK).graph();
    let all = |graph: &Graph| -> Vec<String> {
        (0..graph.nodes().len()).map(|index| format!("{:?}", graph.properties(index, &NoAttributes).unwrap())).collect()
    };
    assert_eq!(all(&first), all(&second));
    assert_eq!(value("{'z': 1, 'y': 2, 'x': 3, 'w': 4}.map(k, k)").reveal(), json!(["w", "x", "y", "z"]));
}

#[test]
fn what_is_only_destroyed_needs_no_values() {
    let mut stack = Stack::one(
        "stack: s\nregion: r\nparameters: { cidr: { type: string } }\nresources:\n  Vpc:\n    type: Test::Net::Vpc\n    \
         properties: { CidrBlock: \"${params.cidr}\" }\n",
    );
    assert!(stack.load().is_err_and(|text| text.contains("`cidr` has no value")));
    stack.options.absent_is_unknown = true;
    assert_eq!(properties(&stack.graph(), "Vpc").get("CidrBlock"), Some(&Value::Unknown));
}
