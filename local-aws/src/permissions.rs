//! The rules that a security group call names, one for each source, as AWS keeps them.

use crate::call::Call;
use crate::xml::Element;

/// The lists of sources in an `IpPermission` of a request: the list, the member that names the source.
const SOURCES: [(&str, &str); 4] =
    [("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("PrefixListIds", "PrefixListId"), ("Groups", "GroupId")];
/// The same in an answer.
const SOURCES_TOLD: [&str; 4] =
    ["ipRanges/item/cidrIp", "ipv6Ranges/item/cidrIpv6", "prefixListIds/item/prefixListId", "groups/item/groupId"];

/// One rule: a protocol, its ports and one source (or destination).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permission {
    protocol: String,
    from: String,
    to: String,
    /// A block of addresses, a prefix list or a security group.
    pub(crate) source: String,
}

impl Permission {
    fn new(protocol: &str, from: &str, to: &str, source: &str) -> Self {
        let protocol = match protocol {
            "6" => "tcp",
            "17" => "udp",
            "1" => "icmp",
            other => other,
        };
        // Ports mean nothing where every protocol is meant, whatever the caller says.
        let (from, to) = if protocol == "-1" { ("", "") } else { (from, to) };
        Self { protocol: protocol.into(), from: from.into(), to: to.into(), source: source.into() }
    }

    /// Writes the rule as AWS's messages do.
    pub(crate) fn describe(&self) -> String {
        let Self { protocol, from, to, source } = self;
        match protocol.as_str() {
            "-1" => format!("peer: {source}, ALL, ALLOW"),
            _ => format!("peer: {source}, {}, from port: {from}, to port: {to}, ALLOW", protocol.to_uppercase()),
        }
    }
}

/// Returns the rules that `call` names.
pub(crate) fn asked(call: &Call) -> Vec<Permission> {
    let mut permissions = Vec::new();
    let text = |name: String| call.parameter(&name).unwrap_or_default();
    for index in 1.. {
        let one = format!("IpPermissions.{index}");
        let Some(protocol) = call.parameter(&format!("{one}.IpProtocol")) else { break };
        let (from, to) = (text(format!("{one}.FromPort")), text(format!("{one}.ToPort")));
        for (list, member) in SOURCES {
            for place in 1.. {
                let Some(source) = call.parameter(&format!("{one}.{list}.{place}.{member}")) else { break };
                permissions.push(Permission::new(protocol, from, to, source));
            }
        }
    }
    if let Some(protocol) = call.parameter("IpProtocol") {
        let source = ["CidrIp", "CidrIpv6", "SourceSecurityGroupId"].iter().find_map(|name| call.parameter(name));
        let (from, to) = (text("FromPort".into()), text("ToPort".into()));
        permissions.extend(source.map(|source| Permission::new(protocol, from, to, source)));
    }
    permissions
}

/// Returns the rules of a security group as EC2 answers it: those in, or those out.
pub(crate) fn told(group: &Element, egress: bool) -> Vec<Permission> {
    let set = if egress { "ipPermissionsEgress" } else { "ipPermissions" };
    let mut permissions = Vec::new();
    for item in group.list(set) {
        for source in SOURCES_TOLD.iter().flat_map(|path| item.texts_at(path)) {
            let (from, to) = (item.text_at("fromPort"), item.text_at("toPort"));
            permissions.push(Permission::new(item.text_at("ipProtocol"), from, to, source));
        }
    }
    permissions
}

/// Rewrites the parameters so that each permission has one source only. The emulator makes one rule, with one id, of a
/// permission however many sources it has, where AWS makes one of each.
pub(crate) fn split(call: &Call) -> Vec<(String, String)> {
    let mut split: Vec<(String, String)> = Vec::new();
    let mut made = 0;
    for index in 1.. {
        let one = format!("IpPermissions.{index}.");
        let own: Vec<(&str, &str)> = call
            .parameters
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(&one)?, value.as_str())))
            .collect();
        if own.is_empty() {
            break;
        }
        for (list, _) in SOURCES {
            for place in 1.. {
                let source = format!("{list}.{place}.");
                let members: Vec<_> =
                    own.iter().filter_map(|(name, value)| Some((name.strip_prefix(&source)?, *value))).collect();
                if members.is_empty() {
                    break;
                }
                made += 1;
                let scalars = own.iter().filter(|(name, _)| !name.contains('.'));
                split
                    .extend(scalars.map(|(name, value)| (format!("IpPermissions.{made}.{name}"), (*value).to_owned())));
                let members = members.into_iter();
                split.extend(
                    members.map(|(name, value)| (format!("IpPermissions.{made}.{list}.1.{name}"), value.to_owned())),
                );
            }
        }
    }
    let others = call.parameters.iter().filter(|(name, _)| made == 0 || !name.starts_with("IpPermissions."));
    others.cloned().chain(split).collect()
}
