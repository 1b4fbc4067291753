//! The images that are deployed: both services, and versions of the API that fail in the ways that versions do.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A version of the API that cannot read its configuration: it ends at once, with exit code 64.
pub(crate) const DIES_AT_START: &str = "dies-at-start";
/// A version that listens where nobody asks: its health check never succeeds.
pub(crate) const UNHEALTHY: &str = "unhealthy";
/// A version that serves for three seconds and ends with exit code 3.
pub(crate) const DIES_LATER: &str = "dies-later";

/// What the version that dies later runs: the service, until it has had enough.
const DIES_LATER_SOURCE: &str = r#"
use std::process::{Command, exit};
use std::{thread, time::Duration};

fn main() {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if !arguments.is_empty() {
        // The container health check.
        exit(Command::new("/service").args(arguments).status().unwrap().code().unwrap_or(1));
    }
    let mut service = Command::new("/service").spawn().unwrap();
    thread::sleep(Duration::from_secs(3));
    println!("the pool of connections is exhausted, giving up");
    service.kill().unwrap();
    exit(3);
}
"#;

/// Images of this run, which are removed with it.
pub(crate) struct Images {
    tags: Vec<String>,
    run: u32,
}

impl Images {
    /// Builds both services as they are released, and the versions of the API from them.
    pub(crate) fn build(target: &Path) -> Self {
        let mut images = Self { tags: Vec::new(), run: std::process::id() };
        let released = images.name("released", 1);
        let tag = released.rsplit_once(':').unwrap().1.to_owned();
        let mut build = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/ci/build-images"));
        succeed(build.arg(&tag).env("CARGO_TARGET_DIR", target.join("images")));
        let (api, sender) = (format!("notification-api:{tag}"), format!("email-sender:{tag}"));
        images.tags.extend([api.clone(), sender]);

        images.derive("api", 1, &api, "LABEL version=1", None);
        images.derive("api", 2, &api, "LABEL version=2", None);
        images.derive(DIES_AT_START, 3, &api, "ENV BATCH_LINGER_MS=soon", None);
        images.derive(UNHEALTHY, 4, &api, "ENV PORT=9090", None);
        let end = "COPY dies-later /dies-later\nENTRYPOINT [\"/dies-later\"]";
        images.derive(DIES_LATER, 5, &api, end, Some(DIES_LATER_SOURCE));
        images
    }

    /// The API's image of a version.
    pub(crate) fn api(&self, kind: &str, version: u32) -> String {
        self.name(kind, version)
    }

    /// The sender's image.
    pub(crate) fn sender(&self) -> String {
        self.tags[1].clone()
    }

    fn name(&self, kind: &str, version: u32) -> String {
        format!("zero-downtime-{kind}:{version}-{}", self.run)
    }

    /// Builds an image from `base`, with a static program of that `source` beside it.
    fn derive(&mut self, kind: &str, version: u32, base: &str, lines: &str, source: Option<&str>) {
        let folder = TempDir::new().unwrap();
        if let Some(source) = source {
            let file = folder.path().join("main.rs");
            fs::write(&file, source).unwrap();
            let flags = ["--edition", "2024", "-O", "-C", "strip=symbols", "-C", "target-feature=+crt-static"];
            let mut rustc = Command::new("rustc");
            succeed(rustc.args(flags).arg("-o").arg(folder.path().join(kind)).arg(file));
        }
        fs::write(folder.path().join("Dockerfile"), format!("FROM {base}\n{lines}\n")).unwrap();
        let name = self.name(kind, version);
        succeed(Command::new("docker").args(["build", "--quiet", "--tag", &name]).arg(folder.path()));
        self.tags.push(name);
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        // What is left is a matter of disk space.
        let _left = Command::new("docker").args(["rmi", "--force"]).args(&self.tags).output();
    }
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{told}");
}
