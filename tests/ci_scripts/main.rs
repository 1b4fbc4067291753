//! The scripts that the workflows run, against the local AWS and a GitHub of our own on loopback.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test that panics has failed, as it should")]

mod github;
mod script;

use std::fs;

use github::GitHub;
use local_aws::{LocalAws, Options};
use script::{Run, Scene};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comment_is_made_once_and_edited_from_then_on() {
    let github = GitHub::start(130).await;
    let folder = tempfile::tempdir().unwrap();
    let [dev, prod] = ["dev", "prod"].map(|name| folder.path().join(name));
    fs::write(&dev, "### dev\nfirst").unwrap();
    fs::write(&prod, "### prod").unwrap();
    let comment = || github.script("scripts/ci/comment.py", &["7".as_ref(), dev.as_os_str(), prod.as_os_str()]);

    let made = comment().expect(0);
    assert!(made.stdout.contains("/pull/7#issuecomment-"), "{made}");
    let ours = github.ours();
    assert_eq!(ours.len(), 1);
    assert!(ours[0].contains("### dev\nfirst\n\n### prod"), "{ours:?}");

    fs::write(&dev, "### dev\nsecond").unwrap();
    comment().expect(0);
    let ours = github.ours();
    assert_eq!(ours.len(), 1, "the comment is edited, not written again");
    assert!(ours[0].contains("second") && !ours[0].contains("first"), "{ours:?}");
    assert_eq!(github.edited_by_others(), 0, "nobody else's comment is touched, whatever it begins with");

    fs::remove_file(&prod).unwrap();
    comment().expect(0);
    let ours = github.ours();
    assert!(ours[0].contains("second") && ours[0].contains("There is no plan in `prod`"), "{ours:?}");

    fs::write(&prod, "x".repeat(70_000)).unwrap();
    let refused = comment().expect(1);
    assert!(refused.stderr.contains("more than GitHub takes (65536)"), "{refused}");
    assert!(github.ours()[0].contains("second"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_github_refuses_is_told() {
    let github = GitHub::refusing().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let refused = github.script("scripts/ci/comment.py", &["7".as_ref(), file.path().as_os_str()]).expect(1);
    assert!(refused.stderr.contains("GitHub answered 403"), "{refused}");
    assert!(!refused.stderr.contains("Traceback"), "{refused}");
    assert!(!refused.stderr.contains(github::TOKEN), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_deployed_and_a_pull_request_planned_with_what_runs() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    let scene = Scene::new(&local);
    let markdown = scene.path("plan.md");
    let plan = || scene.run("scripts/ci/plan", &["dev", markdown.to_str().unwrap()]);
    let planned = || fs::read_to_string(&markdown).unwrap();

    plan().expect(0);
    let first = planned();
    assert!(first.starts_with("<!-- infra plan: notification/dev -->\n"), "{first}");
    assert!(first.contains("AWS::ECS::Service"), "{first}");

    scene.run("scripts/ci/deploy", &["dev", "0a1b2c3"]).expect(0);
    let docker = scene.docker_calls();
    let pushed: Vec<_> = docker.iter().filter_map(|call| call.strip_prefix("push --quiet ")).collect();
    assert_eq!(pushed.len(), 2, "{docker:?}");
    assert!(pushed[0].ends_with("/notification-dev/notification-api:0a1b2c3"), "{docker:?}");
    assert!(pushed[1].ends_with("/notification-dev/email-sender:0a1b2c3"), "{docker:?}");
    let running = scene.infra(&["output", "stacks/notification", "-e", "dev", "api_image"]).expect(0);
    assert_eq!(running.stdout.trim(), pushed[0]);

    plan().expect(0);
    assert!(planned().contains("No changes"), "a plan has the images that run: {}", planned());

    // A run that failed after its push is run again.
    scene.run("scripts/ci/deploy", &["dev", "0a1b2c3"]).expect(0);
    let docker = scene.docker_calls();
    assert_eq!(docker.iter().filter(|call| call.starts_with("push ")).count(), 2, "tags are immutable: {docker:?}");

    scene.run("scripts/ci/deploy", &["dev", "4d5e6f7"]).expect(0);
    let running = scene.infra(&["output", "stacks/notification", "-e", "dev", "sender_image"]).expect(0);
    assert!(running.stdout.trim().ends_with("/notification-dev/email-sender:4d5e6f7"), "{running}");
    local.stop().await;

    let failed = plan();
    assert_ne!(failed.code, Some(0), "{failed}");
    let told = planned();
    assert!(
        told.starts_with("<!-- infra plan: notification/dev -->\n### The plan of notification (dev) failed"),
        "{told}"
    );
}

/// Builds for minutes the first time; only where a container engine is.
#[test]
fn both_images_are_built_and_answer() {
    if !script::has_docker() {
        eprintln!("skipped: there is no container engine here");
        return;
    }
    let tag = "ci-scripts-test";
    let target = script::target().join("images");
    let built = Run::of(script::command("scripts/ci/build-images").arg(tag).env("CARGO_TARGET_DIR", target));
    let services = ["notification-api", "email-sender"];
    let answers = built.code == Some(0);
    let seen: Vec<_> = services.iter().filter(|_| answers).map(|service| script::try_image(service, tag)).collect();
    for service in services {
        script::docker(&["rmi", "--force", &format!("{service}:{tag}")]);
    }
    built.expect(0);
    for (service, (health, size, user)) in services.iter().zip(seen) {
        assert_eq!(health.as_deref(), Some("ok"), "{service}");
        assert!(size < 20_000_000, "{service} has {size} bytes");
        assert_eq!(user, "65532:65532", "{service}");
    }
}
