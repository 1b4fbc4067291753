//! Works queued notifications off and sends them through SES. For now it only tells that it is alive.

use std::env;
use std::io::Error;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const DEFAULT_PORT: u16 = 8080;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = match env::var("PORT") {
        Ok(text) => {
            text.parse().map_err(|_| Error::other(format!("PORT is {text:?}, not a port number (0 to 65535)")))?
        }
        Err(_) => DEFAULT_PORT,
    };
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    axum::serve(listener, router())
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await
}

fn router() -> Router {
    Router::new().route("/health", get(health).post(health))
}

async fn health() -> &'static str {
    "ok"
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    async fn request(line: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, router()).await });
        let mut stream = TcpStream::connect(address).await.unwrap();
        let text = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        server.abort();
        answer
    }

    #[tokio::test]
    async fn health_answers_ok_to_get_and_post() {
        for method in ["GET", "POST"] {
            let answer = request(&format!("{method} /health")).await;
            assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
            assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
        }
    }

    #[tokio::test]
    async fn other_paths_are_not_found() {
        assert!(request("GET /").await.starts_with("HTTP/1.1 404"));
    }
}
