//! One check: a request on a connection of its own, and what its answer must be.

use std::error::Error;
use std::io;
use std::sync::Arc;

use reqwest::redirect::Policy;
use reqwest::{Client, Method, Url};

use super::Checker;
use super::resolver::Loopback;
use crate::stack::Probe;

/// More of a body than this, in bytes, is not read.
const MAX_BODY: usize = 1 << 20;

/// Makes the requests of a probe.
#[derive(Debug)]
pub(super) struct Requests {
    client: Client,
    method: Method,
    url: Url,
    probe: Probe,
}

impl Requests {
    pub(super) fn new(probe: &Probe, url: &str) -> Result<Self, String> {
        let client = Client::builder()
            .user_agent(concat!("infra/", env!("CARGO_PKG_VERSION"), " (probe)"))
            .timeout(probe.timeout)
            .redirect(Policy::none())
            .no_proxy()
            // Each check must find its own way: a kept connection says nothing of those that begin now.
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(Loopback))
            .build()
            .map_err(|error| why(&error))?;
        let url = url.parse::<Url>().map_err(|error| format!("`{url}` is no URL: {error}"))?;
        let method = probe.method.parse::<Method>().map_err(|error| error.to_string())?;
        Ok(Self { client, method, url, probe: probe.clone() })
    }

    /// The answer's status and body.
    async fn ask(&self) -> Result<(u16, Vec<u8>), reqwest::Error> {
        let mut answer = self.client.request(self.method.clone(), self.url.clone()).send().await?;
        let mut body = Vec::new();
        // An answer that is cut off is none, whatever its status.
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BODY {
                break;
            }
        }
        Ok((answer.status().as_u16(), body))
    }
}

impl Checker for Requests {
    async fn check(&self) -> Result<(), String> {
        let (status, body) = self.ask().await.map_err(|error| match error.is_timeout() {
            true => format!("no answer in {:?}", self.probe.timeout),
            false => why(&error),
        })?;
        if status != self.probe.status {
            return Err(format!("status {status}"));
        }
        match &self.probe.body {
            Some(wanted) if !String::from_utf8_lossy(&body).contains(wanted) => {
                Err(format!("a body without {wanted:?}"))
            }
            _ => Ok(()),
        }
    }
}

/// The cause at the bottom, in the words of the system where it is the system's.
fn why(error: &(dyn Error + 'static)) -> String {
    let (mut last, mut cause) = (error, Some(error));
    while let Some(error) = cause {
        // `tokio` and `hyper` wrap the system's error in others that say less.
        match error.downcast_ref::<io::Error>() {
            Some(system) if system.raw_os_error().is_some() => return system.kind().to_string(),
            _ => (last, cause) = (error, error.source()),
        }
    }
    last.to_string()
}
