//! What is taken, and how it is answered.

use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::support::{Does, post, start, text};

const SEED: &str =
    r#"{"message": "Dear ones, I think it is possible for ordinary people to choose to be extraordinary!"}"#;

#[tokio::test]
async fn the_seeds_request_gets_the_seeds_answer() {
    let api = start(Does::Take, &[]);
    let (status, answer) = api.send(SEED).await;
    assert_eq!((status, answer.as_str()), (StatusCode::OK, "Notification queued successfully"));
    let taken = api.queue.taken();
    assert_eq!(taken.len(), 1);
    assert!(taken[0].message.starts_with("Dear ones, "));
    assert_eq!(taken[0].to, "ops@example.org");
    assert_eq!(api.queue.keys(), [taken[0].id.as_str()]);
}

#[tokio::test]
async fn everything_that_is_asked_for_reaches_the_queue() {
    let api = start(Does::Take, &[]);
    let body =
        r#"{"message":"m","to":"ada@example.org","subject":"s","template_data":{"b":1,"a":2},"idempotency_key":"k-1"}"#;
    let response = api.call(post().body(Body::from(body)).unwrap()).await;
    let named = response.headers()["x-notification-id"].to_str().unwrap().to_owned();
    let taken = api.queue.taken().remove(0);
    assert_eq!(taken.id, named);
    assert_eq!((taken.to.as_str(), taken.subject.as_deref()), ("ada@example.org", Some("s")));
    assert_eq!(serde_json::to_string(&taken.template_data).unwrap(), r#"{"b":1,"a":2}"#);
    assert_eq!(taken.idempotency_key.as_deref(), Some("k-1"));
    assert_eq!(api.queue.keys(), ["k-1"]);
}

#[tokio::test]
async fn a_request_keeps_its_id_or_gets_one() {
    let api = start(Does::Take, &[]);
    let given = api.call(post().header("x-request-id", "r-1").body(Body::from(SEED)).unwrap()).await;
    assert_eq!(given.headers()["x-request-id"], "r-1");
    let made = api.call(Request::get("/nowhere").body(Body::empty()).unwrap()).await;
    assert_eq!(made.headers()["x-request-id"].len(), 26);
    let long =
        api.call(Request::get("/health").header("x-request-id", "r".repeat(129)).body(Body::empty()).unwrap()).await;
    assert_eq!(long.headers()["x-request-id"].len(), 26);
}

#[tokio::test]
async fn health_answers_ok_to_get_and_post() {
    let api = start(Does::Take, &[("API_KEY", "secret")]);
    for method in ["GET", "POST"] {
        let request = Request::builder().method(method).uri("/health").body(Body::empty()).unwrap();
        assert_eq!(text(api.call(request).await).await, (StatusCode::OK, "ok".into()), "{method}");
    }
}

#[tokio::test]
async fn readiness_is_apart_from_liveness() {
    let api = start(Does::Take, &[]);
    let get = async |path: &str| text(api.call(Request::get(path).body(Body::empty()).unwrap()).await).await;
    let queue = api.context.health.condition("queue");
    assert_eq!(get("/ready").await, (StatusCode::SERVICE_UNAVAILABLE, "queue: not known yet".into()));
    queue.set(Ok(()));
    assert_eq!(get("/ready").await, (StatusCode::OK, "ready".into()));
    api.context.health.drain();
    assert_eq!(get("/ready").await, (StatusCode::SERVICE_UNAVAILABLE, "draining".into()));
    assert_eq!(get("/health").await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_description_is_served() {
    let api = start(Does::Take, &[]);
    let response = api.call(Request::get("/openapi.json").body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    let (status, body) = text(response).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.contains("/send-notification"), "{body}");
}

#[tokio::test]
async fn a_repetition_is_answered_with_the_same_name() {
    let api = start(Does::Take, &[]);
    let mut names = Vec::new();
    for key in ["a", "a", "b"] {
        let body = format!(r#"{{"message":"{}","idempotency_key":"{key}"}}"#, names.len());
        let response = api.call(post().body(Body::from(body)).unwrap()).await;
        names.push(response.headers()["x-notification-id"].to_str().unwrap().to_owned());
    }
    assert_eq!(names[0], names[1]);
    assert_ne!(names[0], names[2]);
    assert_eq!(api.queue.taken().iter().map(|taken| taken.id.clone()).collect::<Vec<_>>(), names);
}
