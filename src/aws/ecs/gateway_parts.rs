//! How a service of `AWS::ECS::Service` is joined to a gateway of ECS.

use std::collections::BTreeSet;

use aws_sdk_ecs::types as sdk;

use crate::aws::mirror::{Word, mirror};

mirror! {
    /// A port of a task that a gateway of ECS sends traffic to.
    pub struct GatewayConnector = sdk::GatewayConnector, fallible {
        /// Which gateways may.
        filters(set_filters): Option<GatewayConnectorFilters>,
        /// How it is told whether a task is healthy.
        health_check(set_health_check): Option<GatewayConnectorHealthCheck>,
        /// The port mapping's name in the task definition.
        port_name(set_port_name): String,
    }

    /// Which gateways may send traffic to a service.
    pub struct GatewayConnectorFilters = sdk::GatewayConnectorFilters {
        /// Kinds of access.
        #[schemars(length(max = 2), extend("items" = { "type": "string", "enum": ["PUBLIC", "PRIVATE"] }))]
        access_types(set_access_types): Option<BTreeSet<Word<sdk::AccessType>>>,
    }

    /// How a gateway tells whether a task is healthy.
    pub struct GatewayConnectorHealthCheck = sdk::GatewayConnectorHealthCheck {
        /// Seconds between two checks.
        health_check_interval_seconds(set_health_check_interval_seconds): Option<i32>,
        /// The path that is asked for.
        health_check_path(set_health_check_path): Option<String>,
        /// The port that is asked.
        health_check_port(set_health_check_port): Option<i32>,
        /// How it is asked.
        #[schemars(extend("enum" = ["HTTP", "HTTPS"]))]
        health_check_protocol(set_health_check_protocol): Option<Word<sdk::GatewayConnectorHealthCheckProtocol>>,
        /// Seconds that an answer may take.
        health_check_timeout_seconds(set_health_check_timeout_seconds): Option<i32>,
        /// Good answers in a row after which it is healthy.
        healthy_threshold_count(set_healthy_threshold_count): Option<i32>,
        /// Which answers are good.
        matcher(set_matcher): Option<GatewayConnectorHealthCheckMatcher>,
        /// Bad answers in a row after which it is unhealthy.
        unhealthy_threshold_count(set_unhealthy_threshold_count): Option<i32>,
    }

    /// Which answers to a health check are good.
    pub struct GatewayConnectorHealthCheckMatcher = sdk::GatewayConnectorHealthCheckMatcher {
        /// Codes of gRPC: `0`, `0-99`.
        grpc_code(set_grpc_code): Option<String>,
        /// Codes of HTTP: `200`, `200-299`.
        http_code(set_http_code): Option<String>,
    }
}
