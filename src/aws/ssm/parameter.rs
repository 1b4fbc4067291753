//! `AWS::SSM::Parameter`.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_ssm::types::{self as sdk, ParameterTier, ResourceTypeForTagging};
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built, found};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, TagSet, Tags};
use crate::aws::wait::{self, Probe};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::{CloudError, ErrorKind, Op};

/// Names that one call of GetParameters takes.
const GET_BATCH: usize = 10;
/// The longest name that can be given, less the ARN in front of it.
const MAX_NAME: usize = 900;
/// The tag that keeps `Intelligent-Tiering`: AWS tells only which tier that came to.
const TIERING: &str = "infra:tier";
const INTELLIGENT: &str = "Intelligent-Tiering";
/// What takes all policies from a parameter.
const NO_POLICIES: &str = "[{}]";
/// How long AWS may take to show everywhere what was set.
const PROPAGATION: Duration = Duration::from_secs(60);

/// A parameter of the Parameter Store: a text, or a list of them, by name. It is no place for secrets: use
/// `AWS::SecretsManager::Secret`.
///
/// One read tells 10 of them, and their tags one by one.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Parameter {
    /// The regular expression that the value must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub allowed_pattern: Option<String>,
    /// What the value is: text, or the id of an Amazon machine image, which AWS then checks. AWS's default is `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["text", "aws:ec2:image"]))]
    pub data_type: Option<String>,
    /// What the parameter is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// The parameter's name; made from the stack's and the resource's where it is not given. It can't begin with `aws` or
    /// `ssm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub name: Option<String>,
    /// A JSON list of policies, as text: when it expires, and when to say so. They take the advanced tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096), extend("format" = "json"))]
    pub policies: Option<String>,
    /// Tags, by key.
    #[serde(default, skip_serializing_if = "TagSet::is_empty")]
    pub tags: TagSet,
    /// How long the value may be, and what that costs. The account's default is `Standard` unless it was changed. An advanced
    /// parameter can't become a standard one; where the tier is no longer given, the parameter keeps the one it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["Standard", "Advanced", "Intelligent-Tiering"]))]
    pub tier: Option<String>,
    /// Whether the value is one text or several.
    #[schemars(extend("enum" = ["String", "StringList"]))]
    pub r#type: String,
    /// The value; that of a `StringList` has commas between its elements.
    pub value: String,
}

/// What AWS tells of a parameter.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub arn: String,
}

impl Resource for Parameter {
    const TYPE: &'static str = "AWS::SSM::Parameter";
    const CREATE_ONLY: &'static [&'static str] = &["Name"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["Name"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "Name", max_length: MAX_NAME, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::Map);
    const PERMISSIONS: Permissions = Permissions {
        create: &["ssm:AddTagsToResource", "ssm:GetParameters", "ssm:ListTagsForResource", "ssm:PutParameter"],
        read: &["ssm:DescribeParameters", "ssm:GetParameters", "ssm:ListTagsForResource"],
        update: &[
            "ssm:AddTagsToResource",
            "ssm:DescribeParameters",
            "ssm:GetParameters",
            "ssm:PutParameter",
            "ssm:RemoveTagsFromResource",
        ],
        delete: &["ssm:DeleteParameter"],
    };
    const READ_BATCH: usize = GET_BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        let name = self.name.clone().unwrap_or_default();
        let call = self.put(aws, &name).set_tier(self.tier.as_deref().map(Into::into));
        let call = call.set_policies(self.policies.clone()).set_tags(Some(tag_list(&self.kept_tags())?));
        match call.send().await.during("ssm:PutParameter") {
            // The call takes no token: one that is repeated because its answer was lost finds what it made itself.
            Err(error) if error.kind == ErrorKind::Conflict && self.find(aws, op).await?.is_some() => {}
            outcome => _ = outcome?,
        }
        Ok(Id::new(name))
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let parameters = get(aws, ids).await?;
        if parameters.is_empty() {
            return Ok(Vec::new());
        }
        let names = parameters.iter().filter_map(|parameter| parameter.name.clone()).collect();
        let metadata = &describe(aws, names).await?;
        let reads = parameters.into_iter().map(|parameter| async move {
            let name = parameter.name().unwrap_or_default();
            let Some(metadata) = metadata.get(name) else {
                // Whoever waits for one just made looks again; any other is there, but can't be compared.
                if aws.fresh.holds(&Id::new(name)) {
                    return Ok(None);
                }
                let why = format!("{name} is there, but not described yet; try again");
                return Err(CloudError::new(ErrorKind::Unavailable, "ssm:DescribeParameters", why));
            };
            let tags = tags_of(aws, name).await?;
            Ok(tags.map(|tags| observed(parameter, metadata, tags)))
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        if self.settings() != old.settings() {
            let keeps_tier = self.tier == old.tier && self.tier.as_deref() == Some(ParameterTier::Standard.as_str());
            let tier = self.tier.as_deref().filter(|_| !keeps_tier);
            let policies = match (&self.policies, &old.policies) {
                (None, Some(_)) => Some(NO_POLICIES.to_owned()),
                (policies, _) => policies.clone(),
            };
            let mut call = self.put(aws, id.as_str()).overwrite(true).set_tier(tier.map(Into::into));
            // What is left out, AWS may keep.
            if self.description.is_none() && old.description.is_some() {
                call = call.description("");
            }
            if self.allowed_pattern.is_none() && old.allowed_pattern.is_some() {
                call = call.allowed_pattern("");
            }
            let answer = call.set_policies(policies).send().await.during("ssm:PutParameter")?;
            shows(aws, id, answer.version).await?;
        }
        let (set, removed) = self.kept_tags().changes(&old.kept_tags());
        if !set.is_empty() {
            let call = aws.ssm().add_tags_to_resource().resource_type(ResourceTypeForTagging::Parameter);
            let call = call.resource_id(id.as_str()).set_tags(Some(tag_list(&set)?));
            call.send().await.during("ssm:AddTagsToResource")?;
        }
        if !removed.is_empty() {
            let call = aws.ssm().remove_tags_from_resource().resource_type(ResourceTypeForTagging::Parameter);
            let call = call.resource_id(id.as_str()).set_tag_keys(Some(removed));
            call.send().await.during("ssm:RemoveTagsFromResource")?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        aws.ssm().delete_parameter().name(id.as_str()).send().await.during("ssm:DeleteParameter")?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let Some(id) = self.name.as_deref().map(Id::new) else { return Ok(None) };
        if get(aws, std::slice::from_ref(&id)).await?.is_empty() {
            return Ok(None);
        }
        let tags = tags_of(aws, id.as_str()).await?;
        Ok(tags.filter(|tags| tags.have(&ownership::of_op(op))).map(|_| id))
    }
}

impl Parameter {
    fn put(&self, aws: &Aws, name: &str) -> aws_sdk_ssm::operation::put_parameter::builders::PutParameterFluentBuilder {
        aws.ssm()
            .put_parameter()
            .name(name)
            .r#type(self.r#type.as_str().into())
            .value(&self.value)
            .set_allowed_pattern(self.allowed_pattern.clone())
            .set_data_type(self.data_type.clone())
            .set_description(self.description.clone())
    }

    /// The tags, with that which keeps a tier that AWS does not tell.
    fn kept_tags(&self) -> Tags {
        let mut tags = Tags(self.tags.clone());
        if self.tier.as_deref() == Some(INTELLIGENT) {
            tags.0.insert(TIERING.to_owned(), INTELLIGENT.to_owned());
        }
        tags
    }

    /// What one call sets.
    fn settings(&self) -> [Option<&str>; 7] {
        [
            self.allowed_pattern.as_deref(),
            self.data_type.as_deref(),
            self.description.as_deref(),
            self.policies.as_deref(),
            self.tier.as_deref(),
            Some(&self.r#type),
            Some(&self.value),
        ]
    }
}

/// Those of `ids` that exist.
async fn get(aws: &Aws, ids: &[Id]) -> Result<Vec<sdk::Parameter>> {
    let names = ids.iter().map(|id| id.as_str().to_owned()).collect();
    let answer = aws.ssm().get_parameters().set_names(Some(names)).send().await.during("ssm:GetParameters")?;
    Ok(answer.parameters.unwrap_or_default())
}

/// What GetParameters does not tell, by name.
async fn describe(aws: &Aws, names: Vec<String>) -> Result<HashMap<String, sdk::ParameterMetadata>> {
    const OPERATION: &str = "ssm:DescribeParameters";
    let filter = sdk::ParameterStringFilter::builder().key("Name").option("Equals").set_values(Some(names)).build();
    let call = aws.ssm().describe_parameters().parameter_filters(built(filter, OPERATION)?).max_results(50);
    let pages = call.into_paginator().send().collect::<std::result::Result<Vec<_>, _>>().await.during(OPERATION)?;
    let all = pages.into_iter().flat_map(|page| page.parameters.unwrap_or_default());
    Ok(all.filter_map(|metadata| Some((metadata.name.clone()?, metadata))).collect())
}

/// Waits until a parameter is told as `version` has it.
async fn shows(aws: &Aws, id: &Id, version: i64) -> Result<()> {
    wait::until(aws, "ssm:DescribeParameters", PROPAGATION, || async {
        let got = get(aws, std::slice::from_ref(id)).await?.pop();
        let described = describe(aws, vec![id.as_str().to_owned()]).await?.remove(id.as_str());
        let shows = got.is_some_and(|got| got.version >= version)
            && described.is_some_and(|described| described.version >= version);
        Ok(if shows { Probe::Ready(()) } else { Probe::Pending("as it was".to_owned()) })
    })
    .await
}

fn tag_list(tags: &Tags) -> Result<Vec<sdk::Tag>> {
    let tags = tags.each(|key, value| sdk::Tag::builder().key(key).value(value).build());
    tags.into_iter().map(|tag| built(tag, "ssm:AddTagsToResource")).collect()
}

/// The tags; nothing where the parameter went away between two calls.
async fn tags_of(aws: &Aws, name: &str) -> Result<Option<Tags>> {
    let call = aws.ssm().list_tags_for_resource().resource_type(ResourceTypeForTagging::Parameter).resource_id(name);
    match call.send().await.during("ssm:ListTagsForResource") {
        Err(error) if error.code == "InvalidResourceId" => Ok(None),
        answer => {
            let answer = found(answer)?;
            let tags = answer.map(|answer| answer.tag_list.unwrap_or_default());
            Ok(tags.map(|tags| tags.into_iter().map(|tag| (tag.key, tag.value)).collect()))
        }
    }
}

/// The list of policies as a stack writes it.
fn policies(policies: &[sdk::ParameterInlinePolicy]) -> Option<String> {
    let texts = policies.iter().filter_map(|policy| policy.policy_text());
    let list: Vec<Json> = texts.map(|text| serde_json::from_str(text).unwrap_or_else(|_| Json::from(text))).collect();
    (!list.is_empty()).then(|| Json::from(list).to_string())
}

fn observed(parameter: sdk::Parameter, metadata: &sdk::ParameterMetadata, tags: Tags) -> Observed<Parameter> {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let name = parameter.name.unwrap_or_default();
    let tier = metadata.tier().map(ParameterTier::as_str);
    Observed {
        id: Id::new(&name),
        properties: Parameter {
            allowed_pattern: text(metadata.allowed_pattern()),
            data_type: parameter.data_type,
            description: text(metadata.description()),
            name: Some(name),
            policies: policies(metadata.policies()),
            tier: tags.0.get(TIERING).map(String::as_str).or(tier).map(str::to_owned),
            r#type: parameter.r#type.map(|kind| kind.to_string()).unwrap_or_default(),
            value: parameter.value.unwrap_or_default(),
            tags: tags.0,
        },
        outputs: Outputs { arn: parameter.arn.unwrap_or_default() },
    }
}
