//! The configuration of AWS clients in a container that holds one binary and nothing else.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, HttpClientError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest wait before the first repetition; the SDK's own second is longer than a request may wait.
const INITIAL_BACKOFF: Duration = Duration::from_millis(100);

/// How long calls may take, and how often they are tried.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long one attempt may take, until its answer is read.
    pub attempt: Duration,
    /// How long a call may take with all its attempts and the waits between them.
    pub call: Duration,
    /// How often a call is tried when it fails in a way that may pass.
    pub attempts: u32,
}

/// Returns the configuration for `region`, with credentials of the default chain (in ECS: the task's role).
///
/// `AWS_ENDPOINT_URL` is honoured. Makes no call.
///
/// # Errors
/// When the HTTPS client cannot be made.
pub async fn config(region: &str, patience: Patience) -> Result<SdkConfig, HttpClientError> {
    let tls = TlsContext::builder().with_trust_store(trust_store()).build()?;
    let https = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(tls).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(patience.attempt)
        .operation_timeout(patience.call)
        .build();
    Ok(aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(https)
        .retry_config(
            RetryConfig::standard().with_max_attempts(patience.attempts).with_initial_backoff(INITIAL_BACKOFF),
        )
        .timeout_config(timeouts)
        .load()
        .await)
}

/// Mozilla's root certificates, compiled in: the image has no `/etc/ssl`.
fn trust_store() -> TrustStore {
    TLS_SERVER_ROOT_CERTS.iter().fold(TrustStore::empty(), |store, certificate| {
        let base64 = STANDARD.encode(certificate);
        store.with_pem_certificate(format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n"))
    })
}
