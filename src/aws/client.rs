//! Access to AWS: one configuration, one HTTPS client, and a client of each service, made when first used.

use std::env;
use std::sync::OnceLock;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_sts::config::Credentials;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::sync::OnceCell;

use super::fresh::Fresh;
use super::once::Once;

/// Attempts that a call gets before its failure is final. Throttling answers slow all calls to the service down.
const MAX_ATTEMPTS: u32 = 12;
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take; below the lease of the state's journal.
const READ_TIMEOUT: Duration = Duration::from_secs(40);
/// Environment variable that scales every polling interval: `0.1` looks ten times as often.
const POLL_SCALE: &str = "INFRA_POLL_SCALE";
/// The scale where the endpoint is on this machine.
const LOCAL_SCALE: f64 = 0.05;

/// What resource types call AWS with.
#[derive(Debug)]
pub struct Aws {
    config: SdkConfig,
    poll_scale: f64,
    pub(super) fresh: Fresh,
    /// The partition and the account, once somebody asked.
    pub(super) account: OnceCell<(String, String)>,
    app_mesh: OnceLock<aws_sdk_appmesh::Client>,
    auto_scaling: OnceLock<aws_sdk_applicationautoscaling::Client>,
    cloud_map: OnceLock<aws_sdk_servicediscovery::Client>,
    cloudwatch: OnceLock<aws_sdk_cloudwatch::Client>,
    ec2: OnceLock<aws_sdk_ec2::Client>,
    ecr: OnceLock<aws_sdk_ecr::Client>,
    ecs: OnceLock<aws_sdk_ecs::Client>,
    elb: OnceLock<aws_sdk_elasticloadbalancingv2::Client>,
    iam: OnceLock<aws_sdk_iam::Client>,
    kms: OnceLock<aws_sdk_kms::Client>,
    logs: OnceLock<aws_sdk_cloudwatchlogs::Client>,
    secrets_manager: OnceLock<aws_sdk_secretsmanager::Client>,
    ses: OnceLock<aws_sdk_sesv2::Client>,
    sns: OnceLock<aws_sdk_sns::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    ssm: OnceLock<aws_sdk_ssm::Client>,
    sts: OnceLock<aws_sdk_sts::Client>,
}

macro_rules! clients {
    ($($(#[$doc:meta])* $name:ident: $sdk:ident,)*) => {
        $($(#[$doc])*
        pub fn $name(&self) -> &$sdk::Client {
            self.$name.get_or_init(|| $sdk::Client::new(&self.config))
        })*
    };
}

impl Aws {
    /// Access to `region` with the credentials of the default chain (environment, profile, SSO, container, instance).
    ///
    /// Makes no call. `AWS_ENDPOINT_URL` is honoured.
    pub async fn connect(region: &str) -> Self {
        Self::new(Self::loader(region).load().await)
    }

    /// Access to the region of the environment or profile, for what is in no particular one.
    ///
    /// The instance's metadata, the end of the default chain, is left out: elsewhere asking for it takes seconds.
    pub async fn connect_anywhere() -> Self {
        let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::new())
            .or_else(Region::new("us-east-1"));
        let region = region.region().await;
        Self::connect(region.as_ref().map_or("us-east-1", Region::as_ref)).await
    }

    /// Access to a local AWS at `endpoint`, whatever the environment says.
    pub async fn local(region: &str, endpoint: &str) -> Self {
        let credentials = Credentials::new("test", "test", None, None, "local AWS");
        Self::new(Self::loader(region).endpoint_url(endpoint).credentials_provider(credentials).load().await)
    }

    fn loader(region: &str) -> ConfigLoader {
        let https = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https();
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
        aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .http_client(SharedHttpClient::new(Once(https)))
            .retry_config(RetryConfig::adaptive().with_max_attempts(MAX_ATTEMPTS))
            .timeout_config(timeouts)
    }

    fn new(config: SdkConfig) -> Self {
        let poll_scale = env::var(POLL_SCALE)
            .ok()
            .and_then(|scale| scale.parse().ok())
            .filter(|scale: &f64| scale.is_finite() && *scale > 0.0)
            .unwrap_or(if is_local(config.endpoint_url()) { LOCAL_SCALE } else { 1.0 });
        Self {
            config,
            poll_scale,
            fresh: Fresh::default(),
            account: OnceCell::new(),
            app_mesh: OnceLock::new(),
            auto_scaling: OnceLock::new(),
            cloud_map: OnceLock::new(),
            cloudwatch: OnceLock::new(),
            ec2: OnceLock::new(),
            ecr: OnceLock::new(),
            ecs: OnceLock::new(),
            elb: OnceLock::new(),
            iam: OnceLock::new(),
            kms: OnceLock::new(),
            logs: OnceLock::new(),
            secrets_manager: OnceLock::new(),
            ses: OnceLock::new(),
            sns: OnceLock::new(),
            sqs: OnceLock::new(),
            ssm: OnceLock::new(),
            sts: OnceLock::new(),
        }
    }

    /// The region.
    pub fn region(&self) -> &str {
        self.config.region().map_or("us-east-1", Region::as_ref)
    }

    /// A client of Amazon S3 for `region`, or for the one of everything else.
    pub fn s3(&self, region: Option<Region>) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config);
        // Names of buckets are no names of hosts on a machine of one's own.
        let config = config.force_path_style(is_local(self.config.endpoint_url()));
        aws_sdk_s3::Client::from_conf(match region {
            Some(region) => config.region(region).build(),
            None => config.build(),
        })
    }

    /// A time between two looks, at this cloud's pace.
    pub fn scaled(&self, duration: Duration) -> Duration {
        duration.mul_f64(self.poll_scale)
    }

    clients! {
        /// AWS App Mesh.
        app_mesh: aws_sdk_appmesh,
        /// Application Auto Scaling.
        auto_scaling: aws_sdk_applicationautoscaling,
        /// AWS Cloud Map.
        cloud_map: aws_sdk_servicediscovery,
        /// Amazon CloudWatch.
        cloudwatch: aws_sdk_cloudwatch,
        /// Amazon EC2.
        ec2: aws_sdk_ec2,
        /// Amazon ECR.
        ecr: aws_sdk_ecr,
        /// Amazon ECS.
        ecs: aws_sdk_ecs,
        /// Elastic Load Balancing, version 2.
        elb: aws_sdk_elasticloadbalancingv2,
        /// IAM.
        iam: aws_sdk_iam,
        /// AWS KMS.
        kms: aws_sdk_kms,
        /// CloudWatch Logs.
        logs: aws_sdk_cloudwatchlogs,
        /// AWS Secrets Manager.
        secrets_manager: aws_sdk_secretsmanager,
        /// Amazon SES, version 2.
        ses: aws_sdk_sesv2,
        /// Amazon SNS.
        sns: aws_sdk_sns,
        /// Amazon SQS.
        sqs: aws_sdk_sqs,
        /// Systems Manager.
        ssm: aws_sdk_ssm,
        /// Security Token Service.
        sts: aws_sdk_sts,
    }
}

fn is_local(endpoint: Option<&str>) -> bool {
    let host = endpoint.and_then(|url| url.split_once("://")).map_or("", |(_, rest)| rest);
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|local| host.starts_with(local))
}
