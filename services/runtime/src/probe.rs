//! The container's own health check, since an image from scratch has no shell and no curl.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long each of connecting, asking and answering may take.
const PATIENCE: Duration = Duration::from_secs(2);
const REQUEST: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Asks the service on this machine's `port` whether it lives.
///
/// # Errors
/// Why it does not seem to.
pub fn health(port: u16) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(REQUEST)?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.lines().next().unwrap_or_default();
    if status.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(io::Error::other(format!("{status}: {body}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Health, router};
    use tokio::net::TcpListener;
    use tokio::task::spawn_blocking;

    #[tokio::test]
    async fn it_tells_life_from_death() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Health::default();
        let server = tokio::spawn(axum::serve(listener, router(state.clone())).into_future());
        spawn_blocking(move || health(port)).await.unwrap().unwrap();

        let _silent_at_once = state.heartbeat("the loop", Duration::ZERO);
        let error = spawn_blocking(move || health(port)).await.unwrap().unwrap_err();
        assert!(error.to_string().contains("503"), "{error}");
        assert!(error.to_string().contains("the loop is silent"), "{error}");

        server.abort();
        assert!(server.await.unwrap_err().is_cancelled());
        assert!(spawn_blocking(move || health(port)).await.unwrap().is_err());
    }
}
