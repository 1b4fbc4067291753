//! `AWS::SES::EmailIdentity`.

use aws_sdk_sesv2::operation::get_email_identity::GetEmailIdentityOutput;
use aws_sdk_sesv2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{retag, tag_list, told_tags};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, found};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, Tags};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::Op;

/// Where DKIM's public keys are, where SES does not say.
const DKIM_ZONE: &str = "dkim.amazonses.com";

/// The configuration set of messages that name none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ConfigurationSetAttributes {
    /// The configuration set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration_set_name: Option<String>,
}

/// Whether messages are signed with DKIM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DkimAttributes {
    /// Whether they are. AWS's default is true for a domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_enabled: Option<bool>,
}

/// The key that messages are signed with: one of your own, or one that SES makes (Easy DKIM).
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DkimSigningAttributes {
    /// Your own private key: RSA of 1024 or 2048 bits, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true, "x-secret" = true))]
    pub domain_signing_private_key: Option<String>,
    /// The name below `_domainkey` at which the domain tells the public key of your own private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub domain_signing_selector: Option<String>,
    /// The length of the next key that SES makes; AWS takes one change a day. AWS's default is `RSA_2048_BIT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["RSA_1024_BIT", "RSA_2048_BIT"]))]
    pub next_signing_key_length: Option<String>,
}

impl std::fmt::Debug for DkimSigningAttributes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("DkimSigningAttributes");
        shown.field("domain_signing_selector", &self.domain_signing_selector);
        shown.field("next_signing_key_length", &self.next_signing_key_length).finish_non_exhaustive()
    }
}

/// Whether bounces and complaints are sent on by e-mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct FeedbackAttributes {
    /// Whether they are. AWS's default is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_forwarding_enabled: Option<bool>,
}

/// The domain in `MAIL FROM`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MailFromAttributes {
    /// What is done where the domain has no MX record as it must: `amazonses.com` is used, or nothing is sent. AWS's
    /// default is `USE_DEFAULT_VALUE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["USE_DEFAULT_VALUE", "REJECT_MESSAGE"]))]
    pub behavior_on_mx_failure: Option<String>,
    /// The domain, one below the identity's. AWS's default is `amazonses.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_from_domain: Option<String>,
}

/// A domain or an e-mail address that messages are sent from.
///
/// It is not awaited that SES finds it verified: the DNS records that its outputs name are the stack's user's to make, and
/// an address is confirmed by its owner. The API reads identities one by one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EmailIdentity {
    /// The configuration set of messages that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration_set_attributes: Option<ConfigurationSetAttributes>,
    /// Whether messages are signed with DKIM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dkim_attributes: Option<DkimAttributes>,
    /// The key that messages are signed with. AWS's default is one that SES makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dkim_signing_attributes: Option<DkimSigningAttributes>,
    /// The domain or the e-mail address.
    #[schemars(length(min = 1))]
    pub email_identity: String,
    /// Whether bounces and complaints are sent on by e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback_attributes: Option<FeedbackAttributes>,
    /// The domain in `MAIL FROM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_from_attributes: Option<MailFromAttributes>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// What AWS tells of an identity: for a domain whose key SES makes, the three CNAME records that DKIM needs.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Outputs {
    /// The name of the first record.
    #[serde(rename = "DkimDNSTokenName1", skip_serializing_if = "Option::is_none")]
    pub name_1: Option<String>,
    /// The name of the second record.
    #[serde(rename = "DkimDNSTokenName2", skip_serializing_if = "Option::is_none")]
    pub name_2: Option<String>,
    /// The name of the third record.
    #[serde(rename = "DkimDNSTokenName3", skip_serializing_if = "Option::is_none")]
    pub name_3: Option<String>,
    /// The value of the first record.
    #[serde(rename = "DkimDNSTokenValue1", skip_serializing_if = "Option::is_none")]
    pub value_1: Option<String>,
    /// The value of the second record.
    #[serde(rename = "DkimDNSTokenValue2", skip_serializing_if = "Option::is_none")]
    pub value_2: Option<String>,
    /// The value of the third record.
    #[serde(rename = "DkimDNSTokenValue3", skip_serializing_if = "Option::is_none")]
    pub value_3: Option<String>,
}

impl Resource for EmailIdentity {
    const TYPE: &'static str = "AWS::SES::EmailIdentity";
    const CREATE_ONLY: &'static [&'static str] = &["EmailIdentity"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["EmailIdentity"]];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "ses:CreateEmailIdentity",
            "ses:PutEmailIdentityDkimAttributes",
            "ses:PutEmailIdentityFeedbackAttributes",
            "ses:PutEmailIdentityMailFromAttributes",
            "ses:TagResource",
            "ses:GetEmailIdentity",
        ],
        read: &["ses:GetEmailIdentity"],
        update: &[
            "ses:PutEmailIdentityConfigurationSetAttributes",
            "ses:PutEmailIdentityDkimAttributes",
            "ses:PutEmailIdentityDkimSigningAttributes",
            "ses:PutEmailIdentityFeedbackAttributes",
            "ses:PutEmailIdentityMailFromAttributes",
            "ses:TagResource",
            "ses:UntagResource",
        ],
        delete: &["ses:DeleteEmailIdentity"],
    };
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        let call = aws
            .ses()
            .create_email_identity()
            .email_identity(&self.email_identity)
            .set_configuration_set_name(self.configuration_set())
            .set_dkim_signing_attributes(self.dkim_signing_attributes.as_ref().map(DkimSigningAttributes::sdk))
            .set_tags(Some(tag_list(&self.tags)?));
        call.send().await.during("ses:CreateEmailIdentity")?;
        Ok(Id::new(&self.email_identity))
    }

    async fn settle(&self, aws: &Aws, _op: &Op, id: &Id) -> Result<()> {
        if self.dkim_attributes.is_some() {
            self.set_dkim(aws, id).await?;
        }
        if self.feedback_attributes.is_some() {
            self.set_feedback(aws, id).await?;
        }
        if self.mail_from_attributes.is_some() {
            self.set_mail_from(aws, id).await?;
        }
        Ok(())
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut read = Vec::with_capacity(ids.len());
        for id in ids {
            read.extend(get(aws, id.as_str()).await?.map(|told| observed(id, told)));
        }
        Ok(read)
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        if self.configuration_set_attributes != old.configuration_set_attributes {
            let call = aws.ses().put_email_identity_configuration_set_attributes().email_identity(id.as_str());
            let call = call.set_configuration_set_name(self.configuration_set());
            call.send().await.during("ses:PutEmailIdentityConfigurationSetAttributes")?;
        }
        if self.dkim_signing_attributes != old.dkim_signing_attributes {
            self.set_dkim_signing(aws, id).await?;
        }
        if self.dkim_attributes != old.dkim_attributes {
            self.set_dkim(aws, id).await?;
        }
        if self.feedback_attributes != old.feedback_attributes {
            self.set_feedback(aws, id).await?;
        }
        if self.mail_from_attributes != old.mail_from_attributes {
            self.set_mail_from(aws, id).await?;
        }
        retag(aws, &format!("identity/{id}"), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let call = aws.ses().delete_email_identity().email_identity(id.as_str());
        call.send().await.during("ses:DeleteEmailIdentity")?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let told = get(aws, &self.email_identity).await?;
        let is_ours = told.is_some_and(|told| told_tags(told.tags).have(&ownership::of_op(op)));
        Ok(is_ours.then(|| Id::new(&self.email_identity)))
    }
}

impl EmailIdentity {
    fn configuration_set(&self) -> Option<String> {
        self.configuration_set_attributes.as_ref().and_then(|attributes| attributes.configuration_set_name.clone())
    }

    async fn set_dkim(&self, aws: &Aws, id: &Id) -> Result<()> {
        let given = self.dkim_attributes.as_ref().and_then(|attributes| attributes.signing_enabled);
        let call = aws.ses().put_email_identity_dkim_attributes().email_identity(id.as_str());
        let call = call.signing_enabled(given.unwrap_or_else(|| is_domain(id.as_str())));
        call.send().await.during("ses:PutEmailIdentityDkimAttributes")?;
        Ok(())
    }

    async fn set_dkim_signing(&self, aws: &Aws, id: &Id) -> Result<()> {
        let mut attributes = self.dkim_signing_attributes.clone().unwrap_or_default();
        let origin = if attributes.is_own() {
            sdk::DkimSigningAttributesOrigin::External
        } else {
            attributes.next_signing_key_length.get_or_insert_with(|| "RSA_2048_BIT".to_owned());
            sdk::DkimSigningAttributesOrigin::AwsSes
        };
        let call = aws.ses().put_email_identity_dkim_signing_attributes().email_identity(id.as_str());
        let call = call.signing_attributes_origin(origin).signing_attributes(attributes.sdk());
        call.send().await.during("ses:PutEmailIdentityDkimSigningAttributes")?;
        Ok(())
    }

    async fn set_feedback(&self, aws: &Aws, id: &Id) -> Result<()> {
        let given = self.feedback_attributes.as_ref().and_then(|attributes| attributes.email_forwarding_enabled);
        let call = aws.ses().put_email_identity_feedback_attributes().email_identity(id.as_str());
        let call = call.email_forwarding_enabled(given.unwrap_or(true));
        call.send().await.during("ses:PutEmailIdentityFeedbackAttributes")?;
        Ok(())
    }

    async fn set_mail_from(&self, aws: &Aws, id: &Id) -> Result<()> {
        let given = self.mail_from_attributes.as_ref();
        let behavior = given.and_then(|attributes| attributes.behavior_on_mx_failure.as_deref());
        let call = aws
            .ses()
            .put_email_identity_mail_from_attributes()
            .email_identity(id.as_str())
            .behavior_on_mx_failure(behavior.unwrap_or("USE_DEFAULT_VALUE").into())
            .set_mail_from_domain(given.and_then(|attributes| attributes.mail_from_domain.clone()));
        call.send().await.during("ses:PutEmailIdentityMailFromAttributes")?;
        Ok(())
    }
}

impl DkimSigningAttributes {
    /// Whether the key is one of the user's own.
    fn is_own(&self) -> bool {
        self.domain_signing_private_key.is_some() || self.domain_signing_selector.is_some()
    }

    fn sdk(&self) -> sdk::DkimSigningAttributes {
        sdk::DkimSigningAttributes::builder()
            .set_domain_signing_private_key(self.domain_signing_private_key.clone())
            .set_domain_signing_selector(self.domain_signing_selector.clone())
            .set_next_signing_key_length(self.next_signing_key_length.as_deref().map(Into::into))
            .build()
    }
}

fn is_domain(identity: &str) -> bool {
    !identity.contains('@')
}

async fn get(aws: &Aws, identity: &str) -> Result<Option<GetEmailIdentityOutput>> {
    let call = aws.ses().get_email_identity().email_identity(identity);
    found(call.send().await.during("ses:GetEmailIdentity"))
}

fn observed(id: &Id, told: GetEmailIdentityOutput) -> Observed<EmailIdentity> {
    let dkim = told.dkim_attributes.as_ref();
    let tokens = dkim.map(sdk::DkimAttributes::tokens).unwrap_or_default();
    let origin = dkim.and_then(|dkim| dkim.signing_attributes_origin());
    let is_own = origin == Some(&sdk::DkimSigningAttributesOrigin::External);
    let signing = if is_own {
        // With a key of the user's own, the one token is its selector.
        DkimSigningAttributes { domain_signing_selector: tokens.first().cloned(), ..DkimSigningAttributes::default() }
    } else {
        let length = dkim.and_then(|dkim| dkim.next_signing_key_length()).map(ToString::to_string);
        DkimSigningAttributes { next_signing_key_length: length, ..DkimSigningAttributes::default() }
    };
    let outputs = match dkim {
        Some(dkim) if !is_own && is_domain(id.as_str()) => records(id.as_str(), dkim.signing_hosted_zone(), tokens),
        _ => Outputs::default(),
    };
    let mail_from = told.mail_from_attributes.map(|attributes| MailFromAttributes {
        behavior_on_mx_failure: Some(attributes.behavior_on_mx_failure.to_string()).filter(|text| !text.is_empty()),
        mail_from_domain: Some(attributes.mail_from_domain).filter(|domain| !domain.is_empty()),
    });
    let set = told.configuration_set_name.filter(|name| !name.is_empty());
    Observed {
        id: id.clone(),
        properties: EmailIdentity {
            configuration_set_attributes: set
                .map(|name| ConfigurationSetAttributes { configuration_set_name: Some(name) }),
            dkim_attributes: dkim.map(|dkim| DkimAttributes { signing_enabled: Some(dkim.signing_enabled()) }),
            dkim_signing_attributes: Some(signing).filter(|signing| *signing != DkimSigningAttributes::default()),
            email_identity: id.as_str().to_owned(),
            feedback_attributes: Some(FeedbackAttributes {
                email_forwarding_enabled: Some(told.feedback_forwarding_status),
            }),
            mail_from_attributes: mail_from,
            tags: told_tags(told.tags),
        },
        outputs,
    }
}

/// The records that tell DKIM's public keys of `domain`.
fn records(domain: &str, zone: Option<&str>, tokens: &[String]) -> Outputs {
    let zone = zone.filter(|zone| !zone.is_empty()).unwrap_or(DKIM_ZONE);
    let name = |index: usize| tokens.get(index).map(|token| format!("{token}._domainkey.{domain}"));
    let value = |index: usize| tokens.get(index).map(|token| format!("{token}.{zone}"));
    Outputs {
        name_1: name(0),
        name_2: name(1),
        name_3: name(2),
        value_1: value(0),
        value_2: value(1),
        value_3: value(2),
    }
}
