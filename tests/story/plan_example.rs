//! Keeps `docs/plan-example.md` true: the Markdown of the plan of a change to the notification stack.
//!
//! `make docs` writes it anew.

use std::fs;
use std::path::Path;

use local_aws::{LocalAws, Options};
use regex::Regex;

use crate::page;
use crate::user::{IMAGES, Infra};

/// What the change does to files of the stacks: in this file, this text becomes that one.
const CHANGE: &[(&str, &str, &str)] = &[
    // A scale-up.
    ("notification/dev.yaml", "environment: dev\n", "environment: dev\nmin_tasks: 3\n"),
    // A port is a target group's for life: it is replaced.
    ("notification/stack.yaml", "  api_port: 8080\n", "  api_port: 8081\n"),
];
/// The alarm that is removed: from its name to the one after it.
const REMOVED: (&str, &str) = ("  QueueDepth:\n", "  DeadLetters:\n");

/// Ids and made names that are others with every run, and what stands in their place.
const RANDOM: &[(&str, &str)] = &[
    ("notification-dev-(LoadBa|Target)-[0-9a-z]{8}", "notification-dev-$1-0a1b2c3d"),
    ("/[0-9a-z]{16}\\b", "/0123456789abcdef"),
    ("-[0-9a-f]{17}\\b", "-0123456789abcdef0"),
];

const HEAD: &str = "\
<!-- Written by a test from a plan on the local AWS, with AWS's random ids made plain. -->

This is what `infra plan --format markdown` prints, and a pull request shows, for a change to `stacks/notification` that runs one task more
of each service, moves the API to port 8081 and removes the alarm of the queue's depth.

";

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_a_plan_is_what_infra_prints() {
    let local = LocalAws::start(Options::default()).await.unwrap();
    let infra = Infra::new(&local, "stacks/notification", "dev");
    infra.run("apply", &[IMAGES, &["--auto-approve"]].concat()).expect(0);

    let changed = tempfile::tempdir().unwrap();
    let stacks = changed.path().join("stacks");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks"), &stacks);
    for (file, old, new) in CHANGE {
        edit(&stacks.join(file), |text| text.replacen(old, new, 1));
    }
    edit(&stacks.join("components/alarms.yaml"), |text| {
        let (start, end) = (text.find(REMOVED.0).unwrap(), text.find(REMOVED.1).unwrap());
        format!("{}{}", &text[..start], &text[end..])
    });
    let plan = infra.within(changed.path()).run("plan", &[IMAGES, &["--format", "markdown"]].concat()).expect(0);
    local.stop().await;

    let mut text = plan.out.clone();
    for (id, plain) in RANDOM {
        text = Regex::new(id).unwrap().replace_all(&text, *plain).into_owned();
    }
    page::check("plan-example.md", &format!("{HEAD}{text}"));
}

fn edit(file: &Path, change: impl FnOnce(&str) -> String) {
    let old = fs::read_to_string(file).unwrap();
    let new = change(&old);
    assert_ne!(old, new, "the change finds nothing in {}", file.display());
    fs::write(file, new).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
