//! `AWS::IAM::OIDCProvider`.

use std::collections::BTreeSet;

use aws_sdk_iam::operation::get_open_id_connect_provider::GetOpenIdConnectProviderOutput as Provider;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{tag_list, tags};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, found};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, TagSet, Tags};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::{CloudError, ErrorKind, Op};
use crate::value::Value;

/// What every provider's URL begins with.
const SCHEME: &str = "https://";

/// An OpenID Connect provider whose tokens roles can trust: GitHub Actions, GitLab and the like, without access keys.
///
/// There is one of a URL in an account. The API reads them one by one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct OidcProvider {
    /// Audiences whose tokens are taken, `sts.amazonaws.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(inner(length(min = 1, max = 255)))]
    pub client_id_list: Option<BTreeSet<String>>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// SHA-1 thumbprints of the provider's certificate authorities, in hexadecimal. AWS's default is what the provider shows
    /// when it is made; those that the stack no longer gives stay as they are, since AWS takes no empty list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5), inner(length(min = 40, max = 40), regex(pattern = "^[0-9A-Fa-f]{40}$")))]
    pub thumbprint_list: Option<BTreeSet<String>>,
    /// The provider's URL, `https://token.actions.githubusercontent.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub url: Option<String>,
}

/// What AWS tells of an OpenID Connect provider.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN, which a role's trust policy names as `Federated`.
    pub arn: String,
}

impl Resource for OidcProvider {
    const TYPE: &'static str = "AWS::IAM::OIDCProvider";
    const CREATE_ONLY: &'static [&'static str] = &["Url"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["Url"]];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "iam:CreateOpenIDConnectProvider",
            "iam:TagOpenIDConnectProvider",
            "iam:ListOpenIDConnectProviders",
            "iam:GetOpenIDConnectProvider",
        ],
        read: &["iam:GetOpenIDConnectProvider"],
        update: &[
            "iam:UpdateOpenIDConnectProviderThumbprint",
            "iam:AddClientIDToOpenIDConnectProvider",
            "iam:RemoveClientIDFromOpenIDConnectProvider",
            "iam:TagOpenIDConnectProvider",
            "iam:UntagOpenIDConnectProvider",
        ],
        delete: &["iam:DeleteOpenIDConnectProvider"],
    };
    type Outputs = Outputs;

    fn normalize(properties: &mut Value) {
        let Value::Map(map) = properties else { return };
        if let Some(Value::String(url)) = map.get_mut("Url") {
            *url = with_scheme(url);
        }
        if let Some(Value::List(list)) = map.get_mut("ThumbprintList") {
            for thumbprint in list {
                if let Value::String(text) = thumbprint {
                    text.make_ascii_lowercase();
                }
            }
        }
    }

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        const OPERATION: &str = "iam:CreateOpenIDConnectProvider";
        let list = |set: &Option<BTreeSet<String>>| set.as_ref().map(|set| set.iter().cloned().collect());
        let call = aws
            .iam()
            .create_open_id_connect_provider()
            .set_client_id_list(list(&self.client_id_list))
            .set_tags(tag_list(&self.tags)?)
            .set_thumbprint_list(list(&self.thumbprint_list))
            .set_url(self.url.as_deref().map(with_scheme));
        let answer = call.send().await.during(OPERATION)?;
        let arn = answer.open_id_connect_provider_arn();
        arn.map(Id::new).ok_or_else(|| CloudError::new(ErrorKind::Lost, OPERATION, "the answer holds no ARN"))
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let reads = ids.iter().map(|id| async move {
            let provider = get(aws, id.as_str()).await?;
            Ok::<_, CloudError>(provider.map(|provider| observed(id, &provider)))
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        let arn = id.as_str();
        let none = BTreeSet::new();
        let (new_ids, old_ids) =
            (self.client_id_list.as_ref().unwrap_or(&none), old.client_id_list.as_ref().unwrap_or(&none));
        for client in new_ids.difference(old_ids) {
            let call = aws.iam().add_client_id_to_open_id_connect_provider().open_id_connect_provider_arn(arn);
            call.client_id(client).send().await.during("iam:AddClientIDToOpenIDConnectProvider")?;
        }
        for client in old_ids.difference(new_ids) {
            let call = aws.iam().remove_client_id_from_open_id_connect_provider().open_id_connect_provider_arn(arn);
            call.client_id(client).send().await.during("iam:RemoveClientIDFromOpenIDConnectProvider")?;
        }
        if let Some(thumbprints) = self.thumbprint_list.as_ref().filter(|list| !list.is_empty())
            && self.thumbprint_list != old.thumbprint_list
        {
            let call = aws.iam().update_open_id_connect_provider_thumbprint().open_id_connect_provider_arn(arn);
            let call = call.set_thumbprint_list(Some(thumbprints.iter().cloned().collect()));
            call.send().await.during("iam:UpdateOpenIDConnectProviderThumbprint")?;
        }
        let (set, removed) = self.tags.changes(&old.tags);
        if !set.is_empty() {
            let call = aws.iam().tag_open_id_connect_provider().open_id_connect_provider_arn(arn);
            call.set_tags(tag_list(&set)?).send().await.during("iam:TagOpenIDConnectProvider")?;
        }
        if !removed.is_empty() {
            let call = aws.iam().untag_open_id_connect_provider().open_id_connect_provider_arn(arn);
            call.set_tag_keys(Some(removed)).send().await.during("iam:UntagOpenIDConnectProvider")?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        // The API does not fail where it is gone already.
        let call = aws.iam().delete_open_id_connect_provider().open_id_connect_provider_arn(id.as_str());
        call.send().await.during("iam:DeleteOpenIDConnectProvider")?;
        Ok(())
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        having(aws, arns(aws).await?, tags).await
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let url = self.url.as_deref().map(with_scheme).unwrap_or_default();
        let end = format!(":oidc-provider/{}", url.strip_prefix(SCHEME).unwrap_or(&url).trim_end_matches('/'));
        let named = arns(aws).await?.into_iter().filter(|arn| arn.trim_end_matches('/').ends_with(&end)).collect();
        Ok(having(aws, named, &ownership::of_op(op)).await?.into_iter().next())
    }
}

/// A URL as a stack should write it: AWS tells it without its scheme.
fn with_scheme(url: &str) -> String {
    if url.contains("://") { url.to_owned() } else { format!("{SCHEME}{url}") }
}

async fn get(aws: &Aws, arn: &str) -> Result<Option<Provider>> {
    let call = aws.iam().get_open_id_connect_provider().open_id_connect_provider_arn(arn);
    found(call.send().await.during("iam:GetOpenIDConnectProvider"))
}

/// The ARNs of all there are; the API has no pages for them.
async fn arns(aws: &Aws) -> Result<Vec<String>> {
    let answer = aws.iam().list_open_id_connect_providers().send().await.during("iam:ListOpenIDConnectProviders")?;
    let list = answer.open_id_connect_provider_list.unwrap_or_default();
    Ok(list.into_iter().filter_map(|provider| provider.arn).collect())
}

/// Those of `arns` that have all of `tags`.
async fn having(aws: &Aws, arns: Vec<String>, tags: &TagSet) -> Result<Vec<Id>> {
    let reads = arns.iter().map(|arn| async move {
        let provider = get(aws, arn).await?;
        Ok::<_, CloudError>(provider.filter(|provider| self::tags(provider.tags()).have(tags)).map(|_| Id::new(arn)))
    });
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

fn observed(id: &Id, provider: &Provider) -> Observed<OidcProvider> {
    let thumbprints = provider.thumbprint_list().iter().map(|text| text.to_ascii_lowercase());
    Observed {
        id: id.clone(),
        properties: OidcProvider {
            client_id_list: Some(provider.client_id_list().iter().cloned().collect()),
            tags: tags(provider.tags()),
            thumbprint_list: Some(thumbprints.collect()),
            url: provider.url().map(with_scheme),
        },
        outputs: Outputs { arn: id.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_url_has_its_scheme_and_thumbprints_are_small() {
        let mut value = Value::from(json!({"Url": "gitlab.com", "ThumbprintList": ["ABCDEF"]}));
        OidcProvider::normalize(&mut value);
        assert_eq!(value, Value::from(json!({"Url": "https://gitlab.com", "ThumbprintList": ["abcdef"]})));
        assert_eq!(with_scheme("https://gitlab.com"), "https://gitlab.com");
    }
}
