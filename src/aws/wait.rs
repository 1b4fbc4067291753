//! One way to wait: ask again, ever less often, until it is so, has failed, or has taken too long.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::client::Aws;
use super::resource::Result;
use crate::cloud::{CloudError, ErrorKind};

/// What a look at something awaited says.
#[derive(Debug)]
pub enum Probe<T> {
    /// It is as it should be.
    Ready(T),
    /// Not yet; in a few words, how it stands.
    Pending(String),
    /// It will never be; why.
    Failed(String),
}

/// Times between two looks.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// From a second up to fifteen, scaled by the cloud's pace.
    pub fn new(aws: &Aws) -> Self {
        Self { next: aws.scaled(Duration::from_secs(1)), longest: aws.scaled(Duration::from_secs(15)) }
    }

    /// Waits until it is time for the next look.
    pub async fn pause(&mut self) {
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 3 / 2).min(self.longest);
    }
}

/// Looks with `probe` until it is ready. Errors of the probe end the wait; `operation` names the call that it makes.
pub async fn until<T, F, Fut>(aws: &Aws, operation: &str, timeout: Duration, mut probe: F) -> Result<T>
where
    F: FnMut() -> Fut + Send,
    Fut: Future<Output = Result<Probe<T>>> + Send,
{
    let started = Instant::now();
    let mut backoff = Backoff::new(aws);
    loop {
        match probe().await? {
            Probe::Ready(value) => return Ok(value),
            Probe::Failed(why) => return Err(CloudError::new(ErrorKind::Unsettled, operation, why)),
            Probe::Pending(state) if started.elapsed() >= timeout => {
                let message = format!("still {state} after {} s", started.elapsed().as_secs());
                return Err(CloudError::new(ErrorKind::Unsettled, operation, message));
            }
            Probe::Pending(_) => backoff.pause().await,
        }
    }
}
