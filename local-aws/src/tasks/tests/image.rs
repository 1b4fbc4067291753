//! An image with one static program, made without any base image.

use std::process::{Command, Stdio};

use bollard::Docker;
use bollard::query_parameters::{CreateImageOptionsBuilder, RemoveImageOptions};
use futures::StreamExt;

const PROGRAM: &str = include_str!("probe.rs.txt");

/// Makes the image `name`, whose entry point is the program.
pub(super) async fn make(docker: &Docker, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("probe.rs");
    std::fs::write(&source, PROGRAM).unwrap();
    // A target that is named keeps the flag off build scripts and the like; here it only has to be the host's.
    let rustc = Command::new("rustc")
        .args(["--edition", "2024", "-C", "target-feature=+crt-static", "-C", "strip=symbols", "-o"])
        .arg(folder.path().join("probe"))
        .arg(&source)
        .stderr(Stdio::inherit())
        .status();
    assert!(rustc.unwrap().success());
    let tar = Command::new("tar").arg("-C").arg(folder.path()).args(["-cf", "-", "probe"]).output().unwrap();
    assert!(tar.status.success());
    let (repository, tag) = name.rsplit_once(':').unwrap();
    let options = CreateImageOptionsBuilder::default().from_src("-").repo(repository).tag(tag);
    let options = options.changes(vec!["ENTRYPOINT [\"/probe\"]".to_owned()]).build();
    let body = bollard::body_full(tar.stdout.into());
    let mut steps = docker.create_image(Some(options), Some(body), None);
    while let Some(step) = steps.next().await {
        step.unwrap();
    }
}

pub(super) async fn remove(docker: &Docker, name: &str) {
    docker.remove_image(name, None::<RemoveImageOptions>, None).await.unwrap();
}
