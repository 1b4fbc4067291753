//! What an apply tells beside what it did: warnings, and the places that a failure may come from.

use infra::apply::{Event, Outcome};
use infra::cloud::fake::{Effect, Fault, Verb};
use infra::cloud::{CloudError, Detail, ErrorKind};

use super::support::User;

fn stack(version: u32) -> String {
    format!(
        r#"
parameters:
  password: {{ type: string, secret: true, default: hunter2 }}
resources:
  Queue: {{ type: Test::App::Queue, properties: {{ DelaySeconds: {version} }} }}
  Secret: {{ type: Test::App::Secret, properties: {{ SecretString: "${{params.password}}" }} }}
  Service:
    type: Test::App::Service
    properties: {{ Containers: [{{ Name: a, Image: "app:{version}", Environment: {{ QUEUE: "${{Queue.QueueUrl}}" }} }}] }}
"#
    )
}

fn detail() -> Detail {
    Detail { about: "1 task died".to_owned(), lines: vec!["it signed in with hunter2".to_owned()] }
}

#[tokio::test(start_paused = true)]
async fn a_success_that_says_something_is_reported_with_its_place_and_without_secrets() {
    let user = User::new();
    user.cloud.inject(Fault::new(Effect::Warn(detail())).on(Verb::Settle).at("Service"));
    let report = user.apply(&stack(1)).await;
    assert_eq!(report.outcome, Outcome::Done);
    let [warning] = report.warnings.as_slice() else { panic!("{:?}", report.warnings) };
    assert_eq!(warning.address.as_str(), "Service");
    assert_eq!(warning.detail, Detail { lines: vec!["it signed in with (secret)".to_owned()], ..detail() });
    assert_eq!(warning.place.as_ref().map(|place| place.line), Some(9));
    assert!(user.apply(&stack(1)).await.warnings.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failure_tells_at_once_what_changed_of_what_it_depends_on() {
    let user = User::new();
    user.applied(&stack(1)).await;
    let error = CloudError::new(ErrorKind::Unsettled, "fake:Update", "it was rolled back");
    let error = CloudError { details: vec![detail()], ..error };
    user.cloud.inject(Fault::new(Effect::Fail(error)).on(Verb::Update).at("Service"));
    let report = user.apply(&stack(2)).await;
    let related = user.events().into_iter().find_map(|event| match event {
        Event::Failed { related, .. } => Some(related),
        _ => None,
    });
    let told = |related: &[infra::apply::Related]| -> Vec<_> {
        related.iter().map(|related| (related.note.clone(), related.place.line)).collect()
    };
    assert_eq!(told(&related.unwrap()), [("`DelaySeconds` of Queue changed".to_owned(), 7)]);
    assert_eq!(told(&report.failed[0].related), [("`DelaySeconds` of Queue changed".to_owned(), 7)]);
}
