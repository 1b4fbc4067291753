//! The DNS options of `AWS::EC2::VPCEndpoint`.

use aws_sdk_ec2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Value;

/// Names that lead on-premises traffic to the interface endpoint, and the VPC's own to the gateway endpoint.
const INBOUND_ONLY: &str = "OnlyInboundResolver";
/// Names that lead all traffic to the interface endpoint.
const ALL: &str = "AllResolvers";

/// DNS records of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DnsOptions {
    /// What addresses the records have. AWS's default is `ipv4`, for gateway endpoints `service-defined`; `not-specified` is
    /// the same as not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["ipv4", "ipv6", "dualstack", "service-defined", "not-specified"]))]
    pub dns_record_ip_type: Option<String>,
    /// Whether only what asks from outside, through Resolver, is led to the interface endpoint; for S3, which has a gateway
    /// endpoint for the VPC's own traffic. `NotSpecified` is the same as not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["OnlyInboundResolver", "AllResolvers", "NotSpecified"]))]
    pub private_dns_only_for_inbound_resolver_endpoint: Option<String>,
    /// Which domains get a private zone; for endpoints of type `ServiceNetwork` or `Resource` with private DNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [
        "VERIFIED_DOMAINS_ONLY", "ALL_DOMAINS", "VERIFIED_DOMAINS_AND_SPECIFIED_DOMAINS", "SPECIFIED_DOMAINS_ONLY"
    ]))]
    pub private_dns_preference: Option<String>,
    /// The domains that get one, where `PrivateDnsPreference` speaks of specified domains.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 10), inner(length(min = 1, max = 255)))]
    pub private_dns_specified_domains: Option<Vec<String>>,
}

impl DnsOptions {
    /// As the API takes them.
    pub(super) fn sdk(&self) -> sdk::DnsOptionsSpecification {
        let only = self.private_dns_only_for_inbound_resolver_endpoint.as_deref();
        let only = only.filter(|only| [INBOUND_ONLY, ALL].contains(only)).map(|only| only == INBOUND_ONLY);
        sdk::DnsOptionsSpecification::builder()
            .set_dns_record_ip_type(self.dns_record_ip_type.as_deref().map(Into::into))
            .set_private_dns_only_for_inbound_resolver_endpoint(only)
            .set_private_dns_preference(self.private_dns_preference.clone())
            .set_private_dns_specified_domains(self.private_dns_specified_domains.clone())
            .build()
    }

    /// As the API tells them.
    pub(super) fn of(options: &sdk::DnsOptions) -> Self {
        let only = options.private_dns_only_for_inbound_resolver_endpoint();
        let domains = options.private_dns_specified_domains();
        Self {
            dns_record_ip_type: options.dns_record_ip_type().map(ToString::to_string),
            private_dns_only_for_inbound_resolver_endpoint: only
                .map(|only| if only { INBOUND_ONLY } else { ALL }.to_owned()),
            private_dns_preference: options.private_dns_preference().map(str::to_owned),
            private_dns_specified_domains: (!domains.is_empty()).then(|| domains.to_vec()),
        }
    }

    /// These, with AWS's defaults for what is in `old` and not in these: `records` for the records.
    pub(super) fn or_default(&self, old: Option<&Self>, records: &str) -> Self {
        let mut options = Self { private_dns_preference: None, private_dns_specified_domains: None, ..self.clone() };
        if old.is_some_and(|old| old.dns_record_ip_type.is_some()) {
            options.dns_record_ip_type.get_or_insert_with(|| records.to_owned());
        }
        if old.is_some_and(|old| old.private_dns_only_for_inbound_resolver_endpoint.is_some()) {
            options.private_dns_only_for_inbound_resolver_endpoint.get_or_insert_with(|| ALL.to_owned());
        }
        options
    }
}

/// Takes away what is given as not given.
pub(super) fn forget_unspecified(properties: &mut Value) {
    let Value::Map(map) = properties else { return };
    map.retain(|_, value| !matches!(value.as_str(), Some("not-specified")));
    if let Some(Value::Map(options)) = map.get_mut("DnsOptions") {
        options.retain(|_, value| !matches!(value.as_str(), Some("not-specified" | "NotSpecified")));
        if options.is_empty() {
            map.remove("DnsOptions");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_specified_is_not_given() {
        let mut value = Value::from(json!({
            "IpAddressType": "not-specified",
            "VpcId": "vpc-1",
            "DnsOptions": {"DnsRecordIpType": "ipv4", "PrivateDnsOnlyForInboundResolverEndpoint": "NotSpecified"},
        }));
        forget_unspecified(&mut value);
        assert_eq!(value, Value::from(json!({"VpcId": "vpc-1", "DnsOptions": {"DnsRecordIpType": "ipv4"}})));
        let mut value = Value::from(json!({"DnsOptions": {"DnsRecordIpType": "not-specified"}}));
        forget_unspecified(&mut value);
        assert_eq!(value, Value::from(json!({})));
    }

    #[test]
    fn options_that_are_gone_go_back_to_the_defaults() {
        let old = DnsOptions {
            dns_record_ip_type: Some("dualstack".to_owned()),
            private_dns_only_for_inbound_resolver_endpoint: Some(INBOUND_ONLY.to_owned()),
            ..DnsOptions::default()
        };
        let reset = DnsOptions::default().or_default(Some(&old), "ipv4");
        assert_eq!(reset.dns_record_ip_type.as_deref(), Some("ipv4"));
        assert_eq!(reset.private_dns_only_for_inbound_resolver_endpoint.as_deref(), Some(ALL));
        assert_eq!(DnsOptions::default().or_default(None, "ipv4"), DnsOptions::default());
    }
}
