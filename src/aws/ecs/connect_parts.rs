//! Service Connect: the property `ServiceConnectConfiguration` of `AWS::ECS::Service`.

use std::collections::BTreeMap;

use aws_sdk_ecs::types as sdk;
use aws_smithy_types::error::operation::BuildError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::container_parts::Secret;
use crate::aws::mirror::{Mirror, Word, mirror};

mirror! {
    /// How services find and call each other by name.
    pub struct ServiceConnectConfiguration = sdk::ServiceConnectConfiguration {
        /// How the proxy logs requests.
        access_log_configuration(set_access_log_configuration): Option<ServiceConnectAccessLogConfiguration>,
        /// Settings of the proxy's container.
        #[schemars(length(max = 10))]
        container_configurations(set_container_configurations): Option<Vec<ServiceConnectContainerConfiguration>>,
        /// Whether Service Connect is used.
        enabled(set_enabled): bool,
        /// Where the proxy's logs go.
        log_configuration(set_log_configuration): Option<LogConfiguration>,
        /// The Cloud Map namespace, by name or ARN. AWS's default is the cluster's. Of a name that no namespace has, ECS
        /// makes an HTTP namespace, and leaves it behind: better give the ARN of one of the stack's.
        #[schemars(extend("writeOnly" = true))]
        namespace(set_namespace): Option<String>,
        /// What this service offers; none for one that only calls others.
        services(set_services): Option<Vec<ServiceConnectService>>,
    }

    /// How the proxy logs requests.
    pub struct ServiceConnectAccessLogConfiguration = sdk::ServiceConnectAccessLogConfiguration, fallible {
        /// As what.
        #[schemars(extend("enum" = ["TEXT", "JSON"]))]
        format(set_format): Word<sdk::ServiceConnectAccessLoggingFormat>,
        /// Whether with the parameters of a request. AWS's default is `DISABLED`.
        #[schemars(extend("enum" = ["DISABLED", "ENABLED"]))]
        include_query_parameters(set_include_query_parameters): Option<Word<sdk::ServiceConnectIncludeQueryParameters>>,
    }

    /// Where logs go.
    pub struct LogConfiguration = sdk::LogConfiguration, fallible {
        /// The driver, such as `awslogs`.
        log_driver(set_log_driver): Word<sdk::LogDriver>,
        /// Its options.
        options(set_options): Option<BTreeMap<String, String>>,
        /// Secrets that become options.
        #[schemars(extend("uniqueItems" = true))]
        secret_options(set_secret_options): Option<Vec<Secret>>,
    }

    /// A port of a task that other services call by name.
    pub struct ServiceConnectService = sdk::ServiceConnectService, fallible {
        /// Names and ports that others call it by.
        client_aliases(set_client_aliases): Option<Vec<ServiceConnectClientAlias>>,
        /// Its name in the namespace. AWS's default is the port's name.
        discovery_name(set_discovery_name): Option<String>,
        /// The port that the proxy listens on.
        #[schemars(range(min = 0, max = 65_535))]
        ingress_port_override(set_ingress_port_override): Option<i32>,
        /// The port mapping's name in the task definition.
        port_name(set_port_name): String,
        /// How long requests and connections may take.
        timeout(set_timeout): Option<TimeoutConfiguration>,
        /// With what certificates traffic is encrypted.
        tls(set_tls): Option<ServiceConnectTlsConfiguration>,
    }

    /// A name and port that others call a service by.
    pub struct ServiceConnectClientAlias = sdk::ServiceConnectClientAlias, fallible {
        /// The name. AWS's default is `<discovery name>.<namespace>`.
        dns_name(set_dns_name): Option<String>,
        /// The port.
        #[schemars(range(min = 0, max = 65_535))]
        port(set_port): i32,
        /// Which requests go to the new version while a deployment tests it.
        test_traffic_rules(set_test_traffic_rules): Option<ServiceConnectTestTrafficRules>,
    }

    /// Which requests go to the new version while a deployment tests it.
    pub struct ServiceConnectTestTrafficRules = sdk::ServiceConnectTestTrafficRules {
        /// Those with this header.
        header(set_header): ServiceConnectTestTrafficRulesHeader,
    }

    /// A header that marks test traffic.
    pub struct ServiceConnectTestTrafficRulesHeader = sdk::ServiceConnectTestTrafficHeaderRules, fallible {
        /// Its name.
        name(set_name): String,
        /// Its value; any where none is given.
        value(set_value): Option<ServiceConnectTestTrafficRulesHeaderValue>,
    }

    /// The value of a header that marks test traffic.
    pub struct ServiceConnectTestTrafficRulesHeaderValue = sdk::ServiceConnectTestTrafficHeaderMatchRules, fallible {
        /// The value.
        exact(set_exact): String,
    }

    /// How long requests and connections may take.
    pub struct TimeoutConfiguration = sdk::TimeoutConfiguration {
        /// Seconds that a connection may be idle; 0 for no limit. AWS's default is 300, of TCP 3600.
        #[schemars(range(min = 0, max = 2_147_483_647))]
        idle_timeout_seconds(set_idle_timeout_seconds): Option<i32>,
        /// Seconds that an answer may take; 0 for no limit, not for TCP. AWS's default is 15.
        #[schemars(range(min = 0, max = 2_147_483_647))]
        per_request_timeout_seconds(set_per_request_timeout_seconds): Option<i32>,
    }

    /// With what certificates traffic is encrypted.
    pub struct ServiceConnectTlsConfiguration = sdk::ServiceConnectTlsConfiguration {
        /// Who signs them.
        issuer_certificate_authority(set_issuer_certificate_authority): ServiceConnectTlsCertificateAuthority,
        /// The KMS key that private keys are encrypted with.
        kms_key(set_kms_key): Option<String>,
        /// The role with which ECS gets certificates.
        role_arn(set_role_arn): Option<String>,
    }

    /// Who signs certificates.
    pub struct ServiceConnectTlsCertificateAuthority = sdk::ServiceConnectTlsCertificateAuthority {
        /// The authority of AWS Private CA.
        aws_pca_authority_arn(set_aws_pca_authority_arn): Option<String>,
    }
}

/// A setting of the proxy's container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServiceConnectContainerConfiguration {
    /// How much it logs. AWS's default is `info`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["debug", "info"]))]
    pub log_level: Option<Word<sdk::ServiceConnectContainerLogLevel>>,
}

/// The SDK has a union for it.
impl Mirror for ServiceConnectContainerConfiguration {
    type Sdk = sdk::ServiceConnectContainerConfiguration;

    fn sdk(&self) -> Result<Option<Self::Sdk>, BuildError> {
        Ok(self.log_level.as_ref().map(|level| Self::Sdk::LogLevel(level.0.clone())))
    }

    fn of(sdk: Option<Self::Sdk>) -> Self {
        Self { log_level: sdk.and_then(|sdk| sdk.as_log_level().ok().cloned()).map(Word) }
    }
}

impl ServiceConnectConfiguration {
    /// What turns Service Connect off.
    pub(super) fn off() -> Self {
        Self { enabled: false, ..Self::of(None) }
    }
}
