use super::support::User;

const STACK: &str = r#"
parameters:
  password: { type: string, secret: true, default: hunter2 }
resources:
  Secret:
    type: Test::App::Secret
    properties: { SecretString: "${params.password}", Description: smtp }
  Service:
    type: Test::App::Service
    properties:
      Password: "${params.password}"
      Containers: [{ Name: a, Image: x, Environment: { TOKEN: "${params.password}", OTHER: "${Secret.GeneratedValue}" } }]
outputs:
  password: { value: "${params.password}", secret: true }
"#;

#[tokio::test(start_paused = true)]
async fn a_secret_is_in_no_plan_and_no_state_and_its_change_is_seen() {
    let user = User::new();
    user.applied(STACK).await;
    let next = STACK.replace("hunter2", "hunter3");
    let planned = user.try_plan(&next).await.unwrap();
    let text = user.plan(&next).await;
    let expected = concat!(
        "~ Secret\n    SecretString: secret → secret\n",
        "~ Service after Secret\n    Containers[0].Environment.TOKEN: secret → secret\n    Password: secret → secret\n",
        "output password: secret → secret\n",
    );
    assert_eq!(text, expected);
    let json = serde_json::to_string(&planned.plan).unwrap();
    let log = infra::state::LogKey::new("shop", "default");
    let entries = user.store.read(&log, 1).await.unwrap();
    let stored: String = entries.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect();
    for text in [&json, &stored, &format!("{planned:?}"), &format!("{:?}", user.events())] {
        assert!(!text.contains("hunter"), "{text}");
    }
    assert!(stored.contains("infra:secret"));
    user.applied(&next).await;
    assert_eq!(user.property("Service", "Password"), "hunter3");
}

#[tokio::test(start_paused = true)]
async fn a_secret_set_by_hand_is_drift_that_shows_neither_value() {
    let user = User::new();
    user.applied(STACK).await;
    user.cloud.edit(&user.id("Service"), |properties| {
        if let infra::value::Value::Map(properties) = properties {
            properties.insert("Password".to_owned(), infra::value::Value::from("by hand"));
        }
    });
    assert_eq!(user.plan(STACK).await, "~ Service\n    Password: secret → secret [drift]\n");
    let plan = user.try_plan(STACK).await.unwrap().plan;
    assert!(!serde_json::to_string(&plan).unwrap().contains("by hand"));
}
