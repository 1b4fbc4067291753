//! Stacks of any size: files of a hundred resources of ten types, that refer to one another as real ones do.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use infra::cloud::fake::FakeCloud;
use infra::cloud::fake::catalog::catalog;
use infra::driver::Driver;
use infra::stack::{self, Answers, Checked, Graph};
use infra::state::MemoryStore;

/// Resources in a file.
const IN_A_FILE: usize = 100;

/// Ten resources, an application: a network, a load balancer, a service with what it needs.
const APPLICATION: &str = r#"
  Vpc@:
    type: Test::Net::Vpc
    properties: { CidrBlock: 10.0.0.0/16, EnableDnsHostnames: true }
  SubnetA@:
    type: Test::Net::Subnet
    properties: { VpcId: "${Vpc@.VpcId}", CidrBlock: "${cidr_subnet(Vpc@.CidrBlock, 8, 1)}", AvailabilityZone: us-east-1a }
  SubnetB@:
    type: Test::Net::Subnet
    properties: { VpcId: "${Vpc@.VpcId}", CidrBlock: "${cidr_subnet(Vpc@.CidrBlock, 8, 2)}", AvailabilityZone: us-east-1b }
  Group@:
    type: Test::Net::SecurityGroup
    properties:
      GroupDescription: "${params.name} @"
      VpcId: ${Vpc@.VpcId}
      Ingress:
        - { IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 0.0.0.0/0 }
        - { IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0 }
  Alb@:
    type: Test::Net::LoadBalancer
    properties: { Subnets: ["${SubnetA@.SubnetId}", "${SubnetB@.SubnetId}"], SecurityGroups: ["${Group@.GroupId}"] }
  Listener@:
    type: Test::Net::Listener
    properties: { LoadBalancerArn: "${Alb@.LoadBalancerArn}", Port: 80 }
  Role@:
    type: Test::App::Role
    properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{ Effect: Allow, Principal: { Service: ecs.amazonaws.com }, Action: "sts:AssumeRole" }]
  Queue@:
    type: Test::App::Queue
    properties: { DelaySeconds: 5, VisibilityTimeout: 60 }
  Secret@:
    type: Test::App::Secret
    properties: { Description: "${params.name}" }
  Service@:
    type: Test::App::Service
    depends_on: [Listener@]
    properties:
      DesiredCount: 2
      RoleArn: ${Role@.Arn}
      Containers:
        - Name: app
          Image: "app:1.2.3"
          Port: 8080
          Environment: { QUEUE: "${Queue@.QueueUrl}", URL: "http://${Alb@.DNSName}", SECRET: "${Secret@.Arn}" }
      Network: { Subnets: ["${SubnetA@.SubnetId}", "${SubnetB@.SubnetId}"], AssignPublicIp: DISABLED }
"#;

/// Writes a stack of `resources` resources into `folder`.
pub(crate) fn generate(folder: &Path, resources: usize) {
    let files = resources / IN_A_FILE;
    let mut root = String::from("stack: large\nregion: us-east-1\ntags: { app: large, team: infra }\nresources:\n");
    for file in 0..files {
        writeln!(root, "  Cell{file}: {{ component: cell{file}.yaml, with: {{ name: cell{file} }} }}")
            .expect("a string");
        let mut text = String::from("parameters:\n  name: { type: string }\nresources:");
        for application in 0..IN_A_FILE / 10 {
            text.push_str(&APPLICATION.replace('@', &application.to_string()));
        }
        text.push_str("outputs:\n  url: { value: \"http://${Alb0.DNSName}\" }\n");
        std::fs::write(folder.join(format!("cell{file}.yaml")), text).expect("a writable folder");
    }
    root.push_str("outputs:\n  first: { value: \"${Cell0.url}\" }\n");
    std::fs::write(folder.join("stack.yaml"), root).expect("a writable folder");
}

/// Reads and checks a stack.
pub(crate) fn load(folder: &Path) -> Checked {
    stack::load(folder, &stack::Options::default(), &catalog()).expect("a stack without mistakes")
}

/// Expands a stack.
pub(crate) fn expand(checked: &Checked) -> Graph {
    checked.graph(&Answers::new()).expect("a stack without lookups")
}

/// An empty cloud, and an empty store.
pub(crate) fn driver() -> Driver<FakeCloud> {
    Driver::new(FakeCloud::new(catalog()), Arc::new(MemoryStore::new()))
}
