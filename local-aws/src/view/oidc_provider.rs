//! OpenID Connect providers of IAM: the emulator makes, tells and deletes them, but can't change one.

use bytes::Bytes;
use hyper::Response;

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::xml::Element;

const ARN: &str = "OpenIDConnectProviderArn";
const RESULT: &str = "GetOpenIDConnectProviderResult";
/// What can change.
const CHANGEABLE: [&str; 3] = ["ClientIDList", "ThumbprintList", "Tags"];

/// Says whether answers of `operation` need to be changed or taken down.
pub(super) fn is_shown(operation: &str) -> bool {
    ["CreateOpenIDConnectProvider", "GetOpenIDConnectProvider", "DeleteOpenIDConnectProvider"].contains(&operation)
}

pub(super) fn show(call: &Call, root: &mut Element, facts: &Facts<'_>) {
    let mut memory = facts.shared.memory();
    if call.operation != "GetOpenIDConnectProvider" {
        let arn = root.text_at("CreateOpenIDConnectProviderResult/OpenIDConnectProviderArn");
        memory.oidc_providers.remove(call.parameter(ARN).unwrap_or(arn));
        return;
    }
    let Some(result) = root.at_mut(RESULT) else { return };
    let changed = call.parameter(ARN).and_then(|arn| memory.oidc_providers.get(arn)).cloned();
    changed.into_iter().flatten().for_each(|list| result.set(list));
    let url = result.text_at("Url");
    result.set(Element::leaf("Url", url.strip_prefix("https://").unwrap_or(url).to_owned()));
}

/// Changes a provider, as `call` says.
pub(super) async fn answer(call: &Call, facts: &Facts<'_>) -> Result<Option<Response<Bytes>>, AwsError> {
    let change: fn(&Call, &mut Element) = match call.operation.as_str() {
        "AddClientIDToOpenIDConnectProvider" => add_client,
        "RemoveClientIDFromOpenIDConnectProvider" => remove_client,
        "UpdateOpenIDConnectProviderThumbprint" => set_thumbprints,
        "TagOpenIDConnectProvider" => tag,
        "UntagOpenIDConnectProvider" => untag,
        _ => return Ok(None),
    };
    let arn = call.parameter(ARN).unwrap_or_default();
    let Some(root) = facts.iam_call("GetOpenIDConnectProvider", &[(ARN, arn)]).await? else {
        let message = format!("OpenIDConnect Provider not found for arn {arn}");
        return Err(AwsError { status: 404, ..AwsError::refused("NoSuchEntity", message) });
    };
    let mut provider = root.at(RESULT).cloned().unwrap_or_default();
    let mut memory = facts.shared.memory();
    let changed = memory.oidc_providers.get(arn).cloned();
    changed.into_iter().flatten().for_each(|list| provider.set(list));
    change(call, &mut provider);
    let lists = CHANGEABLE.iter().filter_map(|name| provider.at(name).cloned());
    memory.oidc_providers.insert(arn.into(), lists.collect());
    let done = Element::new(&format!("{}Response", call.operation), Vec::new());
    Ok(Some(Response::new(done.document().into())))
}

/// Puts members into the list `name`, in the place of those that `keeps` does not keep.
fn change(provider: &mut Element, name: &str, keeps: impl Fn(&Element) -> bool, new: Vec<Element>) {
    let kept = provider.list(name).iter().filter(|member| keeps(member)).cloned();
    let members = kept.chain(new).collect();
    provider.set(Element::new(name, members));
}

fn add_client(call: &Call, provider: &mut Element) {
    let client = call.parameter("ClientID").unwrap_or_default();
    change(provider, "ClientIDList", |member| member.text != client, vec![Element::leaf("member", client)]);
}

fn remove_client(call: &Call, provider: &mut Element) {
    let client = call.parameter("ClientID").unwrap_or_default();
    change(provider, "ClientIDList", |member| member.text != client, vec![]);
}

fn set_thumbprints(call: &Call, provider: &mut Element) {
    let thumbprints = call.list("ThumbprintList").into_iter().map(|text| Element::leaf("member", text));
    change(provider, "ThumbprintList", |_| false, thumbprints.collect());
}

fn tag(call: &Call, provider: &mut Element) {
    let tags = (1..).map_while(|index| {
        let key = call.parameter(&format!("Tags.member.{index}.Key"))?;
        let value = call.parameter(&format!("Tags.member.{index}.Value")).unwrap_or_default();
        Some((key, value))
    });
    let tags: Vec<_> = tags.collect();
    let is_new = |member: &Element| tags.iter().any(|(key, _)| *key == member.text_at("Key"));
    let new = tags
        .iter()
        .map(|(key, value)| Element::new("member", vec![Element::leaf("Key", *key), Element::leaf("Value", *value)]));
    change(provider, "Tags", |member| !is_new(member), new.collect());
}

fn untag(call: &Call, provider: &mut Element) {
    let keys = call.list("TagKeys");
    change(provider, "Tags", |member| !keys.contains(&member.text_at("Key")), vec![]);
}
