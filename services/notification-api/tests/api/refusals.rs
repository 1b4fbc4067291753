//! What is turned away, and what is said of it.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures::stream;
use notification_api::refusal::Fault;

use crate::support::{Does, post, problem, start};

#[tokio::test]
async fn every_fault_of_a_notification_is_named_at_once() {
    let api = start(Does::Take, &[]);
    let cases: [(&str, u16, &[&str]); 7] = [
        (r#"{"message":" ","to":"nobody"}"#, 422, &["message", "to"]),
        (r#"{"message":"m","subject":"a\nb","idempotency_key":""}"#, 422, &["subject", "idempotency_key"]),
        (r#"{"to":"nobody"}"#, 400, &["to", "message"]),
        (r#"{"message":7,"to":["a@example.org"],"cc":"b@example.org"}"#, 400, &["message", "to", "cc"]),
        ("[]", 400, &[]),
        ("", 400, &[]),
        (r#"{"message": "#, 400, &[]),
    ];
    for (body, status, fields) in cases {
        let (got, answer, mut named) = problem(api.call(post().body(Body::from(body)).unwrap()).await).await;
        let mut fields = fields.to_vec();
        named.sort();
        fields.sort_unstable();
        assert_eq!(
            (got, named.as_slice()),
            (status, fields.iter().map(|f| (*f).to_owned()).collect::<Vec<_>>().as_slice()),
            "{body}"
        );
        assert!(!answer.to_string().contains("example.org"), "{answer}");
    }
    assert!(api.queue.taken().is_empty());
}

#[tokio::test]
async fn without_a_default_a_notification_must_say_where_it_goes() {
    let api = start(Does::Take, &[("DEFAULT_RECIPIENT", "")]);
    let (status, answer, fields) =
        problem(api.call(post().body(Body::from(r#"{"message":"m"}"#)).unwrap()).await).await;
    assert_eq!((status, fields.as_slice()), (400, ["to".to_owned()].as_slice()), "{answer}");
}

#[tokio::test]
async fn only_json_is_taken() {
    let api = start(Does::Take, &[]);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        let request = Request::post("/send-notification").header("content-type", kind).body(Body::from("{}")).unwrap();
        assert_eq!(problem(api.call(request).await).await.0, 415, "{kind}");
    }
    let request = Request::post("/send-notification")
        .header("content-type", "Application/JSON; charset=utf-8")
        .body(Body::from(r#"{"message":"m"}"#))
        .unwrap();
    assert_eq!(api.call(request).await.status(), 200);
}

#[tokio::test]
async fn what_is_larger_than_a_message_may_be_is_turned_away() {
    let api = start(Does::Take, &[("MAX_MESSAGE_BYTES", "1024")]);
    let body = |size: usize| format!(r#"{{"message":"{}"}}"#, "m".repeat(size));
    assert_eq!(api.send(body(700)).await.0, 200);
    // The request would fit, but what the queue needs to know besides does not.
    for size in [1000, 5000] {
        let (status, answer, _) = problem(api.call(post().body(Body::from(body(size))).unwrap()).await).await;
        assert_eq!(status, 413, "{answer}");
    }
}

#[tokio::test]
async fn where_there_is_a_key_it_must_be_presented() {
    let api = start(Does::Take, &[("API_KEY", "secret")]);
    let body = || Body::from(r#"{"message":"m"}"#);
    let without = api.call(post().body(body()).unwrap()).await;
    assert_eq!(without.headers()["www-authenticate"], "Bearer");
    assert_eq!(problem(without).await.0, 401);
    assert_eq!(api.call(post().header("x-api-key", "wrong").body(body()).unwrap()).await.status(), 401);
    assert_eq!(api.call(post().header("x-api-key", "secret").body(body()).unwrap()).await.status(), 200);
    assert_eq!(api.call(post().header("authorization", "Bearer secret").body(body()).unwrap()).await.status(), 200);
    assert_eq!(api.queue.taken().len(), 2);
}

#[tokio::test]
async fn a_failing_queue_is_never_answered_with_success() {
    let api = start(Does::Refuse(Fault::Queue), &[]);
    let response = api.call(post().body(Body::from(r#"{"message":"m"}"#)).unwrap()).await;
    assert_eq!(response.headers()["retry-after"], "1");
    let (status, answer, _) = problem(response).await;
    assert_eq!(status, 503);
    assert!(!answer.to_string().contains("NonExistentQueue"), "AWS's words are for the log: {answer}");
}

#[tokio::test]
async fn only_of_what_passes_a_caller_is_told_to_come_again() {
    for (fault, status) in [(Fault::Size, 413), (Fault::Characters, 422), (Fault::Service, 500), (Fault::Queue, 503)] {
        let api = start(Does::Refuse(fault), &[]);
        let response = api.call(post().body(Body::from(r#"{"message":"m"}"#)).unwrap()).await;
        assert_eq!(response.headers().contains_key("retry-after"), status == 503, "{fault:?}");
        let (answered, answer, _) = problem(response).await;
        assert_eq!(answered, status, "{fault:?}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_hangs_is_given_up_in_time() {
    let api = start(Does::Hang, &[("REQUEST_TIMEOUT_SECONDS", "2")]);
    let before = tokio::time::Instant::now();
    let response = api.call(post().body(Body::from(r#"{"message":"m"}"#)).unwrap()).await;
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(problem(response).await.0, 503);
    assert_eq!(before.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up_in_time() {
    let api = start(Does::Take, &[("REQUEST_TIMEOUT_SECONDS", "2")]);
    let endless = Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
    assert_eq!(problem(api.call(post().body(endless).unwrap()).await).await.0, 408);
}

#[tokio::test]
async fn more_requests_than_can_be_served_are_turned_away_and_health_still_answers() {
    let api = start(Does::Hang, &[("MAX_CONCURRENCY", "2")]);
    let body = || Body::from(r#"{"message":"m"}"#);
    let held: Vec<_> = (0..2)
        .map(|_| {
            let (router, request) = (api.router.clone(), post().body(body()).unwrap());
            tokio::spawn(tower::ServiceExt::oneshot(router, request))
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let response = api.call(post().body(body()).unwrap()).await;
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(problem(response).await.0, 503);
    assert_eq!(api.call(Request::get("/health").body(Body::empty()).unwrap()).await.status(), 200);
    api.queue.let_go();
    for held in held {
        assert_eq!(held.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(api.queue.taken().len(), 2);
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_are_said_not_to() {
    let api = start(Does::Take, &[]);
    assert_eq!(problem(api.call(Request::get("/").body(Body::empty()).unwrap()).await).await.0, 404);
    let get = Request::get("/send-notification").body(Body::empty()).unwrap();
    assert_eq!(problem(api.call(get).await).await.0, 405);
}

#[tokio::test]
async fn what_there_is_no_memory_for_is_turned_away_and_comes_again() {
    let api = start(Does::Hang, &[("MAX_BYTES_IN_FLIGHT", "1048576")]);
    let large = || Body::from(format!(r#"{{"message":"{}"}}"#, "m".repeat(250_000)));
    let held: Vec<_> = (0..4)
        .map(|_| {
            let (router, request) = (api.router.clone(), post().body(large()).unwrap());
            tokio::spawn(tower::ServiceExt::oneshot(router, request))
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let response = api.call(post().body(large()).unwrap()).await;
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(problem(response).await.0, 503);
    api.queue.let_go();
    for held in held {
        assert_eq!(held.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(api.call(post().body(large()).unwrap()).await.status(), 200);
    assert_eq!(api.queue.taken().len(), 5);
}

#[tokio::test]
async fn values_without_number_are_turned_away() {
    let api = start(Does::Take, &[]);
    let body = format!(r#"{{"message":"m","template_data":{{"a":[{}]}}}}"#, vec!["[]"; 80_000].join(","));
    let (status, answer, _) = problem(api.call(post().body(Body::from(body)).unwrap()).await).await;
    assert_eq!(status, 413, "{answer}");
    assert!(api.queue.taken().is_empty());
}

#[tokio::test(start_paused = true)]
async fn whatever_is_not_confirmed_is_counted_once() {
    for (does, expected) in [
        (Does::Take, 0),
        (Does::Refuse(Fault::Queue), 1),
        (Does::Refuse(Fault::Service), 1),
        (Does::Refuse(Fault::Size), 0),
        (Does::Hang, 1),
    ] {
        let api = start(does, &[]);
        api.call(post().body(Body::from(r#"{"message":"m"}"#)).unwrap()).await;
        let line: serde_json::Value = serde_json::from_slice(&api.context.metrics.line().unwrap()).unwrap();
        assert_eq!(line["NotQueued"], expected, "{does:?}: {line}");
    }
}
