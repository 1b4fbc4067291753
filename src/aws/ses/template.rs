//! `AWS::SES::Template`.

use aws_sdk_sesv2::operation::get_email_template::GetEmailTemplateOutput;
use aws_sdk_sesv2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{retag, tag_list, told_tags};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, found};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, Tags};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::Op;

/// The name that is made where the stack gives none.
const NAME: GeneratedName = GeneratedName { property: "Template.TemplateName", max_length: 64, lower_case: false };

/// What a message made of a template says, with `{{name}}` where a value is put in.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Content {
    /// The body in HTML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html_part: Option<String>,
    /// The subject.
    pub subject_part: String,
    /// The template's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[a-zA-Z0-9_-]{1,64}$"))]
    pub template_name: Option<String>,
    /// The body in plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_part: Option<String>,
}

/// A template of messages.
///
/// The API reads templates one by one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Template {
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// What a message says.
    pub template: Content,
}

/// What AWS tells of a template.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its name.
    pub id: String,
}

impl Resource for Template {
    const TYPE: &'static str = "AWS::SES::Template";
    const CREATE_ONLY: &'static [&'static str] = &["Template.TemplateName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["Template.TemplateName"]];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &["ses:CreateEmailTemplate", "ses:TagResource", "ses:GetEmailTemplate"],
        read: &["ses:GetEmailTemplate"],
        update: &["ses:UpdateEmailTemplate", "ses:TagResource", "ses:UntagResource"],
        delete: &["ses:DeleteEmailTemplate"],
    };
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        let name = self.name(op);
        let call = aws.ses().create_email_template().template_name(&name).template_content(self.content());
        let call = call.set_tags(Some(tag_list(&self.tags)?));
        call.send().await.during("ses:CreateEmailTemplate")?;
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
        if self.template != old.template {
            let call = aws.ses().update_email_template().template_name(id.as_str()).template_content(self.content());
            call.send().await.during("ses:UpdateEmailTemplate")?;
        }
        retag(aws, &format!("template/{id}"), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let call = aws.ses().delete_email_template().template_name(id.as_str());
        call.send().await.during("ses:DeleteEmailTemplate")?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let name = self.name(op);
        let told = get(aws, &name).await?;
        let is_ours = told.is_some_and(|told| told_tags(told.tags).have(&ownership::of_op(op)));
        Ok(is_ours.then(|| Id::new(name)))
    }
}

impl Template {
    fn name(&self, op: &Op) -> String {
        let given = self.template.template_name.clone();
        given.unwrap_or_else(|| NAME.make(&op.stack, &op.environment, op.address.logical_name(), &op.id))
    }

    fn content(&self) -> sdk::EmailTemplateContent {
        let Content { html_part, subject_part, text_part, .. } = &self.template;
        let content = sdk::EmailTemplateContent::builder().subject(subject_part);
        content.set_html(html_part.clone()).set_text(text_part.clone()).build()
    }
}

async fn get(aws: &Aws, name: &str) -> Result<Option<GetEmailTemplateOutput>> {
    let call = aws.ses().get_email_template().template_name(name);
    found(call.send().await.during("ses:GetEmailTemplate"))
}

fn observed(id: &Id, told: GetEmailTemplateOutput) -> Observed<Template> {
    let content = told.template_content;
    let (subject, text, html) =
        content.map_or((None, None, None), |content| (content.subject, content.text, content.html));
    let some = |part: Option<String>| part.filter(|text| !text.is_empty());
    let template = Content {
        html_part: some(html),
        subject_part: subject.unwrap_or_default(),
        template_name: Some(told.template_name),
        text_part: some(text),
    };
    let outputs = Outputs { id: id.as_str().to_owned() };
    Observed { id: id.clone(), properties: Template { tags: told_tags(told.tags), template }, outputs }
}
