//! Parts that nodes, gateways and routes have in common, to and from the SDK's types.

use std::collections::BTreeSet;

use aws_sdk_appmesh::types as sdk;

use crate::aws::mirror::{Word, mirror, mirror_union};

mirror! {
    /// A length of time.
    pub struct Duration = sdk::Duration {
        /// The unit: milliseconds or seconds.
        #[schemars(extend("enum" = ["ms", "s"]))]
        unit(set_unit): Word<sdk::DurationUnit>,
        /// How many of them.
        #[schemars(range(min = 0))]
        value(set_value): i64,
    }

    /// How long HTTP may take.
    pub struct HttpTimeout = sdk::HttpTimeout {
        /// How long a connection may be idle. AWS's default is no limit.
        idle(set_idle): Option<Duration>,
        /// How long a request may take. AWS's default is 15 seconds; 0 is no limit.
        per_request(set_per_request): Option<Duration>,
    }

    /// How long gRPC may take.
    pub struct GrpcTimeout = sdk::GrpcTimeout {
        /// How long a connection may be idle. AWS's default is no limit.
        idle(set_idle): Option<Duration>,
        /// How long a request may take. AWS's default is 15 seconds; 0 is no limit.
        per_request(set_per_request): Option<Duration>,
    }

    /// How long TCP may take.
    pub struct TcpTimeout = sdk::TcpTimeout {
        /// How long a connection may be idle. AWS's default is no limit.
        idle(set_idle): Option<Duration>,
    }

    /// A range of whole numbers.
    pub struct MatchRange = sdk::MatchRange, fallible {
        /// The first that is not in it.
        end(set_end): i64,
        /// The first that is in it.
        start(set_start): i64,
    }

    /// A path that requests are for.
    #[schemars(extend("x-one-of" = ["Exact", "Regex"]))]
    pub struct HttpPathMatch = sdk::HttpPathMatch {
        /// The whole path.
        #[schemars(length(min = 1, max = 255))]
        exact(set_exact): Option<String>,
        /// A regular expression of the path.
        #[schemars(length(min = 1, max = 255))]
        regex(set_regex): Option<String>,
    }

    /// A query parameter that requests have.
    pub struct QueryParameter = sdk::HttpQueryParameter, fallible {
        /// Its value; any where it is not given.
        r#match(set_match): Option<HttpQueryParameterMatch>,
        /// Its name.
        name(set_name): String,
    }

    /// The value of a query parameter.
    pub struct HttpQueryParameterMatch = sdk::QueryParameterMatch {
        /// The whole value.
        exact(set_exact): Option<String>,
    }

    /// Names that a certificate must be for.
    pub struct SubjectAlternativeNames = sdk::SubjectAlternativeNames {
        /// What they must be like.
        r#match(set_match): SubjectAlternativeNameMatchers,
    }

    /// What a certificate's names must be like.
    pub struct SubjectAlternativeNameMatchers = sdk::SubjectAlternativeNameMatchers, fallible {
        /// Whole names, of which it must have one.
        #[schemars(inner(length(min = 1, max = 254)))]
        exact(set_exact): BTreeSet<String>,
    }

    /// A key of a log entry.
    pub struct JsonFormatRef = sdk::JsonFormatRef, fallible {
        /// The key.
        #[schemars(length(min = 1, max = 100))]
        key(set_key): String,
        /// Its value, with Envoy's operators such as `%START_TIME%`.
        #[schemars(length(min = 1, max = 100))]
        value(set_value): String,
    }
}

mirror_union! {
    /// How log entries are written.
    pub struct LoggingFormat = sdk::LoggingFormat {
        /// As JSON with these keys.
        json(Json): Vec<JsonFormatRef>,
        /// As text, with Envoy's operators such as `%START_TIME%`.
        #[schemars(length(min = 1, max = 1000))]
        text(Text): String,
    }

    /// What a header is like.
    pub struct HeaderMatchMethod = sdk::HeaderMatchMethod {
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
