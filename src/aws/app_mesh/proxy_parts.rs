//! Parts that virtual nodes and virtual gateways both have: the SDK has two types for each, that say the same.

/// Declares these parts, from the types that the module `sdk` beside the call gives them.
macro_rules! proxy_parts {
    ($protocols:tt) => {
        mirror! {
            /// A port that is listened on.
            pub struct PortMapping = sdk::PortMapping, fallible {
                /// The port.
                #[schemars(range(min = 1, max = 65_535))]
                port(set_port): i32,
                /// The protocol.
                #[schemars(extend("enum" = $protocols))]
                protocol(set_protocol): Word<sdk::PortProtocol>,
            }

            /// How it is told whether a listener is healthy.
            pub struct HealthCheck = sdk::HealthCheckPolicy, fallible {
                /// Checks in a row that must succeed before it counts as healthy.
                #[schemars(range(min = 2, max = 10))]
                healthy_threshold(set_healthy_threshold): i32,
                /// Milliseconds between two checks.
                #[schemars(range(min = 5000, max = 300_000))]
                interval_millis(set_interval_millis): i64,
                /// The path that is asked for; `http` and `http2` only.
                path(set_path): Option<String>,
                /// The port. AWS's default is the listener's.
                #[schemars(range(min = 1, max = 65_535))]
                port(set_port): Option<i32>,
                /// The protocol.
                #[schemars(extend("enum" = $protocols))]
                protocol(set_protocol): Word<sdk::PortProtocol>,
                /// Milliseconds that a check may take.
                #[schemars(range(min = 2000, max = 60_000))]
                timeout_millis(set_timeout_millis): i64,
                /// Checks in a row that must fail before it counts as unhealthy.
                #[schemars(range(min = 2, max = 10))]
                unhealthy_threshold(set_unhealthy_threshold): i32,
            }

            /// What holds for all backends.
            pub struct BackendDefaults = sdk::BackendDefaults {
                /// How backends are called.
                client_policy(set_client_policy): Option<ClientPolicy>,
            }

            /// How backends are called.
            pub struct ClientPolicy = sdk::ClientPolicy {
                /// How TLS is spoken with them.
                #[serde(rename = "TLS")]
                tls(set_tls): Option<ClientPolicyTls>,
            }

            /// How TLS is spoken with backends.
            pub struct ClientPolicyTls = sdk::ClientPolicyTls {
                /// The certificate to show, for mutual TLS.
                certificate(set_certificate): Option<ClientTlsCertificate>,
                /// Whether what is not TLS is refused. AWS's default is `true`.
                enforce(set_enforce): Option<bool>,
                /// Ports that this is for; all where none are given.
                #[schemars(inner(range(min = 1, max = 65_535)))]
                ports(set_ports): Option<BTreeSet<i32>>,
                /// How the backend's certificate is checked.
                validation(set_validation): TlsValidationContext,
            }

            /// How a backend's certificate is checked.
            pub struct TlsValidationContext = sdk::TlsValidationContext {
                /// Names that it must be for.
                subject_alternative_names(set_subject_alternative_names): Option<SubjectAlternativeNames>,
                /// Who must have signed it.
                trust(set_trust): TlsValidationContextTrust,
            }

            /// Certificate authorities of AWS Private CA.
            pub struct TlsValidationContextAcmTrust = sdk::TlsValidationContextAcmTrust, fallible {
                /// Their ARNs.
                #[schemars(length(min = 1, max = 3))]
                certificate_authority_arns(set_certificate_authority_arns): BTreeSet<String>,
            }

            /// A file of certificate authorities.
            pub struct TlsValidationContextFileTrust = sdk::TlsValidationContextFileTrust, fallible {
                /// Where the file is, in Envoy's file system.
                #[schemars(length(min = 1, max = 255))]
                certificate_chain(set_certificate_chain): String,
            }

            /// Certificate authorities of Envoy's secret discovery service.
            pub struct TlsValidationContextSdsTrust = sdk::TlsValidationContextSdsTrust, fallible {
                /// The name that the service knows them by.
                secret_name(set_secret_name): String,
            }

            /// How TLS is spoken with clients.
            pub struct ListenerTls = sdk::ListenerTls, fallible {
                /// The certificate to show.
                certificate(set_certificate): ListenerTlsCertificate,
                /// Whether only TLS is taken (`STRICT`), also what is not (`PERMISSIVE`), or no TLS at all.
                #[schemars(extend("enum" = ["STRICT", "PERMISSIVE", "DISABLED"]))]
                mode(set_mode): Word<sdk::ListenerTlsMode>,
                /// How the client's certificate is checked, for mutual TLS.
                validation(set_validation): Option<ListenerTlsValidationContext>,
            }

            /// A certificate of AWS Certificate Manager.
            pub struct ListenerTlsAcmCertificate = sdk::ListenerTlsAcmCertificate, fallible {
                /// Its ARN.
                certificate_arn(set_certificate_arn): String,
            }

            /// A certificate in files.
            pub struct ListenerTlsFileCertificate = sdk::ListenerTlsFileCertificate, fallible {
                /// Where its chain is, in Envoy's file system.
                #[schemars(length(min = 1, max = 255))]
                certificate_chain(set_certificate_chain): String,
                /// Where its private key is, in Envoy's file system.
                #[schemars(length(min = 1, max = 255))]
                private_key(set_private_key): String,
            }

            /// A certificate of Envoy's secret discovery service.
            pub struct ListenerTlsSdsCertificate = sdk::ListenerTlsSdsCertificate, fallible {
                /// The name that the service knows it by.
                secret_name(set_secret_name): String,
            }

            /// How a client's certificate is checked.
            pub struct ListenerTlsValidationContext = sdk::ListenerTlsValidationContext {
                /// Names that it must be for.
                subject_alternative_names(set_subject_alternative_names): Option<SubjectAlternativeNames>,
                /// Who must have signed it.
                trust(set_trust): ListenerTlsValidationContextTrust,
            }

            /// What is logged.
            pub struct Logging = sdk::Logging {
                /// Where accesses are logged.
                access_log(set_access_log): Option<AccessLog>,
            }

            /// A file that accesses are logged to.
            pub struct FileAccessLog = sdk::FileAccessLog, fallible {
                /// How entries are written. AWS's default is Envoy's.
                format(set_format): Option<LoggingFormat>,
                /// Where the file is, in Envoy's file system; `/dev/stdout` is the container's log.
                #[schemars(length(min = 1, max = 255))]
                path(set_path): String,
            }

            /// A pool of gRPC connections.
            pub struct GrpcConnectionPool = sdk::GrpcConnectionPool, fallible {
                /// The most requests at a time.
                #[schemars(range(min = 1))]
                max_requests(set_max_requests): i32,
            }

            /// A pool of HTTP connections.
            pub struct HttpConnectionPool = sdk::HttpConnectionPool, fallible {
                /// The most connections at a time.
                #[schemars(range(min = 1))]
                max_connections(set_max_connections): i32,
                /// The most requests that may wait for one. AWS's default is 2147483647.
                #[schemars(range(min = 1))]
                max_pending_requests(set_max_pending_requests): Option<i32>,
            }

            /// A pool of HTTP/2 connections.
            pub struct Http2ConnectionPool = sdk::Http2ConnectionPool, fallible {
                /// The most requests at a time.
                #[schemars(range(min = 1))]
                max_requests(set_max_requests): i32,
            }
        }

        mirror_union! {
            /// The certificate to show to backends.
            pub struct ClientTlsCertificate = sdk::ClientTlsCertificate {
                /// One in files.
                file(File): ListenerTlsFileCertificate,
                /// One of Envoy's secret discovery service.
                #[serde(rename = "SDS")]
                sds(Sds): ListenerTlsSdsCertificate,
            }

            /// Who must have signed a backend's certificate.
            pub struct TlsValidationContextTrust = sdk::TlsValidationContextTrust {
                /// Certificate authorities of AWS Private CA.
                #[serde(rename = "ACM")]
                acm(Acm): TlsValidationContextAcmTrust,
                /// A file of certificate authorities.
                file(File): TlsValidationContextFileTrust,
                /// Certificate authorities of Envoy's secret discovery service.
                #[serde(rename = "SDS")]
                sds(Sds): TlsValidationContextSdsTrust,
            }

            /// The certificate to show to clients.
            pub struct ListenerTlsCertificate = sdk::ListenerTlsCertificate {
                /// One of AWS Certificate Manager.
                #[serde(rename = "ACM")]
                acm(Acm): ListenerTlsAcmCertificate,
                /// One in files.
                file(File): ListenerTlsFileCertificate,
                /// One of Envoy's secret discovery service.
                #[serde(rename = "SDS")]
                sds(Sds): ListenerTlsSdsCertificate,
            }

            /// Who must have signed a client's certificate.
            pub struct ListenerTlsValidationContextTrust = sdk::ListenerTlsValidationContextTrust {
                /// A file of certificate authorities.
                file(File): TlsValidationContextFileTrust,
                /// Certificate authorities of Envoy's secret discovery service.
                #[serde(rename = "SDS")]
                sds(Sds): TlsValidationContextSdsTrust,
            }

            /// Where accesses are logged.
            pub struct AccessLog = sdk::AccessLog {
                /// A file.
                file(File): FileAccessLog,
            }
        }
    };
}
pub(super) use proxy_parts;
