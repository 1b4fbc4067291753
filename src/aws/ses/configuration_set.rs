//! `AWS::SES::ConfigurationSet`.

use aws_sdk_sesv2::operation::get_configuration_set::GetConfigurationSetOutput;
use aws_sdk_sesv2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::configuration_set_parts::{
    ArchivingOptions, DeliveryOptions, ReputationOptions, SendingOptions, SuppressionOptions, TrackingOptions,
    VdmOptions,
};
use super::{retag, tag_list, told_tags};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built, found};
use crate::aws::mirror::Mirror;
use crate::aws::resource::{NoOutputs, Observed, Resource, Result};
use crate::aws::tags::{self as ownership, Tags};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::Op;

/// A configuration set: how messages that name it are sent, and what is told of them.
///
/// The API reads configuration sets one by one.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ConfigurationSet {
    /// Where sent messages are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archiving_options: Option<ArchivingOptions>,
    /// How messages are delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_options: Option<DeliveryOptions>,
    /// The configuration set's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[a-zA-Z0-9_-]{1,64}$"))]
    pub name: Option<String>,
    /// What is told of the sender's reputation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reputation_options: Option<ReputationOptions>,
    /// Whether messages are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sending_options: Option<SendingOptions>,
    /// Which addresses messages are not sent to. The account's settings hold where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppression_options: Option<SuppressionOptions>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// How links and the opening of messages are tracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_options: Option<TrackingOptions>,
    /// What Virtual Deliverability Manager does. The account's settings hold where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vdm_options: Option<VdmOptions>,
}

impl Resource for ConfigurationSet {
    const TYPE: &'static str = "AWS::SES::ConfigurationSet";
    const CREATE_ONLY: &'static [&'static str] = &["Name"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["Name"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "Name", max_length: 64, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &["ses:CreateConfigurationSet", "ses:TagResource", "ses:GetConfigurationSet"],
        read: &["ses:GetConfigurationSet"],
        update: &[
            "ses:PutConfigurationSetArchivingOptions",
            "ses:PutConfigurationSetDeliveryOptions",
            "ses:PutConfigurationSetReputationOptions",
            "ses:PutConfigurationSetSendingOptions",
            "ses:PutConfigurationSetSuppressionOptions",
            "ses:PutConfigurationSetTrackingOptions",
            "ses:PutConfigurationSetVdmOptions",
            "ses:TagResource",
            "ses:UntagResource",
        ],
        delete: &["ses:DeleteConfigurationSet"],
    };
    type Outputs = NoOutputs;

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        const OPERATION: &str = "ses:CreateConfigurationSet";
        let name = self.name.clone().unwrap_or_default();
        let call = aws
            .ses()
            .create_configuration_set()
            .configuration_set_name(&name)
            .set_archiving_options(built(self.archiving_options.sdk(), OPERATION)?)
            .set_delivery_options(built(self.delivery_options.sdk(), OPERATION)?)
            .set_reputation_options(built(self.reputation_options.sdk(), OPERATION)?)
            .set_sending_options(built(self.sending_options.sdk(), OPERATION)?)
            .set_suppression_options(built(self.suppression_options.sdk(), OPERATION)?)
            .set_tags(Some(tag_list(&self.tags)?))
            .set_tracking_options(built(self.tracking_options.sdk(), OPERATION)?)
            .set_vdm_options(built(self.vdm_options.sdk(), OPERATION)?);
        call.send().await.during(OPERATION)?;
        Ok(Id::new(name))
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut read = Vec::with_capacity(ids.len());
        for id in ids {
            read.extend(get(aws, id.as_str()).await?.map(|told| observed(id, told)));
        }
        Ok(read)
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        self.set_delivery(aws, id, old).await?;
        self.set_content(aws, id, old).await?;
        retag(aws, &format!("configuration-set/{id}"), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let call = aws.ses().delete_configuration_set().configuration_set_name(id.as_str());
        call.send().await.during("ses:DeleteConfigurationSet")?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let Some(name) = &self.name else { return Ok(None) };
        let told = get(aws, name).await?;
        let is_ours = told.is_some_and(|told| told_tags(told.tags).have(&ownership::of_op(op)));
        Ok(is_ours.then(|| Id::new(name)))
    }
}

impl ConfigurationSet {
    /// Changes how and whether messages are sent. What is not given goes back to AWS's default.
    async fn set_delivery(&self, aws: &Aws, id: &Id, old: &Self) -> Result<()> {
        if self.delivery_options != old.delivery_options {
            const OPERATION: &str = "ses:PutConfigurationSetDeliveryOptions";
            let options = built(self.delivery_options.sdk(), OPERATION)?;
            let options = options.unwrap_or_else(|| sdk::DeliveryOptions::builder().build());
            let call = aws
                .ses()
                .put_configuration_set_delivery_options()
                .configuration_set_name(id.as_str())
                .set_max_delivery_seconds(options.max_delivery_seconds)
                .set_sending_pool_name(options.sending_pool_name)
                .tls_policy(options.tls_policy.unwrap_or(sdk::TlsPolicy::Optional));
            call.send().await.during(OPERATION)?;
        }
        if self.sending_options != old.sending_options {
            let enabled = self.sending_options.as_ref().and_then(|options| options.sending_enabled).unwrap_or(true);
            let call = aws.ses().put_configuration_set_sending_options().configuration_set_name(id.as_str());
            call.sending_enabled(enabled).send().await.during("ses:PutConfigurationSetSendingOptions")?;
        }
        if self.suppression_options != old.suppression_options {
            const OPERATION: &str = "ses:PutConfigurationSetSuppressionOptions";
            let options = built(self.suppression_options.sdk(), OPERATION)?;
            let options = options.unwrap_or_else(|| sdk::SuppressionOptions::builder().build());
            let call = aws
                .ses()
                .put_configuration_set_suppression_options()
                .configuration_set_name(id.as_str())
                .set_suppressed_reasons(options.suppressed_reasons)
                .set_validation_options(options.validation_options);
            call.send().await.during(OPERATION)?;
        }
        Ok(())
    }

    /// Changes what is done with messages and told of them. What is not given goes back to AWS's default.
    async fn set_content(&self, aws: &Aws, id: &Id, old: &Self) -> Result<()> {
        if self.archiving_options != old.archiving_options {
            let archive = self.archiving_options.as_ref().and_then(|options| options.archive_arn.clone());
            let call = aws.ses().put_configuration_set_archiving_options().configuration_set_name(id.as_str());
            call.set_archive_arn(archive).send().await.during("ses:PutConfigurationSetArchivingOptions")?;
        }
        if self.reputation_options != old.reputation_options {
            let options = self.reputation_options.as_ref();
            let enabled = options.and_then(|options| options.reputation_metrics_enabled).unwrap_or(false);
            let call = aws.ses().put_configuration_set_reputation_options().configuration_set_name(id.as_str());
            let call = call.reputation_metrics_enabled(enabled);
            call.send().await.during("ses:PutConfigurationSetReputationOptions")?;
        }
        if self.tracking_options != old.tracking_options {
            const OPERATION: &str = "ses:PutConfigurationSetTrackingOptions";
            let options = built(self.tracking_options.sdk(), OPERATION)?;
            let call = aws.ses().put_configuration_set_tracking_options().configuration_set_name(id.as_str());
            let call = match options {
                Some(options) => {
                    let call = call.custom_redirect_domain(options.custom_redirect_domain);
                    call.https_policy(options.https_policy.unwrap_or(sdk::HttpsPolicy::Optional))
                }
                None => call,
            };
            call.send().await.during(OPERATION)?;
        }
        if self.vdm_options != old.vdm_options {
            const OPERATION: &str = "ses:PutConfigurationSetVdmOptions";
            let call = aws.ses().put_configuration_set_vdm_options().configuration_set_name(id.as_str());
            let call = call.set_vdm_options(built(self.vdm_options.sdk(), OPERATION)?);
            call.send().await.during(OPERATION)?;
        }
        Ok(())
    }
}

async fn get(aws: &Aws, name: &str) -> Result<Option<GetConfigurationSetOutput>> {
    let call = aws.ses().get_configuration_set().configuration_set_name(name);
    found(call.send().await.during("ses:GetConfigurationSet"))
}

fn observed(id: &Id, told: GetConfigurationSetOutput) -> Observed<ConfigurationSet> {
    Observed {
        id: id.clone(),
        properties: ConfigurationSet {
            archiving_options: Mirror::of(told.archiving_options),
            delivery_options: Mirror::of(told.delivery_options),
            name: told.configuration_set_name,
            reputation_options: Mirror::of(told.reputation_options),
            sending_options: Mirror::of(told.sending_options),
            suppression_options: Mirror::of(told.suppression_options),
            tags: told_tags(told.tags),
            tracking_options: Mirror::of(told.tracking_options),
            vdm_options: Mirror::of(told.vdm_options),
        },
        outputs: NoOutputs {},
    }
}
