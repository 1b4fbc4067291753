//! Plans that are saved, reviewed and applied later: exactly as they are, or not at all.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use infra::address::{Address, Id, OpId};
use infra::aws::AwsCloud;
use infra::cloud::{Cloud, Op};
use infra::value::Value;
use local_aws::{Control, LocalAws, Options};
use serde_json::json;
use tempfile::TempDir;

use crate::run::Run;

const STACK: &str = r#"
stack: mail
region: us-east-1
parameters:
  environment: { type: string, default: dev }
  password: { type: string, secret: true }
  delay: { type: integer, default: 0 }
resources:
  Queue: { component: ../parts/queue.yaml, with: { delay: "${params.delay}", note: "${file('texts/note.txt')}" } }
  Other:
    type: AWS::SQS::Queue
    properties:
      VisibilityTimeout: 40
      Tags:
        - { Key: password, Value: "${params.password}" }
        - { Key: from, Value: "${env('MAIL_FROM', 'nobody')}" }
outputs:
  url: ${Queue.url}
"#;

const QUEUE: &str = r#"
parameters:
  delay: { type: integer }
  note: { type: string }
resources:
  Queue:
    type: AWS::SQS::Queue
    properties:
      DelaySeconds: ${params.delay}
      Tags: [{ Key: note, Value: "${params.note}" }]
outputs:
  url: ${Queue.QueueUrl}
"#;

/// Nowhere but in the stack's own files and in AWS.
const SECRET: &str = "canary-8d1f";
const GIVEN: &[&str] = &["--set", "password=canary-8d1f"];

/// A user with a stack in a folder.
struct User {
    local: LocalAws,
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

trait Refused {
    /// It was refused, nothing was printed as a result, and all of `told` was said.
    fn refused(self, told: &[&str]) -> Self;
}

impl Refused for Run {
    #[track_caller]
    fn refused(self, told: &[&str]) -> Self {
        let run = self
            .expect(1)
            .says(told)
            .says(&["nothing was changed", "help: look again and save anew: infra plan mail -e dev"]);
        assert_eq!(run.out, "");
        assert!(!run.err.contains(SECRET), "{run}");
        run
    }
}

impl User {
    async fn new() -> Self {
        let local = LocalAws::start(Options::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let variables = local.environment().to_vec();
        let user = Self { local, folder, variables };
        user.write("mail/stack.yaml", STACK);
        user.write("parts/queue.yaml", QUEUE);
        user.write("mail/texts/note.txt", "hello");
        user
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn control(&self) -> &Control {
        self.local.control()
    }

    fn run_with(&self, variable: Option<(&str, &str)>, arguments: &[&str]) -> Run {
        let began = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_infra"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("INFRA_STATE")
            .env_remove("MAIL_FROM")
            .envs(self.variables.iter().cloned())
            .envs(variable)
            .output()
            .unwrap();
        Run::new(arguments.join(" "), output, began.elapsed())
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(None, arguments)
    }

    fn save(&self, arguments: &[&str]) -> Run {
        self.run(&[&["plan", "mail", "-e", "dev", "--out", "mail.plan"], GIVEN, arguments].concat())
    }

    fn apply_saved(&self) -> Run {
        self.run(&[&["apply", "mail.plan"], GIVEN].concat())
    }

    /// What AWS calls a queue.
    fn id(&self, address: &str) -> Id {
        let list = self.run(&["state", "list", "mail", "-e", "dev"]).expect(0).out;
        let line = list.lines().find(|line| line.split_whitespace().next() == Some(address)).unwrap();
        Id::new(line.split_whitespace().last().unwrap())
    }

    /// Somebody changes a queue by hand.
    async fn change(&self, address: &str, seconds: i64) {
        let cloud = AwsCloud::local("us-east-1", &self.local.endpoint()).await;
        let kind = cloud.catalog().get("AWS::SQS::Queue").unwrap().clone();
        let properties = |seconds: i64| Value::from(json!({ "VisibilityTimeout": seconds }));
        let (old, new) = (properties(seconds + 1), properties(seconds));
        cloud.update(&kind, &op(), &self.id(address), &old, &new).await.unwrap();
    }

    /// Somebody deletes a queue by hand.
    async fn delete(&self, address: &str) {
        let cloud = AwsCloud::local("us-east-1", &self.local.endpoint()).await;
        let kind = cloud.catalog().get("AWS::SQS::Queue").unwrap().clone();
        cloud.delete(&kind, &op(), &self.id(address)).await.unwrap();
    }

    /// What `work` does changes nothing in AWS.
    fn unchanged<T>(&self, work: impl FnOnce() -> T) -> T {
        self.control().clear_calls();
        let result = work();
        assert_eq!(self.control().calls().changing, 0, "{:?}", self.control().calls().counts);
        result
    }
}

fn op() -> Op {
    Op::new(OpId::generate(), Address::from("Hand"), "by".into(), "hand".into())
}

fn no_canary_below(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_canary_below(&path);
        } else {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains(SECRET), "{}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_applied_as_it_is_and_only_once() {
    let user = User::new().await;
    let saved = user.unchanged(|| user.save(&["--set", "delay=5", "--format", "markdown"]).expect(0));
    assert!(saved.out.starts_with("<!-- infra plan: mail/dev -->\n## Plan for `mail`"), "{}", saved.out);
    assert!(saved.err.contains("infra apply mail.plan"), "{}", saved.err);
    assert!(!saved.out.contains(SECRET) && saved.out.contains("(secret)"), "{}", saved.out);
    let file = user.folder.path().join("mail.plan");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    no_canary_below(user.folder.path());

    let without = user.unchanged(|| user.run(&["apply", "mail.plan"]).expect(64));
    assert!(without.err.contains("the secret parameter `password` is not saved"), "{}", without.err);
    let another = user.unchanged(|| user.run(&["apply", "mail.plan", "--set", "password=guess"]));
    another.refused(&["a value moved on", "the secret parameter `password` is another"]);

    // What was planned is what is done: the value of `delay` is in the plan.
    let applied = user.apply_saved().expect(0);
    assert!(applied.out.contains("Plan: 2 to create"), "{}", applied.out);
    let shown = user.run(&["state", "show", "mail", "-e", "dev", "Queue.Queue"]).expect(0);
    assert!(shown.out.contains("DelaySeconds: 5"), "{}", shown.out);
    let again = user.unchanged(|| user.apply_saved());
    again.refused(&["the record moved on", "record: entry 0 → ", ", by ", "infra apply"]);

    // A plan of nothing can be applied, and is nothing.
    user.save(&["--set", "delay=5", "--detailed-exitcode"]).expect(0);
    let nothing = user.unchanged(|| user.apply_saved().expect(0));
    assert!(nothing.out.starts_with("No changes."), "{}", nothing.out);
    let json = user.run(&[&["apply", "mail.plan", "--format", "json"], GIVEN].concat()).expect(0).out;
    let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(first["event"], "plan");

    // Another run came between.
    user.save(&["--set", "delay=6"]).expect(0);
    user.run(&[&["apply", "mail", "-e", "dev", "--auto-approve", "--set", "delay=7"], GIVEN].concat()).expect(0);
    user.unchanged(|| user.apply_saved()).refused(&["the record moved on", "record: entry "]);
    no_canary_below(user.folder.path());

    user.save(&["--target", "Other", "--set", "delay=8"]).expect(0);
    let targeted = user.apply_saved().expect(0);
    assert!(targeted.out.starts_with("No changes. 1 resource is"), "{}", targeted.out);
    user.local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_refused_where_the_stack_or_its_values_moved_on() {
    let user = User::new().await;
    user.save(&[]).expect(0);
    for (file, text) in [
        ("mail/stack.yaml", STACK.replace("40", "50")),
        ("mail/stack.yaml", format!("{STACK}# a comment\n")),
        ("mail/stack.yaml", "stack: [".to_owned()),
        ("parts/queue.yaml", format!("{QUEUE} ")),
        ("mail/texts/note.txt", "bye".to_owned()),
    ] {
        let before = fs::read_to_string(user.folder.path().join(file)).unwrap();
        user.write(file, &text);
        let told = format!("stack: {file} was edited");
        user.unchanged(|| user.apply_saved()).refused(&["the stack moved on", &told]);
        user.write(file, &before);
    }
    let note = user.folder.path().join("mail/texts/note.txt");
    fs::remove_file(&note).unwrap();
    user.unchanged(|| user.apply_saved()).refused(&["stack: mail/texts/note.txt is gone"]);
    fs::write(&note, "hello").unwrap();
    user.write("mail/dev.yaml", "delay: 9\n");
    user.unchanged(|| user.apply_saved()).refused(&["stack: mail/dev.yaml was added"]);
    fs::remove_file(user.folder.path().join("mail/dev.yaml")).unwrap();

    let arguments = [&["apply", "mail.plan"], GIVEN].concat();
    let from = user.unchanged(|| user.run_with(Some(("MAIL_FROM", "somebody")), &arguments));
    from.refused(&["a value moved on", "the environment variable `MAIL_FROM` is another"]);
    let elsewhere = [&arguments[..], &["--state", "elsewhere"]].concat();
    let elsewhere = user.unchanged(|| user.run(&elsewhere));
    elsewhere.refused(&["record: the one in elsewhere is not the one that it was made from", "--state .infra"]);
    assert!(!user.folder.path().join("elsewhere").exists(), "no record is begun by what is refused");
    let account = user.unchanged(|| user.run_with(Some(("AWS_ACCESS_KEY_ID", "210987654321")), &arguments));
    account.refused(&["account: 123456789012 was planned for, this is 210987654321"]);

    for (option, said) in [
        (&["-e", "prod"][..], "-e can't be given with a saved plan"),
        (&["--target", "Other"], "--target can't be given with a saved plan"),
        (&["--exclude", "Other"], "--exclude can't be given with a saved plan"),
        (&["--set", "delay=1"], "`delay` can't be given with a saved plan"),
    ] {
        let run = user.unchanged(|| user.run(&[&arguments[..], option].concat()).expect(64));
        assert!(run.err.contains(said), "{}", run.err);
    }
    let over = user.run(&[&["plan", "mail", "--out", "mail/stack.yaml"], GIVEN].concat()).expect(1);
    assert!(over.err.contains("is no saved plan: it is left as it is"), "{}", over.err);
    assert_eq!(fs::read_to_string(user.folder.path().join("mail/stack.yaml")).unwrap(), STACK);

    // After all that, nothing is different from when it was planned.
    user.apply_saved().expect(0);
    user.local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_refused_where_aws_moved_on() {
    let user = User::new().await;
    user.save(&[]).expect(0);
    user.apply_saved().expect(0);

    user.save(&["--set", "delay=3"]).expect(0);
    user.change("Other", 90).await;
    let drifted = user.unchanged(|| user.apply_saved());
    drifted.refused(&["AWS moved on", "AWS: Other: VisibilityTimeout: no change was planned, now it is 90 → 40"]);

    // Drift that was planned to be put back.
    user.save(&[]).expect(0);
    user.change("Other", 80).await;
    let drifted = user.unchanged(|| user.apply_saved());
    drifted.refused(&["AWS: Other: VisibilityTimeout: 90 → 40 was planned, now it is 80 → 40"]);
    user.change("Other", 40).await;
    user.unchanged(|| user.apply_saved()).refused(&["VisibilityTimeout: 90 → 40 was planned, now it needs no change"]);
    user.change("Other", 90).await;
    user.apply_saved().expect(0);

    user.save(&["--set", "delay=3"]).expect(0);
    user.delete("Queue.Queue").await;
    user.unchanged(|| user.apply_saved()).refused(&["AWS: Queue.Queue was deleted outside infra"]);
    user.local.stop().await;
}
