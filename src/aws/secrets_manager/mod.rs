//! AWS Secrets Manager: secrets.

mod generate;
mod replica;
mod secret;

pub use secret::Secret;

use std::borrow::Cow;
use std::fmt;

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::client::Aws;
use super::error::{During, found};
use super::resource::Result;

/// The key that Secrets Manager encrypts with where none is given; it never tells that one.
const DEFAULT_KEY: &str = "alias/aws/secretsmanager";

/// A text that nothing shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Concealed(String);

impl fmt::Debug for Concealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl JsonSchema for Concealed {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Concealed".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// The secret with this ARN or name, one whose deletion is scheduled too; never its value.
async fn describe(aws: &Aws, id: &str) -> Result<Option<DescribeSecretOutput>> {
    found(aws.secrets_manager().describe_secret().secret_id(id).send().await.during("secretsmanager:DescribeSecret"))
}
