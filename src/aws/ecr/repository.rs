//! `AWS::ECR::Repository`.

use aws_sdk_ecr::types as sdk;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::document::Document;
use crate::aws::error::{During, built, found};
use crate::aws::mirror::{Mirror, Word, mirror};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, TagSet, Tags};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::{CloudError, ErrorKind, Op};

/// Names that one call describes.
const DESCRIBE_BATCH: usize = 100;
/// The tag that keeps `EmptyOnDelete`, which ECR does not know: a deletion sees nothing of the stack.
const EMPTY_ON_DELETE: &str = "infra:empty-on-delete";

mirror! {
    /// How images are encrypted.
    pub struct EncryptionConfiguration = sdk::EncryptionConfiguration, fallible {
        /// With what. AWS's default is `AES256`.
        #[schemars(extend("enum" = ["AES256", "KMS", "KMS_DSSE"]))]
        encryption_type(set_encryption_type): Word<sdk::EncryptionType>,
        /// The KMS key. AWS's default is one of ECR's own.
        #[schemars(length(min = 1, max = 2048))]
        kms_key(set_kms_key): Option<String>,
    }

    /// Whether images are scanned for vulnerabilities.
    pub struct ImageScanningConfiguration = sdk::ImageScanningConfiguration {
        /// Whether they are when they are pushed.
        scan_on_push(set_scan_on_push): Option<bool>,
    }

    /// Tags that are an exception from `ImageTagMutability`.
    pub struct ImageTagMutabilityExclusionFilter = sdk::ImageTagMutabilityExclusionFilter, fallible {
        /// The kind of filter.
        #[serde(rename = "ImageTagMutabilityExclusionFilterType")]
        #[schemars(extend("enum" = ["WILDCARD"]))]
        filter_type(set_filter_type): Word<sdk::ImageTagMutabilityExclusionFilterType>,
        /// The tags, with `*` as a wildcard.
        #[serde(rename = "ImageTagMutabilityExclusionFilterValue")]
        #[schemars(length(min = 1, max = 128))]
        filter(set_filter): String,
    }
}

/// Which images are removed when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LifecyclePolicy {
    /// The policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle_policy_text: Option<Document>,
}

/// A repository of container images.
///
/// One read describes 100 of them, and their policies and tags one by one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Repository {
    /// Whether its images are deleted with it; else it is not deleted while there are any. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_on_delete: Option<bool>,
    /// How images are encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_configuration: Option<EncryptionConfiguration>,
    /// Whether images are scanned for vulnerabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_scanning_configuration: Option<ImageScanningConfiguration>,
    /// Whether a tag can be moved to another image. AWS's default is `MUTABLE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["MUTABLE", "IMMUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION"]))]
    pub image_tag_mutability: Option<String>,
    /// Tags that are an exception from that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 5))]
    pub image_tag_mutability_exclusion_filters: Option<Vec<ImageTagMutabilityExclusionFilter>>,
    /// Which images are removed when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle_policy: Option<LifecyclePolicy>,
    /// The repository's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 2, max = 256),
        regex(pattern = r"^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$")
    )]
    pub repository_name: Option<String>,
    /// Who may do what with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_policy_text: Option<Document>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// What AWS tells of a repository.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub arn: String,
    /// What names of its images begin with.
    pub repository_uri: String,
}

impl Resource for Repository {
    const TYPE: &'static str = "AWS::ECR::Repository";
    const CREATE_ONLY: &'static [&'static str] = &["EncryptionConfiguration", "RepositoryName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["RepositoryName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "RepositoryName", max_length: 256, lower_case: true });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &["ecr:CreateRepository", "ecr:PutLifecyclePolicy", "ecr:SetRepositoryPolicy", "ecr:TagResource"],
        read: &[
            "ecr:DescribeRepositories",
            "ecr:GetLifecyclePolicy",
            "ecr:GetRepositoryPolicy",
            "ecr:ListTagsForResource",
        ],
        update: &[
            "ecr:DescribeRepositories",
            "ecr:PutLifecyclePolicy",
            "ecr:DeleteLifecyclePolicy",
            "ecr:SetRepositoryPolicy",
            "ecr:DeleteRepositoryPolicy",
            "ecr:PutImageScanningConfiguration",
            "ecr:PutImageTagMutability",
            "ecr:TagResource",
            "ecr:UntagResource",
        ],
        delete: &["ecr:DeleteRepository", "ecr:DescribeRepositories", "ecr:ListTagsForResource"],
    };
    const READ_BATCH: usize = DESCRIBE_BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        const OPERATION: &str = "ecr:CreateRepository";
        let name = self.repository_name.clone().unwrap_or_default();
        let call = aws
            .ecr()
            .create_repository()
            .repository_name(&name)
            .set_encryption_configuration(built(self.encryption_configuration.sdk(), OPERATION)?)
            .set_image_scanning_configuration(built(self.image_scanning_configuration.sdk(), OPERATION)?)
            .set_image_tag_mutability(self.image_tag_mutability.as_deref().map(Into::into))
            .set_image_tag_mutability_exclusion_filters(built(
                self.image_tag_mutability_exclusion_filters.sdk(),
                OPERATION,
            )?)
            .set_tags(Some(tag_list(&self.kept_tags())?));
        call.send().await.during(OPERATION)?;
        Ok(Id::new(name))
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        if self.lifecycle_text().is_some() {
            self.set_lifecycle_policy(aws, id).await?;
        }
        if self.repository_policy_text.is_some() {
            self.set_repository_policy(aws, id).await?;
        }
        Ok(())
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let repositories = describe(aws, ids).await?;
        try_join_all(repositories.into_iter().map(|repository| observed(aws, repository))).await
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        let name = id.as_str();
        if self.image_scanning_configuration != old.image_scanning_configuration {
            let scan = self.image_scanning_configuration.as_ref().and_then(|scan| scan.scan_on_push).unwrap_or(false);
            let scan = sdk::ImageScanningConfiguration::builder().scan_on_push(scan).build();
            let call = aws.ecr().put_image_scanning_configuration().repository_name(name);
            let call = call.image_scanning_configuration(scan);
            call.send().await.during("ecr:PutImageScanningConfiguration")?;
        }
        let filters = &self.image_tag_mutability_exclusion_filters;
        if self.image_tag_mutability != old.image_tag_mutability
            || *filters != old.image_tag_mutability_exclusion_filters
        {
            const OPERATION: &str = "ecr:PutImageTagMutability";
            let mutability = self.image_tag_mutability.as_deref().unwrap_or("MUTABLE");
            let filters = filters.as_ref().filter(|_| mutability.ends_with("EXCLUSION"));
            let filters = filters.map(|filters| built(filters.sdk(), OPERATION)).transpose()?.flatten();
            let call = aws.ecr().put_image_tag_mutability().repository_name(name);
            let call = call.image_tag_mutability(mutability.into());
            let call = call.set_image_tag_mutability_exclusion_filters(filters);
            call.send().await.during(OPERATION)?;
        }
        if self.lifecycle_text() != old.lifecycle_text() {
            self.set_lifecycle_policy(aws, id).await?;
        }
        if self.repository_policy_text != old.repository_policy_text {
            self.set_repository_policy(aws, id).await?;
        }
        self.retag(aws, id, old).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let Some(repository) = describe(aws, std::slice::from_ref(id)).await?.pop() else { return Ok(()) };
        let tags = tags_of(aws, repository.repository_arn().unwrap_or_default()).await?;
        let call = aws.ecr().delete_repository().repository_name(id.as_str());
        match call.force(tags.0.contains_key(EMPTY_ON_DELETE)).send().await.during("ecr:DeleteRepository") {
            // To wait would not empty it.
            Err(error) if error.code == "RepositoryNotEmptyException" => {
                let message = format!("{}; set EmptyOnDelete and apply to delete its images with it", error.message);
                Err(CloudError { kind: ErrorKind::Invalid, message, ..error })
            }
            outcome => outcome.map(|_| ()),
        }
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let pages = aws.ecr().describe_repositories().into_paginator().items().send();
        let all: Vec<sdk::Repository> =
            pages.collect::<std::result::Result<_, _>>().await.during("ecr:DescribeRepositories")?;
        let mut ids = Vec::new();
        for repository in all {
            if tags_of(aws, repository.repository_arn().unwrap_or_default()).await?.have(tags) {
                ids.extend(repository.repository_name.map(Id::new));
            }
        }
        Ok(ids)
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let Some(id) = self.repository_name.as_deref().map(Id::new) else { return Ok(None) };
        let Some(repository) = describe(aws, std::slice::from_ref(&id)).await?.pop() else { return Ok(None) };
        let tags = tags_of(aws, repository.repository_arn().unwrap_or_default()).await?;
        Ok(tags.have(&ownership::of_op(op)).then_some(id))
    }
}

impl Repository {
    /// The tags, with that which keeps `EmptyOnDelete`.
    fn kept_tags(&self) -> Tags {
        let mut tags = self.tags.clone();
        if self.empty_on_delete == Some(true) {
            tags.0.insert(EMPTY_ON_DELETE.to_owned(), "true".to_owned());
        }
        tags
    }

    fn lifecycle_text(&self) -> Option<&Document> {
        self.lifecycle_policy.as_ref().and_then(|policy| policy.lifecycle_policy_text.as_ref())
    }

    async fn set_lifecycle_policy(&self, aws: &Aws, id: &Id) -> Result<()> {
        let name = id.as_str();
        match self.lifecycle_text() {
            Some(text) => {
                let call = aws.ecr().put_lifecycle_policy().repository_name(name).lifecycle_policy_text(text.text());
                call.send().await.during("ecr:PutLifecyclePolicy")?;
            }
            None => {
                let call = aws.ecr().delete_lifecycle_policy().repository_name(name);
                call.send().await.during("ecr:DeleteLifecyclePolicy")?;
            }
        }
        Ok(())
    }

    async fn set_repository_policy(&self, aws: &Aws, id: &Id) -> Result<()> {
        let name = id.as_str();
        match &self.repository_policy_text {
            Some(text) => {
                let call = aws.ecr().set_repository_policy().repository_name(name).policy_text(text.text());
                call.send().await.during("ecr:SetRepositoryPolicy")?;
            }
            None => {
                let call = aws.ecr().delete_repository_policy().repository_name(name);
                call.send().await.during("ecr:DeleteRepositoryPolicy")?;
            }
        }
        Ok(())
    }

    async fn retag(&self, aws: &Aws, id: &Id, old: &Self) -> Result<()> {
        let (set, removed) = self.kept_tags().changes(&old.kept_tags());
        if set.is_empty() && removed.is_empty() {
            return Ok(());
        }
        let repository = describe(aws, std::slice::from_ref(id)).await?.pop();
        let arn = repository.and_then(|repository| repository.repository_arn).unwrap_or_default();
        if !set.is_empty() {
            let call = aws.ecr().tag_resource().resource_arn(&arn).set_tags(Some(tag_list(&set)?));
            call.send().await.during("ecr:TagResource")?;
        }
        if !removed.is_empty() {
            let call = aws.ecr().untag_resource().resource_arn(&arn).set_tag_keys(Some(removed));
            call.send().await.during("ecr:UntagResource")?;
        }
        Ok(())
    }
}

fn tag_list(tags: &Tags) -> Result<Vec<sdk::Tag>> {
    let tags = tags.each(|key, value| sdk::Tag::builder().key(key).value(value).build());
    tags.into_iter().map(|tag| built(tag, "ecr:TagResource")).collect()
}

/// Those of `ids` that exist. A call fails whole where one is missing; each is then asked for alone.
async fn describe(aws: &Aws, ids: &[Id]) -> Result<Vec<sdk::Repository>> {
    let names = |ids: &[Id]| ids.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>();
    let ask = async |names: Vec<String>| {
        let call = aws.ecr().describe_repositories().set_repository_names(Some(names));
        let answer = found(call.send().await.during("ecr:DescribeRepositories"))?;
        Ok::<_, CloudError>(answer.map(|answer| answer.repositories.unwrap_or_default()))
    };
    if let Some(all) = ask(names(ids)).await? {
        return Ok(all);
    }
    let mut found = Vec::new();
    if ids.len() > 1 {
        for id in ids {
            found.extend(ask(names(std::slice::from_ref(id))).await?.unwrap_or_default());
        }
    }
    Ok(found)
}

async fn tags_of(aws: &Aws, arn: &str) -> Result<Tags> {
    let call = aws.ecr().list_tags_for_resource().resource_arn(arn);
    let answer = found(call.send().await.during("ecr:ListTagsForResource"))?;
    let tags = answer.and_then(|answer| answer.tags).unwrap_or_default();
    Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

async fn lifecycle_policy(aws: &Aws, name: &str) -> Result<Option<Document>> {
    let call = aws.ecr().get_lifecycle_policy().repository_name(name);
    let answer = found(call.send().await.during("ecr:GetLifecyclePolicy"))?;
    Ok(answer.and_then(|answer| Document::parse_some(answer.lifecycle_policy_text())))
}

async fn repository_policy(aws: &Aws, name: &str) -> Result<Option<Document>> {
    let call = aws.ecr().get_repository_policy().repository_name(name);
    let answer = found(call.send().await.during("ecr:GetRepositoryPolicy"))?;
    Ok(answer.and_then(|answer| Document::parse_some(answer.policy_text())))
}

async fn observed(aws: &Aws, repository: sdk::Repository) -> Result<Observed<Repository>> {
    let name = repository.repository_name.unwrap_or_default();
    let arn = repository.repository_arn.unwrap_or_default();
    let (tags, lifecycle, policy) =
        futures::try_join!(tags_of(aws, &arn), lifecycle_policy(aws, &name), repository_policy(aws, &name))?;
    let filters = repository.image_tag_mutability_exclusion_filters.filter(|filters| !filters.is_empty());
    Ok(Observed {
        id: Id::new(&name),
        properties: Repository {
            empty_on_delete: Some(tags.0.contains_key(EMPTY_ON_DELETE)),
            encryption_configuration: Mirror::of(repository.encryption_configuration),
            image_scanning_configuration: Mirror::of(repository.image_scanning_configuration),
            image_tag_mutability: repository.image_tag_mutability.map(|mutability| mutability.to_string()),
            image_tag_mutability_exclusion_filters: Mirror::of(filters),
            lifecycle_policy: lifecycle.map(|text| LifecyclePolicy { lifecycle_policy_text: Some(text) }),
            repository_name: Some(name),
            repository_policy_text: policy,
            tags,
        },
        outputs: Outputs { arn, repository_uri: repository.repository_uri.unwrap_or_default() },
    })
}
