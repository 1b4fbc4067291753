//! Which requests a rule is for, and how they are rewritten.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types as sdk;

use crate::aws::mirror::{Word, mirror};

mirror! {
    /// What a request must be like; within one condition, any of its values.
    pub struct RuleCondition = sdk::RuleCondition {
        /// What is looked at.
        #[schemars(extend("enum" = [
            "host-header", "path-pattern", "http-header", "http-request-method", "query-string", "source-ip",
        ]))]
        field(set_field): Option<String>,
        /// Hosts or paths, for `host-header` and `path-pattern`; or use the field's own configuration.
        values(set_values): Option<BTreeSet<String>>,
        /// Regular expressions of hosts or paths, for `host-header` and `path-pattern`.
        regex_values(set_regex_values): Option<BTreeSet<String>>,
        /// Hosts, for `host-header`.
        host_header_config(set_host_header_config): Option<HostHeaderConfig>,
        /// Paths, for `path-pattern`.
        path_pattern_config(set_path_pattern_config): Option<PathPatternConfig>,
        /// A header, for `http-header`.
        http_header_config(set_http_header_config): Option<HttpHeaderConfig>,
        /// Methods, for `http-request-method`.
        http_request_method_config(set_http_request_method_config): Option<HttpRequestMethodConfig>,
        /// Parts of the query, for `query-string`.
        query_string_config(set_query_string_config): Option<QueryStringConfig>,
        /// Addresses, for `source-ip`.
        source_ip_config(set_source_ip_config): Option<SourceIpConfig>,
    }

    /// Hosts.
    pub struct HostHeaderConfig = sdk::HostHeaderConditionConfig {
        /// Hosts, with `*` and `?` as wildcards.
        values(set_values): Option<BTreeSet<String>>,
        /// Regular expressions of hosts.
        regex_values(set_regex_values): Option<BTreeSet<String>>,
    }

    /// Paths.
    pub struct PathPatternConfig = sdk::PathPatternConditionConfig {
        /// Paths, with `*` and `?` as wildcards.
        #[schemars(length(max = 5))]
        values(set_values): Option<BTreeSet<String>>,
        /// Regular expressions of paths.
        regex_values(set_regex_values): Option<BTreeSet<String>>,
    }

    /// A header.
    pub struct HttpHeaderConfig = sdk::HttpHeaderConditionConfig {
        /// The header's name.
        http_header_name(set_http_header_name): Option<String>,
        /// Its values, with `*` and `?` as wildcards.
        values(set_values): Option<BTreeSet<String>>,
        /// Regular expressions of its values.
        regex_values(set_regex_values): Option<BTreeSet<String>>,
    }

    /// Methods.
    pub struct HttpRequestMethodConfig = sdk::HttpRequestMethodConditionConfig {
        /// Methods, in capital letters.
        values(set_values): Option<BTreeSet<String>>,
    }

    /// Parts of the query.
    pub struct QueryStringConfig = sdk::QueryStringConditionConfig {
        /// Parts of the query.
        #[schemars(extend("uniqueItems" = true))]
        values(set_values): Option<Vec<QueryStringKeyValue>>,
    }

    /// A part of the query.
    pub struct QueryStringKeyValue = sdk::QueryStringKeyValuePair {
        /// Its key; any where it is not given.
        key(set_key): Option<String>,
        /// Its value, with `*` and `?` as wildcards.
        value(set_value): Option<String>,
    }

    /// Addresses.
    pub struct SourceIpConfig = sdk::SourceIpConditionConfig {
        /// Ranges of addresses, such as `192.0.2.0/24`.
        values(set_values): Option<BTreeSet<String>>,
    }

    /// How a request is rewritten.
    pub struct Transform = sdk::RuleTransform {
        /// What is rewritten.
        #[schemars(extend("enum" = ["host-header-rewrite", "url-rewrite"]))]
        r#type(set_type): Word<sdk::TransformTypeEnum>,
        /// How the host is rewritten.
        host_header_rewrite_config(set_host_header_rewrite_config): Option<HostHeaderRewriteConfig>,
        /// How the path and query are rewritten.
        url_rewrite_config(set_url_rewrite_config): Option<UrlRewriteConfig>,
    }

    /// How the host is rewritten.
    pub struct HostHeaderRewriteConfig = sdk::HostHeaderRewriteConfig {
        /// The rewrite, one.
        #[schemars(extend("uniqueItems" = true))]
        rewrites(set_rewrites): Vec<RewriteConfig>,
    }

    /// How the path and query are rewritten.
    pub struct UrlRewriteConfig = sdk::UrlRewriteConfig {
        /// The rewrite, one.
        #[schemars(extend("uniqueItems" = true))]
        rewrites(set_rewrites): Vec<RewriteConfig>,
    }

    /// A rewrite.
    pub struct RewriteConfig = sdk::RewriteConfig {
        /// The regular expression of what is replaced.
        regex(set_regex): String,
        /// What takes its place.
        replace(set_replace): String,
    }
}

/// Conditions as AWS tells them: it names hosts and paths in one place or both, so both are filled in.
pub(super) fn told(mut conditions: Vec<RuleCondition>) -> Vec<RuleCondition> {
    fn filled(left: &mut Option<BTreeSet<String>>, right: &mut Option<BTreeSet<String>>) {
        let is_empty = |set: &Option<BTreeSet<String>>| set.as_ref().is_none_or(BTreeSet::is_empty);
        match (is_empty(left), is_empty(right)) {
            (true, false) => left.clone_from(right),
            (false, true) => right.clone_from(left),
            _ => {}
        }
    }
    for condition in &mut conditions {
        let (values, regex_values) = (&mut condition.values, &mut condition.regex_values);
        match condition.field.as_deref() {
            Some("host-header") => {
                let config =
                    condition.host_header_config.get_or_insert(HostHeaderConfig { values: None, regex_values: None });
                filled(values, &mut config.values);
                filled(regex_values, &mut config.regex_values);
            }
            Some("path-pattern") => {
                let config =
                    condition.path_pattern_config.get_or_insert(PathPatternConfig { values: None, regex_values: None });
                filled(values, &mut config.values);
                filled(regex_values, &mut config.regex_values);
            }
            _ => {}
        }
    }
    conditions
}
