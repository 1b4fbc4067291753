//! The stack language, from files to the graph and its values.

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
