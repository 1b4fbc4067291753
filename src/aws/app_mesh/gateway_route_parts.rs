//! The parts that a gateway route is made of, to and from the SDK's types.

use aws_sdk_appmesh::types as sdk;

use super::common_parts::{HeaderMatchMethod, HttpPathMatch, MatchRange, QueryParameter};
use crate::aws::mirror::{Word, mirror, mirror_union};

mirror! {
    /// What a gateway route is: one of three kinds, and its priority.
    #[schemars(extend("x-one-of" = ["GrpcRoute", "Http2Route", "HttpRoute"]))]
    pub struct GatewayRouteSpec = sdk::GatewayRouteSpec {
        /// A route for gRPC.
        grpc_route(set_grpc_route): Option<GrpcGatewayRoute>,
        /// A route for HTTP/2.
        http2_route(set_http2_route): Option<HttpGatewayRoute>,
        /// A route for HTTP.
        http_route(set_http_route): Option<HttpGatewayRoute>,
        /// Which route is tried first: that with the lowest number.
        #[schemars(range(min = 0, max = 1000))]
        priority(set_priority): Option<i32>,
    }

    /// Where a gateway's requests go.
    pub struct GatewayRouteTarget = sdk::GatewayRouteTarget {
        /// The port, where the virtual service's provider listens on several.
        #[schemars(range(min = 1, max = 65_535))]
        port(set_port): Option<i32>,
        /// The virtual service.
        virtual_service(set_virtual_service): GatewayRouteVirtualService,
    }

    /// A virtual service that a gateway's requests go to.
    pub struct GatewayRouteVirtualService = sdk::GatewayRouteVirtualService, fallible {
        /// Its name.
        #[schemars(length(min = 1, max = 255))]
        virtual_service_name(set_virtual_service_name): String,
    }

    /// The host that requests are for.
    #[schemars(extend("x-one-of" = ["Exact", "Suffix"]))]
    pub struct GatewayRouteHostnameMatch = sdk::GatewayRouteHostnameMatch {
        /// The whole host name.
        #[schemars(length(min = 1, max = 253))]
        exact(set_exact): Option<String>,
        /// What it ends with.
        #[schemars(length(min = 1, max = 253))]
        suffix(set_suffix): Option<String>,
    }

    /// How the host is rewritten.
    pub struct GatewayRouteHostnameRewrite = sdk::GatewayRouteHostnameRewrite {
        /// Whether it becomes the virtual service's name. AWS's default is `ENABLED`.
        #[schemars(extend("enum" = ["ENABLED", "DISABLED"]))]
        default_target_hostname(set_default_target_hostname): Option<Word<sdk::DefaultGatewayRouteRewrite>>,
    }

    /// A gateway's route for HTTP or HTTP/2.
    pub struct HttpGatewayRoute = sdk::HttpGatewayRoute {
        /// Where requests go.
        action(set_action): HttpGatewayRouteAction,
        /// Which requests it is for.
        r#match(set_match): HttpGatewayRouteMatch,
    }

    /// Where a gateway's HTTP requests go.
    pub struct HttpGatewayRouteAction = sdk::HttpGatewayRouteAction {
        /// How they are rewritten.
        rewrite(set_rewrite): Option<HttpGatewayRouteRewrite>,
        /// The virtual service.
        target(set_target): GatewayRouteTarget,
    }

    /// How HTTP requests are rewritten.
    #[schemars(extend("x-one-of" = ["Path", "Prefix"]))]
    pub struct HttpGatewayRouteRewrite = sdk::HttpGatewayRouteRewrite {
        /// The host.
        hostname(set_hostname): Option<GatewayRouteHostnameRewrite>,
        /// The path that was matched; or use `Prefix`.
        path(set_path): Option<HttpGatewayRoutePathRewrite>,
        /// The prefix that was matched.
        prefix(set_prefix): Option<HttpGatewayRoutePrefixRewrite>,
    }

    /// How a path is rewritten.
    pub struct HttpGatewayRoutePathRewrite = sdk::HttpGatewayRoutePathRewrite {
        /// The new path.
        #[schemars(length(min = 1, max = 255))]
        exact(set_exact): Option<String>,
    }

    /// How a prefix is rewritten.
    #[schemars(extend("x-one-of" = ["DefaultPrefix", "Value"]))]
    pub struct HttpGatewayRoutePrefixRewrite = sdk::HttpGatewayRoutePrefixRewrite {
        /// Whether it becomes `/`. AWS's default is `ENABLED`.
        #[schemars(extend("enum" = ["ENABLED", "DISABLED"]))]
        default_prefix(set_default_prefix): Option<Word<sdk::DefaultGatewayRouteRewrite>>,
        /// The new prefix, with `/` at its end.
        #[schemars(length(min = 1, max = 255))]
        value(set_value): Option<String>,
    }

    /// Which HTTP requests a gateway's route is for: those that are all of this.
    #[schemars(extend("x-one-of" = ["Path", "Prefix"]))]
    pub struct HttpGatewayRouteMatch = sdk::HttpGatewayRouteMatch {
        /// Headers that they have.
        #[schemars(length(min = 1, max = 10), extend("uniqueItems" = true))]
        headers(set_headers): Option<Vec<HttpGatewayRouteHeader>>,
        /// The host that they are for.
        hostname(set_hostname): Option<GatewayRouteHostnameMatch>,
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
    }

    /// A header that requests have.
    pub struct HttpGatewayRouteHeader = sdk::HttpGatewayRouteHeader, fallible {
        /// Whether requests are meant that do not match. AWS's default is `false`.
        invert(set_invert): Option<bool>,
        /// What its value is like; any where it is not given.
        r#match(set_match): Option<HeaderMatchMethod>,
        /// Its name.
        #[schemars(length(min = 1, max = 50))]
        name(set_name): String,
    }

    /// A gateway's route for gRPC.
    pub struct GrpcGatewayRoute = sdk::GrpcGatewayRoute {
        /// Where requests go.
        action(set_action): GrpcGatewayRouteAction,
        /// Which requests it is for.
        r#match(set_match): GrpcGatewayRouteMatch,
    }

    /// Where a gateway's gRPC requests go.
    pub struct GrpcGatewayRouteAction = sdk::GrpcGatewayRouteAction {
        /// How they are rewritten.
        rewrite(set_rewrite): Option<GrpcGatewayRouteRewrite>,
        /// The virtual service.
        target(set_target): GatewayRouteTarget,
    }

    /// How gRPC requests are rewritten.
    pub struct GrpcGatewayRouteRewrite = sdk::GrpcGatewayRouteRewrite {
        /// The host.
        hostname(set_hostname): Option<GatewayRouteHostnameRewrite>,
    }

    /// Which gRPC requests a gateway's route is for: those that are all of this.
    pub struct GrpcGatewayRouteMatch = sdk::GrpcGatewayRouteMatch {
        /// The host that they are for.
        hostname(set_hostname): Option<GatewayRouteHostnameMatch>,
        /// Metadata that they have.
        #[schemars(length(min = 1, max = 10), extend("uniqueItems" = true))]
        metadata(set_metadata): Option<Vec<GrpcGatewayRouteMetadata>>,
        /// The port that they came to.
        #[schemars(range(min = 1, max = 65_535))]
        port(set_port): Option<i32>,
        /// The service that they call, with its package.
        service_name(set_service_name): Option<String>,
    }

    /// Metadata that requests have.
    pub struct GrpcGatewayRouteMetadata = sdk::GrpcGatewayRouteMetadata, fallible {
        /// Whether requests are meant that do not match. AWS's default is `false`.
        invert(set_invert): Option<bool>,
        /// What its value is like; any where it is not given.
        r#match(set_match): Option<GatewayRouteMetadataMatch>,
        /// Its key.
        #[schemars(length(min = 1, max = 50))]
        name(set_name): String,
    }
}

mirror_union! {
    /// What the value of metadata is like.
    pub struct GatewayRouteMetadataMatch = sdk::GrpcMetadataMatchMethod {
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
