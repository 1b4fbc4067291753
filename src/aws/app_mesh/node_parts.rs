//! The parts that a virtual node is made of, to and from the SDK's types.

use std::collections::BTreeSet;

use super::common_parts::{Duration, GrpcTimeout, HttpTimeout, LoggingFormat, SubjectAlternativeNames, TcpTimeout};
use super::proxy_parts::proxy_parts;
use crate::aws::mirror::{Word, mirror, mirror_union};

/// The SDK's types, by the names that virtual gateways' have here too.
mod sdk {
    pub(super) use aws_sdk_appmesh::types::*;
    pub(super) use aws_sdk_appmesh::types::{
        VirtualNodeGrpcConnectionPool as GrpcConnectionPool, VirtualNodeHttp2ConnectionPool as Http2ConnectionPool,
        VirtualNodeHttpConnectionPool as HttpConnectionPool,
    };
}

proxy_parts!(["http", "tcp", "http2", "grpc"]);

mirror! {
    /// What a virtual node is.
    pub struct VirtualNodeSpec = sdk::VirtualNodeSpec {
        /// What holds for all backends.
        backend_defaults(set_backend_defaults): Option<BackendDefaults>,
        /// Virtual services that the node calls.
        #[schemars(extend("uniqueItems" = true))]
        backends(set_backends): Option<Vec<Backend>>,
        /// What the node listens on, one where it offers something.
        listeners(set_listeners): Option<Vec<Listener>>,
        /// What is logged.
        logging(set_logging): Option<Logging>,
        /// How the node is found by those that call it.
        service_discovery(set_service_discovery): Option<ServiceDiscovery>,
    }

    /// A virtual service that a node calls.
    pub struct VirtualServiceBackend = sdk::VirtualServiceBackend, fallible {
        /// How it is called.
        client_policy(set_client_policy): Option<ClientPolicy>,
        /// Its name. It need not exist yet.
        virtual_service_name(set_virtual_service_name): String,
    }

    /// A port that a node listens on.
    pub struct Listener = sdk::Listener {
        /// How many connections and requests there may be at a time.
        connection_pool(set_connection_pool): Option<VirtualNodeConnectionPool>,
        /// How it is told whether it is healthy.
        health_check(set_health_check): Option<HealthCheck>,
        /// When an endpoint is left out because it fails.
        outlier_detection(set_outlier_detection): Option<OutlierDetection>,
        /// The port.
        port_mapping(set_port_mapping): PortMapping,
        /// How TLS is spoken with clients.
        #[serde(rename = "TLS")]
        tls(set_tls): Option<ListenerTls>,
        /// How long things may take.
        timeout(set_timeout): Option<ListenerTimeout>,
    }

    /// When an endpoint is left out because it fails.
    pub struct OutlierDetection = sdk::OutlierDetection, fallible {
        /// How long it is left out at first.
        base_ejection_duration(set_base_ejection_duration): Duration,
        /// How often endpoints are judged.
        interval(set_interval): Duration,
        /// The most endpoints that may be left out, in percent.
        #[schemars(range(min = 0, max = 100))]
        max_ejection_percent(set_max_ejection_percent): i32,
        /// Server errors in a row after which it is left out.
        #[schemars(range(min = 1))]
        max_server_errors(set_max_server_errors): i64,
    }

    /// A pool of TCP connections.
    pub struct TcpConnectionPool = sdk::VirtualNodeTcpConnectionPool, fallible {
        /// The most connections at a time.
        #[schemars(range(min = 1))]
        max_connections(set_max_connections): i32,
    }

    /// How a node is found in AWS Cloud Map.
    pub struct AwsCloudMapServiceDiscovery = sdk::AwsCloudMapServiceDiscovery, fallible {
        /// Attributes that instances must have.
        #[schemars(extend("uniqueItems" = true))]
        attributes(set_attributes): Option<Vec<AwsCloudMapInstanceAttribute>>,
        /// Which kind of address is used. AWS's default is the mesh's.
        #[schemars(extend("enum" = ["IPv6_PREFERRED", "IPv4_PREFERRED", "IPv4_ONLY", "IPv6_ONLY"]))]
        ip_preference(set_ip_preference): Option<Word<sdk::IpPreference>>,
        /// The namespace's name.
        #[schemars(length(min = 1, max = 1024))]
        namespace_name(set_namespace_name): String,
        /// The service's name.
        #[schemars(length(min = 1, max = 1024))]
        service_name(set_service_name): String,
    }

    /// An attribute of an instance in AWS Cloud Map.
    pub struct AwsCloudMapInstanceAttribute = sdk::AwsCloudMapInstanceAttribute, fallible {
        /// Its name.
        #[schemars(length(min = 1, max = 255))]
        key(set_key): String,
        /// Its value.
        #[schemars(length(min = 1, max = 1024))]
        value(set_value): String,
    }

    /// How a node is found by DNS.
    pub struct DnsServiceDiscovery = sdk::DnsServiceDiscovery, fallible {
        /// The host name.
        hostname(set_hostname): String,
        /// Which kind of address is used. AWS's default is the mesh's.
        #[schemars(extend("enum" = ["IPv6_PREFERRED", "IPv4_PREFERRED", "IPv4_ONLY", "IPv6_ONLY"]))]
        ip_preference(set_ip_preference): Option<Word<sdk::IpPreference>>,
        /// Whether the addresses are load balancers or the endpoints themselves. AWS's default is `LOADBALANCER`.
        #[schemars(extend("enum" = ["LOADBALANCER", "ENDPOINTS"]))]
        response_type(set_response_type): Option<Word<sdk::DnsResponseType>>,
    }
}

mirror_union! {
    /// What a node calls.
    pub struct Backend = sdk::Backend {
        /// A virtual service.
        virtual_service(VirtualService): VirtualServiceBackend,
    }

    /// How many connections and requests there may be at a time, for the listener's protocol.
    pub struct VirtualNodeConnectionPool = sdk::VirtualNodeConnectionPool {
        /// For `grpc`.
        #[serde(rename = "GRPC")]
        grpc(Grpc): GrpcConnectionPool,
        /// For `http`.
        #[serde(rename = "HTTP")]
        http(Http): HttpConnectionPool,
        /// For `http2`.
        #[serde(rename = "HTTP2")]
        http2(Http2): Http2ConnectionPool,
        /// For `tcp`.
        #[serde(rename = "TCP")]
        tcp(Tcp): TcpConnectionPool,
    }

    /// How long things may take, for the listener's protocol.
    pub struct ListenerTimeout = sdk::ListenerTimeout {
        /// For `grpc`.
        #[serde(rename = "GRPC")]
        grpc(Grpc): GrpcTimeout,
        /// For `http`.
        #[serde(rename = "HTTP")]
        http(Http): HttpTimeout,
        /// For `http2`.
        #[serde(rename = "HTTP2")]
        http2(Http2): HttpTimeout,
        /// For `tcp`.
        #[serde(rename = "TCP")]
        tcp(Tcp): TcpTimeout,
    }

    /// How a node is found by those that call it.
    pub struct ServiceDiscovery = sdk::ServiceDiscovery {
        /// In AWS Cloud Map.
        #[serde(rename = "AWSCloudMap")]
        aws_cloud_map(AwsCloudMap): AwsCloudMapServiceDiscovery,
        /// By DNS.
        #[serde(rename = "DNS")]
        dns(Dns): DnsServiceDiscovery,
    }
}
