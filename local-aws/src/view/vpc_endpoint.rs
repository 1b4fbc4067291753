//! VPC endpoints: what the emulator forgets of them, and the time that they take to go.

use crate::call::Call;
use crate::clock::Wait;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::memory::{NetworkUser, VpcEndpoint};
use crate::xml::Element;

/// The policy of an endpoint that was given none.
const FULL_ACCESS: &str = r#"{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}"#;
/// The parameter that only asks from outside are led to an interface endpoint.
const INBOUND_ONLY: &str = "DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint";

/// Does what must be done before a deletion: keeps what will be told of an endpoint while it goes.
pub(super) async fn before_deletion(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    forget_gone(facts);
    for id in call.list("VpcEndpointId") {
        let Some(mut item) = facts.find("DescribeVpcEndpoints", "vpcEndpointId", id).await? else { continue };
        if item.text_at("vpcEndpointType") == "Gateway" {
            continue;
        }
        complete(&mut item, facts);
        item.set(Element::leaf("state", "deleting"));
        facts.shared.clock().begin(id, Wait::VpcEndpointDeleted);
        let mut memory = facts.shared.memory();
        memory.departed.insert(id.into(), (network_user(&item), Wait::VpcEndpointDeleted));
        memory.vpc_endpoints.entry(id.into()).or_default().departed = Some(item);
    }
    Ok(())
}

/// Forgets endpoints whose time to go is over.
fn forget_gone(facts: &Facts<'_>) {
    let (clock, mut memory) = (facts.shared.clock(), facts.shared.memory());
    memory
        .vpc_endpoints
        .retain(|id, endpoint| endpoint.departed.is_none() || clock.waits(id, Wait::VpcEndpointDeleted));
}

pub(super) async fn show(call: &Call, root: &mut Element, facts: &Facts<'_>) -> Result<(), AwsError> {
    match call.operation.as_str() {
        "CreateVpcEndpoint" => {
            if let Some(item) = root.at_mut("vpcEndpoint") {
                let settings = created(call, item, facts).await?;
                let endpoint = VpcEndpoint { settings, departed: None };
                facts.shared.memory().vpc_endpoints.insert(item.text_at("vpcEndpointId").into(), endpoint);
                complete(item, facts);
            }
        }
        "ModifyVpcEndpoint" => modified(call, facts).await?,
        "DescribeVpcEndpoints" => {
            let Some(set) = root.at_mut("vpcEndpointSet") else { return Ok(()) };
            set.children.iter_mut().for_each(|item| complete(item, facts));
            set.children.extend(going(call, facts));
        }
        "DeleteVpcEndpoints" => {
            let items = call.list("VpcEndpointId").into_iter().filter(|id| !is_deleted(id, facts)).map(|id| {
                let message = format!("The Vpc Endpoint Id '{id}' does not exist");
                let code = Element::leaf("code", "InvalidVpcEndpoint.NotFound");
                let error = Element::new("error", vec![code, Element::leaf("message", message)]);
                Element::new("item", vec![error, Element::leaf("resourceId", id)])
            });
            root.set(Element::new("unsuccessful", items.collect()));
        }
        _ => {}
    }
    Ok(())
}

/// Says whether a deletion had something to delete, and forgets a gateway, which is only a route and gone at once.
fn is_deleted(id: &str, facts: &Facts<'_>) -> bool {
    let mut memory = facts.shared.memory();
    let Some(endpoint) = memory.vpc_endpoints.get(id) else { return false };
    if endpoint.departed.is_none() {
        memory.vpc_endpoints.remove(id);
    }
    true
}

/// Returns the endpoints that are asked for and still going.
fn going(call: &Call, facts: &Facts<'_>) -> Vec<Element> {
    let (clock, memory) = (facts.shared.clock(), facts.shared.memory());
    let asked = call.list("VpcEndpointId");
    let going = memory.vpc_endpoints.iter().filter(|(id, _)| clock.waits(id, Wait::VpcEndpointDeleted));
    let asked = going.filter(|(id, _)| asked.is_empty() || asked.contains(&id.as_str()));
    asked.filter_map(|(_, endpoint)| endpoint.departed.clone()).collect()
}

/// Puts into an endpoint what the emulator does not tell of it.
fn complete(item: &mut Element, facts: &Facts<'_>) {
    let id = item.text_at("vpcEndpointId").to_owned();
    let Some(endpoint) = facts.shared.memory().vpc_endpoints.get(&id).cloned() else { return };
    endpoint.settings.into_iter().for_each(|setting| item.set(setting));
    if item.text_at("vpcEndpointType") != "Gateway" {
        let kept = id.trim_start_matches("vpce-").get(1..).unwrap_or_default();
        let interfaces =
            (0..item.list("subnetIdSet").len()).map(|index| Element::leaf("item", format!("eni-{kept}{index:x}")));
        item.set(Element::new("networkInterfaceIdSet", interfaces.collect()));
        let service = item.text_at("serviceName").split('.').skip(3).collect::<Vec<_>>().join(".");
        let name = Element::leaf("dnsName", format!("{id}.{service}.vpce.amazonaws.com"));
        let entry = Element::new("item", vec![name, Element::leaf("hostedZoneId", "Z7HUB22UULQXV")]);
        item.set(Element::new("dnsEntrySet", vec![entry]));
    }
}

/// Reads the settings of a new endpoint.
async fn created(call: &Call, item: &Element, facts: &Facts<'_>) -> Result<Vec<Element>, AwsError> {
    let gateway = item.text_at("vpcEndpointType") == "Gateway";
    let policy = call.parameter("PolicyDocument").unwrap_or(FULL_ACCESS);
    let private_dns = call.parameter("PrivateDnsEnabled").unwrap_or("false");
    let records = call.parameter("DnsOptions.DnsRecordIpType");
    let records = records.unwrap_or(if gateway { "service-defined" } else { "ipv4" });
    let mut options = Element::new("dnsOptions", vec![Element::leaf("dnsRecordIpType", records)]);
    if let Some(only) = call.parameter(INBOUND_ONLY) {
        options.set(Element::leaf("privateDnsOnlyForInboundResolverEndpoint", only));
    }
    let mut groups: Vec<String> = call.list("SecurityGroupId").into_iter().map(str::to_owned).collect();
    if groups.is_empty() && !gateway {
        let all = facts.ec2("DescribeSecurityGroups").await?;
        let own = all.iter().filter(|group| group.text_at("vpcId") == item.text_at("vpcId"));
        let default = own.filter(|group| group.text_at("groupName") == "default");
        groups.extend(default.map(|group| group.text_at("groupId").to_owned()));
    }
    Ok(vec![
        Element::leaf("policyDocument", policy),
        Element::leaf("privateDnsEnabled", private_dns),
        Element::leaf("ipAddressType", call.parameter("IpAddressType").unwrap_or("ipv4")),
        options,
        group_set(groups),
    ])
}

/// Changes the settings of an endpoint as `call` says.
async fn modified(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    let id = call.parameter("VpcEndpointId").unwrap_or_default();
    let Some(item) = facts.find("DescribeVpcEndpoints", "vpcEndpointId", id).await? else { return Ok(()) };
    if item.text_at("vpcEndpointType") != "Gateway" {
        facts.shared.clock().begin(id, Wait::VpcEndpointCreated);
    }
    let mut memory = facts.shared.memory();
    let settings = &mut memory.vpc_endpoints.entry(id.into()).or_default().settings;
    // A node with the settings as children, to find and replace them by name.
    let mut all = Element::new("settings", std::mem::take(settings));
    if call.parameter("ResetPolicy") == Some("true") {
        all.set(Element::leaf("policyDocument", FULL_ACCESS));
    }
    for (parameter, name) in [
        ("PolicyDocument", "policyDocument"),
        ("PrivateDnsEnabled", "privateDnsEnabled"),
        ("IpAddressType", "ipAddressType"),
    ] {
        if let Some(value) = call.parameter(parameter) {
            all.set(Element::leaf(name, value));
        }
    }
    for (parameter, name) in
        [("DnsOptions.DnsRecordIpType", "dnsRecordIpType"), (INBOUND_ONLY, "privateDnsOnlyForInboundResolverEndpoint")]
    {
        if let (Some(value), Some(options)) = (call.parameter(parameter), all.at_mut("dnsOptions")) {
            options.set(Element::leaf(name, value));
        }
    }
    let (added, removed) = (call.list("AddSecurityGroupId"), call.list("RemoveSecurityGroupId"));
    let mut groups: Vec<String> = all.texts_at("groupSet/item/groupId").into_iter().map(str::to_owned).collect();
    groups.retain(|group| !removed.contains(&group.as_str()) && !added.contains(&group.as_str()));
    groups.extend(added.into_iter().map(str::to_owned));
    all.set(group_set(groups));
    *settings = all.children;
    Ok(())
}

fn group_set(ids: Vec<String>) -> Element {
    let item = |id: String| Element::new("item", vec![Element::leaf("groupId", id)]);
    Element::new("groupSet", ids.into_iter().map(item).collect())
}

/// Reads where an endpoint, told in full, has its network interfaces.
fn network_user(item: &Element) -> NetworkUser {
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
    NetworkUser {
        id: item.text_at("vpcEndpointId").into(),
        subnets: owned(item.texts_at("subnetIdSet/item")),
        groups: owned(item.texts_at("groupSet/item/groupId")),
        public: false,
    }
}
