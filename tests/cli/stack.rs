//! The commands that read a stack and ask no cloud.

use crate::infra;

fn folder_with(stack: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("stack.yaml"), stack).expect("write");
    folder
}

#[cfg(feature = "aws")]
const GOOD: &str = "\
stack: net
region: us-east-1
resources:
  Vpc:
    type: AWS::EC2::VPC
    properties: { CidrBlock: 10.0.0.0/16 }
  Subnet:
    type: AWS::EC2::Subnet
    for_each: ${zones(2)}
    properties:
      VpcId: ${Vpc.VpcId}
      CidrBlock: ${cidr_subnet(Vpc.CidrBlock, 8, each.index)}
      AvailabilityZone: ${each.value}
";

#[cfg(feature = "aws")]
#[test]
fn a_good_stack_is_valid() {
    let folder = folder_with(GOOD);
    let run = infra(&["validate"], folder.path());
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert_eq!(run.out, ". is valid, as far as can be told without AWS: 3 resources\n");
}

#[cfg(feature = "aws")]
#[test]
fn mistakes_are_all_shown_with_their_places() {
    let folder = folder_with(&GOOD.replace("CidrBlock: 10", "CidrBlok: 10").replace("Vpc.VpcId", "Vcp.VpcId"));
    let run = infra(&["validate"], folder.path());
    assert_eq!((run.code, run.out.as_str()), (64, ""));
    for said in ["stack.yaml:6:", "did you mean `CidrBlock`", "stack.yaml:11:", "did you mean `Vpc`"] {
        assert!(run.err.contains(said), "{said}: {}", run.err);
    }
}

#[cfg(feature = "aws")]
#[test]
fn a_picture_in_each_format_the_same_each_time() {
    let folder = folder_with(GOOD);
    for (format, start, edge) in [
        ("mermaid", "---\ntitle: \"net\"\n", "r1 --> r0"),
        ("dot", "digraph \"net\" {", "r1 -> r0;"),
        ("svg", "<svg xmlns=", "Subnet[&quot;us-east-1b&quot;]"),
    ] {
        let draw = || infra(&["graph", "--format", format], folder.path());
        let run = draw();
        assert_eq!(run.code, 0, "{}", run.err);
        assert!(run.out.starts_with(start), "{}", run.out);
        assert!(run.out.contains(edge), "{}", run.out);
        assert_eq!(run.out, draw().out);
    }
}

#[cfg(feature = "aws")]
#[test]
fn schemas_are_json() {
    for arguments in [&["schema"][..], &["schema", "--component"]] {
        let run = infra(arguments, std::path::Path::new("."));
        assert_eq!(run.code, 0, "{}", run.err);
        let schema: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
        assert!(schema.get("$schema").is_some(), "{arguments:?}");
    }
}

#[cfg(not(feature = "aws"))]
#[test]
fn without_aws_it_says_so() {
    let folder = folder_with("stack: net\nregion: us-east-1\n");
    for command in ["validate", "plan", "graph", "schema"] {
        let run = infra(&[command], folder.path());
        assert_eq!((run.code, run.out.as_str()), (64, ""), "{command}");
        assert!(run.err.contains("built without AWS"), "{command}: {}", run.err);
    }
}

#[test]
fn nothing_changes_without_a_terminal_or_approval() {
    let folder = folder_with("stack: net\nregion: us-east-1\nresources: {}\n");
    for command in ["apply", "destroy"] {
        let run = infra(&[command], folder.path());
        assert_eq!((run.code, run.out.as_str()), (64, ""), "{command}");
        assert!(run.err.contains("there is no terminal to ask for approval on"), "{command}: {}", run.err);
        assert!(run.err.contains("--auto-approve"), "{command}: {}", run.err);
        assert!(!folder.path().join(".infra").exists(), "{command} began a record");
    }
}

#[test]
fn a_missing_stack_is_a_mistake_in_the_arguments() {
    let folder = tempfile::tempdir().expect("folder");
    for command in [&["output", "no/such"][..], &["state", "list", "no.yaml"]] {
        let run = infra(command, folder.path());
        assert_eq!((run.code, run.out.as_str()), (64, ""), "{command:?}");
        assert!(run.err.contains("there is no such file"), "{}", run.err);
    }
}
