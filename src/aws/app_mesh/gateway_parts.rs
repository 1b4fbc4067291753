//! The parts that a virtual gateway is made of, to and from the SDK's types.

use std::collections::BTreeSet;

use super::common_parts::{LoggingFormat, SubjectAlternativeNames};
use super::proxy_parts::proxy_parts;
use crate::aws::mirror::{Word, mirror, mirror_union};

/// The SDK's types, by the names that virtual nodes' have.
mod sdk {
    pub(super) use aws_sdk_appmesh::types::{
        VirtualGatewayAccessLog as AccessLog, VirtualGatewayBackendDefaults as BackendDefaults,
        VirtualGatewayClientPolicy as ClientPolicy, VirtualGatewayClientPolicyTls as ClientPolicyTls,
        VirtualGatewayClientTlsCertificate as ClientTlsCertificate, VirtualGatewayConnectionPool,
        VirtualGatewayFileAccessLog as FileAccessLog, VirtualGatewayGrpcConnectionPool as GrpcConnectionPool,
        VirtualGatewayHealthCheckPolicy as HealthCheckPolicy, VirtualGatewayHttp2ConnectionPool as Http2ConnectionPool,
        VirtualGatewayHttpConnectionPool as HttpConnectionPool, VirtualGatewayListener,
        VirtualGatewayListenerTls as ListenerTls, VirtualGatewayListenerTlsAcmCertificate as ListenerTlsAcmCertificate,
        VirtualGatewayListenerTlsCertificate as ListenerTlsCertificate,
        VirtualGatewayListenerTlsFileCertificate as ListenerTlsFileCertificate,
        VirtualGatewayListenerTlsMode as ListenerTlsMode,
        VirtualGatewayListenerTlsSdsCertificate as ListenerTlsSdsCertificate,
        VirtualGatewayListenerTlsValidationContext as ListenerTlsValidationContext,
        VirtualGatewayListenerTlsValidationContextTrust as ListenerTlsValidationContextTrust,
        VirtualGatewayLogging as Logging, VirtualGatewayPortMapping as PortMapping,
        VirtualGatewayPortProtocol as PortProtocol, VirtualGatewaySpec,
        VirtualGatewayTlsValidationContext as TlsValidationContext,
        VirtualGatewayTlsValidationContextAcmTrust as TlsValidationContextAcmTrust,
        VirtualGatewayTlsValidationContextFileTrust as TlsValidationContextFileTrust,
        VirtualGatewayTlsValidationContextSdsTrust as TlsValidationContextSdsTrust,
        VirtualGatewayTlsValidationContextTrust as TlsValidationContextTrust,
    };
}

proxy_parts!(["http", "http2", "grpc"]);

mirror! {
    /// What a virtual gateway is.
    pub struct VirtualGatewaySpec = sdk::VirtualGatewaySpec, fallible {
        /// What holds for all virtual services that it calls.
        backend_defaults(set_backend_defaults): Option<BackendDefaults>,
        /// What the gateway listens on.
        listeners(set_listeners): Vec<VirtualGatewayListener>,
        /// What is logged.
        logging(set_logging): Option<Logging>,
    }

    /// A port that a gateway listens on.
    pub struct VirtualGatewayListener = sdk::VirtualGatewayListener {
        /// How many connections and requests there may be at a time.
        connection_pool(set_connection_pool): Option<VirtualGatewayConnectionPool>,
        /// How it is told whether it is healthy.
        health_check(set_health_check): Option<HealthCheck>,
        /// The port.
        port_mapping(set_port_mapping): PortMapping,
        /// How TLS is spoken with clients.
        #[serde(rename = "TLS")]
        tls(set_tls): Option<ListenerTls>,
    }
}

mirror_union! {
    /// How many connections and requests there may be at a time, for the listener's protocol.
    pub struct VirtualGatewayConnectionPool = sdk::VirtualGatewayConnectionPool {
        /// For `grpc`.
        #[serde(rename = "GRPC")]
        grpc(Grpc): GrpcConnectionPool,
        /// For `http`.
        #[serde(rename = "HTTP")]
        http(Http): HttpConnectionPool,
        /// For `http2`.
        #[serde(rename = "HTTP2")]
        http2(Http2): Http2ConnectionPool,
    }
}
