//! What a user is told who uses types that AWS has ended.

use std::path::Path;

use infra::aws;
use infra::diagnostic::render;
use infra::stack::{Answers, Options, load};

#[test]
fn app_mesh_has_ended_is_said_once_of_a_stack_with_all_of_its_types() {
    let path = Path::new("tests/aws_types/warned/app_mesh.yaml");
    let checked = load(path, &Options::default(), &aws::catalog());
    let checked = checked.unwrap_or_else(|mistakes| panic!("{}", render(&mistakes, false)));
    let Ok(graph) = checked.graph(&Answers::new()) else { panic!("the stack needs no answers") };
    let expected = "warning: AWS App Mesh ended on 2026-09-30; use Amazon ECS Service Connect. A service can't be in both: make new \
        `AWS::ECS::Service`s with a `ServiceConnectConfiguration` beside those in the mesh, move the traffic, then delete the mesh\n";
    let warnings = render(graph.warnings(), false);
    assert!(warnings.starts_with(expected), "{warnings}");
    assert_eq!(graph.warnings().len(), 1, "{warnings}");
}
