//! The parts that a route is made of, to and from the SDK's types.

use std::collections::BTreeSet;

use aws_sdk_appmesh::types as sdk;

use super::common_parts::{
    Duration, GrpcTimeout, HeaderMatchMethod, HttpPathMatch, HttpTimeout, MatchRange, QueryParameter, TcpTimeout,
};
use crate::aws::mirror::{Word, mirror, mirror_union};

mirror! {
    /// What a route is: one of four kinds, and its priority.
    #[schemars(extend("x-one-of" = ["GrpcRoute", "Http2Route", "HttpRoute", "TcpRoute"]))]
    pub struct RouteSpec = sdk::RouteSpec {
        /// A route for gRPC.
        grpc_route(set_grpc_route): Option<GrpcRoute>,
        /// A route for HTTP/2.
        http2_route(set_http2_route): Option<HttpRoute>,
        /// A route for HTTP.
        http_route(set_http_route): Option<HttpRoute>,
        /// Which route is tried first: that with the lowest number.
        #[schemars(range(min = 0, max = 1000))]
        priority(set_priority): Option<i32>,
        /// A route for TCP.
        tcp_route(set_tcp_route): Option<TcpRoute>,
    }

    /// A virtual node that takes a share of the requests.
    pub struct WeightedTarget = sdk::WeightedTarget, fallible {
        /// The node's port, where it listens on several.
        #[schemars(range(min = 1, max = 65_535))]
        port(set_port): Option<i32>,
        /// The node's name.
        #[schemars(length(min = 1, max = 255))]
        virtual_node(set_virtual_node): String,
        /// Its share, in relation to the others'.
        #[schemars(range(min = 0, max = 100))]
        weight(set_weight): i32,
    }

    /// A route for HTTP or HTTP/2.
    pub struct HttpRoute = sdk::HttpRoute {
        /// Where requests go.
        action(set_action): HttpRouteAction,
        /// Which requests it is for.
        r#match(set_match): HttpRouteMatch,
        /// When a request is tried again.
        retry_policy(set_retry_policy): Option<HttpRetryPolicy>,
        /// How long requests may take.
        timeout(set_timeout): Option<HttpTimeout>,
    }

    /// Where HTTP requests go.
    pub struct HttpRouteAction = sdk::HttpRouteAction, fallible {
        /// Virtual nodes, each with its share.
        #[schemars(length(min = 1, max = 10), extend("uniqueItems" = true))]
        weighted_targets(set_weighted_targets): Vec<WeightedTarget>,
    }

    /// Which HTTP requests a route is for: those that are all of this.
    #[schemars(extend("x-one-of" = ["Path", "Prefix"]))]
    pub struct HttpRouteMatch = sdk::HttpRouteMatch {
        /// Headers that they have.
        #[schemars(length(min = 1, max = 10), extend("uniqueItems" = true))]
        headers(set_headers): Option<Vec<HttpRouteHeader>>,
        /// Their method.
        #[schemars(extend("enum" = [
            "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
        ]))]
        method(set_method): Option<Word<sdk::HttpMethod>>,
        /// Their path; or use `Prefix`.
        path(set_path): Option<HttpPathMatch>,
        /// The port that they came to.
        #[schemars(range(min = 1, max = 65_535))]
        port(set_port): Option<i32>,
        /// What their path begins with: `/` for all.
        prefix(set_prefix): Option<String>,
        /// Query parameters that they have.
        #[schemars(length(min = 1, max = 10), extend("uniqueItems" = true))]
        query_parameters(set_query_parameters): Option<Vec<QueryParameter>>,
        /// Their scheme.
        #[schemars(extend("enum" = ["http", "https"]))]
        scheme(set_scheme): Option<Word<sdk::HttpScheme>>,
    }

    /// A header that requests have.
    pub struct HttpRouteHeader = sdk::HttpRouteHeader, fallible {
        /// Whether requests are meant that do not match. AWS's default is `false`.
        invert(set_invert): Option<bool>,
        /// What its value is like; any where it is not given.
        r#match(set_match): Option<HeaderMatchMethod>,
        /// Its name.
        #[schemars(length(min = 1, max = 50))]
        name(set_name): String,
    }

    /// When an HTTP request is tried again: on any of the events.
    pub struct HttpRetryPolicy = sdk::HttpRetryPolicy, fallible {
        /// Events of HTTP.
        #[schemars(extend("items" = {
            "type": "string", "enum": ["server-error", "gateway-error", "client-error", "stream-error"],
        }))]
        http_retry_events(set_http_retry_events): Option<BTreeSet<String>>,
        /// How often it is tried again.
        #[schemars(range(min = 0))]
        max_retries(set_max_retries): i64,
        /// How long each try may take.
        per_retry_timeout(set_per_retry_timeout): Duration,
        /// Events of TCP.
        #[schemars(extend("items" = { "type": "string", "enum": ["connection-error"] }))]
        tcp_retry_events(set_tcp_retry_events): Option<BTreeSet<Word<sdk::TcpRetryPolicyEvent>>>,
    }

    /// A route for gRPC.
    pub struct GrpcRoute = sdk::GrpcRoute {
        /// Where requests go.
        action(set_action): GrpcRouteAction,
        /// Which requests it is for.
        r#match(set_match): GrpcRouteMatch,
        /// When a request is tried again.
        retry_policy(set_retry_policy): Option<GrpcRetryPolicy>,
        /// How long requests may take.
        timeout(set_timeout): Option<GrpcTimeout>,
    }

    /// Where gRPC requests go.
    pub struct GrpcRouteAction = sdk::GrpcRouteAction, fallible {
        /// Virtual nodes, each with its share.
        #[schemars(length(min = 1, max = 10), extend("uniqueItems" = true))]
        weighted_targets(set_weighted_targets): Vec<WeightedTarget>,
    }

    /// Which gRPC requests a route is for: those that are all of this.
    pub struct GrpcRouteMatch = sdk::GrpcRouteMatch {
        /// Metadata that they have.
        #[schemars(length(min = 1, max = 10), extend("uniqueItems" = true))]
        metadata(set_metadata): Option<Vec<GrpcRouteMetadata>>,
        /// The method that they call; needs `ServiceName`.
        #[schemars(length(min = 1, max = 50))]
        method_name(set_method_name): Option<String>,
        /// The port that they came to.
        #[schemars(range(min = 1, max = 65_535))]
        port(set_port): Option<i32>,
        /// The service that they call, with its package.
        service_name(set_service_name): Option<String>,
    }

    /// Metadata that requests have.
    pub struct GrpcRouteMetadata = sdk::GrpcRouteMetadata, fallible {
        /// Whether requests are meant that do not match. AWS's default is `false`.
        invert(set_invert): Option<bool>,
        /// What its value is like; any where it is not given.
        r#match(set_match): Option<GrpcRouteMetadataMatchMethod>,
        /// Its key.
        #[schemars(length(min = 1, max = 50))]
        name(set_name): String,
    }

    /// When a gRPC request is tried again: on any of the events.
    pub struct GrpcRetryPolicy = sdk::GrpcRetryPolicy, fallible {
        /// Events of gRPC.
        #[schemars(extend("items" = {
            "type": "string",
            "enum": ["cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"],
        }))]
        grpc_retry_events(set_grpc_retry_events): Option<BTreeSet<Word<sdk::GrpcRetryPolicyEvent>>>,
        /// Events of HTTP.
        #[schemars(extend("items" = {
            "type": "string", "enum": ["server-error", "gateway-error", "client-error", "stream-error"],
        }))]
        http_retry_events(set_http_retry_events): Option<BTreeSet<String>>,
        /// How often it is tried again.
        #[schemars(range(min = 0))]
        max_retries(set_max_retries): i64,
        /// How long each try may take.
        per_retry_timeout(set_per_retry_timeout): Duration,
        /// Events of TCP.
        #[schemars(extend("items" = { "type": "string", "enum": ["connection-error"] }))]
        tcp_retry_events(set_tcp_retry_events): Option<BTreeSet<Word<sdk::TcpRetryPolicyEvent>>>,
    }

    /// A route for TCP.
    pub struct TcpRoute = sdk::TcpRoute {
        /// Where connections go.
        action(set_action): TcpRouteAction,
        /// Which connections it is for; all where it is not given.
        r#match(set_match): Option<TcpRouteMatch>,
        /// How long connections may be idle.
        timeout(set_timeout): Option<TcpTimeout>,
    }

    /// Where TCP connections go.
    pub struct TcpRouteAction = sdk::TcpRouteAction, fallible {
        /// Virtual nodes, each with its share.
        #[schemars(length(min = 1, max = 10), extend("uniqueItems" = true))]
        weighted_targets(set_weighted_targets): Vec<WeightedTarget>,
    }

    /// Which TCP connections a route is for.
    pub struct TcpRouteMatch = sdk::TcpRouteMatch {
        /// The port that they came to.
        #[schemars(range(min = 1, max = 65_535))]
        port(set_port): Option<i32>,
    }
}

mirror_union! {
    /// What the value of metadata is like.
    pub struct GrpcRouteMetadataMatchMethod = sdk::GrpcRouteMetadataMatchMethod {
        /// The whole value.
        #[schemars(length(min = 1, max = 255))]
        exact(Exact): String,
        /// What it begins with.
        #[schemars(length(min = 1, max = 255))]
        prefix(Prefix): String,
        /// Numbers that it is among.
        range(Range): MatchRange,
        /// A regular expression of it.
        #[schemars(length(min = 1, max = 255))]
        regex(Regex): String,
        /// What it ends with.
        #[schemars(length(min = 1, max = 255))]
        suffix(Suffix): String,
    }
}
