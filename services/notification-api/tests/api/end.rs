//! The end of a service that is in use.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::support::{Api, DRAIN, Does, start};

async fn listen(api: &Api) -> (SocketAddr, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (router, context, end) = (api.router.clone(), api.context.clone(), api.end.clone());
    (address, tokio::spawn(async move { notification_api::listen(listener, router, &context, end).await }))
}

async fn begin(stream: &mut TcpStream) {
    let body = r#"{"message":"m"}"#;
    let head = "POST /send-notification HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length";
    stream.write_all(format!("{head}: {}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
}

/// Reads one answer with its body, from a connection that may stay open.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"successfully") {
        let mut chunk = [0; 1024];
        let read = timeout(Duration::from_secs(10), stream.read(&mut chunk)).await.unwrap().unwrap();
        assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&chunk[..read]);
    }
    String::from_utf8(text).unwrap().to_ascii_lowercase()
}

#[tokio::test]
async fn a_service_that_ends_serves_on_and_asks_for_connections_to_be_closed() {
    let api = start(Does::Take, &[]);
    let (address, server) = listen(&api).await;
    let mut old = TcpStream::connect(address).await.unwrap();
    begin(&mut old).await;
    assert!(!answer(&mut old).await.contains("connection: close"));

    api.context.shutdown.request();
    begin(&mut old).await;
    let last = answer(&mut old).await;
    assert!(last.starts_with("http/1.1 200") && last.contains("connection: close"), "{last}");
    assert_eq!(old.read(&mut [0; 1]).await.unwrap(), 0, "the connection is closed after its last answer");

    let mut new = TcpStream::connect(address).await.unwrap();
    begin(&mut new).await;
    assert!(answer(&mut new).await.contains("connection: close"));
    assert_eq!(api.context.health.ready(), Err("draining".into()));
    assert_eq!(api.context.health.live(), Ok(()));

    assert_eq!(server.await.unwrap(), 0);
    assert!(TcpStream::connect(address).await.is_err());
    assert_eq!(api.queue.taken().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn connections_are_taken_for_as_long_as_notifications_come() {
    let api = start(Does::Take, &[]);
    let (address, server) = listen(&api).await;
    api.context.shutdown.request();
    for _ in 0..20 {
        sleep(DRAIN).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        begin(&mut stream).await;
        assert!(answer(&mut stream).await.starts_with("http/1.1 200"));
    }
    assert_eq!(server.await.unwrap(), 0);
    assert_eq!(api.queue.taken().len(), 20);
}

#[tokio::test]
async fn what_is_under_way_is_answered_however_long_the_drain_was() {
    let api = start(Does::Hang, &[]);
    let (address, server) = listen(&api).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    begin(&mut stream).await;
    sleep(Duration::from_millis(50)).await;
    api.context.shutdown.request();
    sleep(DRAIN + Duration::from_millis(1500)).await;
    assert!(!server.is_finished());
    api.queue.let_go();
    assert!(answer(&mut stream).await.starts_with("http/1.1 200"));
    assert_eq!(server.await.unwrap(), 0);
    assert_eq!(api.queue.taken().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_budget_ends_what_does_not_end() {
    let api = start(Does::Hang, &[("REQUEST_TIMEOUT_SECONDS", "60")]);
    let (address, server) = listen(&api).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    begin(&mut stream).await;
    let before = tokio::time::Instant::now();
    api.context.shutdown.request();
    assert_eq!(server.await.unwrap(), 1, "what is cut off is told");
    assert_eq!(before.elapsed().as_secs(), api.context.shutdown.budget().as_secs());
}

#[tokio::test(start_paused = true)]
async fn half_a_head_does_not_hold_the_end_up_and_is_no_request() {
    let api = start(Does::Take, &[]);
    let (address, server) = listen(&api).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"POST /send-notification HTTP/1.1\r\nHost: a").await.unwrap();
    let mut served = TcpStream::connect(address).await.unwrap();
    begin(&mut served).await;
    answer(&mut served).await;
    let before = tokio::time::Instant::now();
    api.context.shutdown.request();
    assert_eq!(server.await.unwrap(), 0);
    assert!(before.elapsed() < DRAIN + Duration::from_secs(3), "{:?}", before.elapsed());
    assert_eq!(half.read(&mut [0; 1]).await.unwrap(), 0);
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_to_its_end_is_given_up() {
    let api = start(Does::Take, &[]);
    let (address, _server) = listen(&api).await;
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"POST /send-notification HTTP/1.1\r\nHost: a").await.unwrap();
    let before = tokio::time::Instant::now();
    half.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 75);
}
