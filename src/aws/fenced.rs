//! Requests that leave this process only while the fence is open.
//!
//! Between the SDK's attempt and the bytes on the wire a connection is made, TLS is negotiated and a task of the HTTP
//! client is waited for; a process can be frozen in all of that. The HTTP client asks a request for its body when it
//! writes it, so the [`Fence`] is asked there as well.

use std::pin::Pin;
use std::task::{Context, Poll};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::{self, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::cloud::fence::{self, Fence};

/// The request was not sent.
#[derive(Debug, thiserror::Error)]
#[error("not sent, because this process stood still for so long that another may work on the stack now")]
pub struct Fenced;

/// The request, to be sent behind the fence of the work that this is part of, if it has one.
///
/// # Errors
///
/// [`Fenced`], where the fence is closed already. Where it closes later, the HTTP client's error has it as a cause.
pub fn behind_fence(mut request: HttpRequest) -> Result<HttpRequest, Fenced> {
    let Some(fence) = fence::current() else { return Ok(request) };
    if !fence.is_open() {
        return Err(Fenced);
    }
    let body = std::mem::replace(request.body_mut(), SdkBody::taken());
    *request.body_mut() = SdkBody::from_body_1_x(FencedBody { body, fence });
    Ok(request)
}

/// A body that fails once the fence is closed, and its request with it: over HTTP/1 the client writes a head together with
/// the beginning of its body, so nothing is written; over HTTP/2 the stream is reset before the request is complete.
struct FencedBody {
    body: SdkBody,
    fence: Fence,
}

impl Body for FencedBody {
    type Data = Bytes;
    type Error = body::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, body::Error>>> {
        let this = self.get_mut();
        match this.fence.is_open() {
            true => Pin::new(&mut this.body).poll_frame(cx),
            false => Poll::Ready(Some(Err(Fenced.into()))),
        }
    }

    /// Behind a closed fence there is always something to come: the failure.
    fn is_end_stream(&self) -> bool {
        self.fence.is_open() && Body::is_end_stream(&self.body)
    }

    fn size_hint(&self) -> SizeHint {
        match self.fence.is_open() {
            true => Body::size_hint(&self.body),
            // An empty body would not be asked for.
            false => SizeHint::with_exact(Body::size_hint(&self.body).exact().unwrap_or_default().max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use aws_smithy_http_client::Connector;
    use aws_smithy_runtime_api::client::http::HttpConnector as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::aws::once;

    /// What a server receives of a request, the fence of which is closed when the HTTP client comes to write it, or not.
    async fn received(method: &str, body: &'static str, closes: bool) -> (String, Result<u16, String>) {
        let server = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method(method).expect("a method");
        request.set_uri(format!("http://{}/", server.local_addr().expect("its address"))).expect("a URI");
        let served = tokio::spawn(async move {
            let (mut stream, _) = server.accept().await.expect("a connection");
            let mut received = vec![0; 4096];
            let length = stream.read(&mut received).await.unwrap_or(0);
            let _gone = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            String::from_utf8_lossy(&received[..length]).into_owned()
        });

        let open = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&open);
        let sent = Fence::new(move || asked.load(Ordering::SeqCst)).around(async {
            let request = behind_fence(request).expect("it is open");
            open.store(!closes, Ordering::SeqCst);
            Connector::builder().build_http().call(request).await
        });
        let answer = sent.await.map(|response| response.status().as_u16());
        let answer = answer.map_err(|error| {
            let root = once::causes(&error).last().expect("itself");
            root.to_string()
        });
        (served.await.expect("it ends"), answer)
    }

    #[tokio::test]
    async fn nothing_is_written_once_the_fence_is_closed() {
        for (method, body) in [("POST", "Action=CreateVpc"), ("POST", ""), ("DELETE", ""), ("GET", "")] {
            let (received, answer) = self::received(method, body, true).await;
            assert_eq!(received, "", "{method} {body}");
            assert!(answer.as_ref().is_err_and(|why| why.starts_with("not sent")), "{method} {body}: {answer:?}");
        }
    }

    #[tokio::test]
    async fn an_open_fence_changes_nothing() {
        for (method, body, framed) in [("POST", "a=b", "content-length: 3"), ("DELETE", "", ""), ("GET", "", "")] {
            let (received, answer) = self::received(method, body, false).await;
            assert_eq!(answer, Ok(204), "{method} {body}");
            let (head, rest) = received.split_once("\r\n\r\n").expect("a head");
            assert!(head.starts_with(method), "{received}");
            assert_eq!(rest, body);
            let length = head.lines().find(|line| line.starts_with("content-length") || line.starts_with("transfer"));
            assert_eq!(length.unwrap_or_default(), framed, "{received}");
        }
    }

    #[tokio::test]
    async fn a_closed_fence_refuses_at_once_and_no_fence_refuses_nothing() {
        let request = || HttpRequest::new(SdkBody::from("a"));
        assert!(behind_fence(request()).is_ok_and(|request| request.body().bytes() == Some(b"a")));
        let refused = Fence::new(|| false).around(async { behind_fence(request()).is_err() });
        assert!(refused.await);
    }
}
