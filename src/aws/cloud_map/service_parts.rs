//! The parts of `AWS::ServiceDiscovery::Service`.

use aws_sdk_servicediscovery::types as sdk;
use aws_smithy_types::error::operation::BuildError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::mirror::{Mirror, Word, mirror};

mirror! {
    /// The DNS records that are made for each instance of a service.
    pub struct DnsConfig = sdk::DnsConfig, fallible {
        /// The records.
        dns_records(set_dns_records): Vec<DnsRecord>,
        /// What a name is answered with: up to eight healthy instances, or one of them. AWS's default is `MULTIVALUE`. The
        /// API can't change it.
        #[schemars(extend("enum" = ["MULTIVALUE", "WEIGHTED"]))]
        routing_policy(set_routing_policy): Option<Word<sdk::RoutingPolicy>>,
    }

    /// A DNS record that is made for each instance of a service.
    pub struct DnsRecord = sdk::DnsRecord, fallible {
        /// Seconds for which resolvers keep it.
        #[serde(rename = "TTL")]
        #[schemars(range(min = 0, max = 2_147_483_647))]
        ttl(set_ttl): i64,
        /// Its type. Tasks of ECS have `A`, and `SRV` where their port is not known beforehand.
        #[schemars(extend("enum" = ["A", "AAAA", "CNAME", "SRV"]))]
        r#type(set_type): Word<sdk::RecordType>,
    }

    /// How Route 53 tells whether an instance is healthy; not in private DNS namespaces.
    pub struct HealthCheckConfig = sdk::HealthCheckConfig, fallible {
        /// Checks in a row that it takes to change the verdict. AWS's default is 1.
        #[schemars(range(min = 1, max = 10))]
        failure_threshold(set_failure_threshold): Option<i32>,
        /// The path that is asked for; not for `TCP`. AWS's default is `/`.
        #[schemars(length(max = 255))]
        resource_path(set_resource_path): Option<String>,
        /// The kind of check.
        #[schemars(extend("enum" = ["HTTP", "HTTPS", "TCP"]))]
        r#type(set_type): Word<sdk::HealthCheckType>,
    }
}

/// The threshold that AWS takes, whatever is given.
pub(super) const FAILURE_THRESHOLD: i32 = 1;

/// That whether an instance is healthy is told to Cloud Map by somebody else, such as ECS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct HealthCheckCustomConfig {
    /// Deprecated: whatever is given, AWS takes 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10))]
    pub failure_threshold: Option<i32>,
}

/// The threshold is neither sent nor told: it is what AWS takes.
impl Mirror for HealthCheckCustomConfig {
    type Sdk = sdk::HealthCheckCustomConfig;

    fn sdk(&self) -> Result<Option<Self::Sdk>, BuildError> {
        Ok(Some(sdk::HealthCheckCustomConfig::builder().build()))
    }

    fn of(_: Option<Self::Sdk>) -> Self {
        Self { failure_threshold: Some(FAILURE_THRESHOLD) }
    }
}
