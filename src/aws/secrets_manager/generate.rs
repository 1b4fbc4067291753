//! Values that AWS makes up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::Concealed;
use crate::aws::client::Aws;
use crate::aws::error::During;
use crate::aws::resource::Result;
use crate::cloud::{CloudError, ErrorKind};

/// How a value is made up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GenerateSecretString {
    /// Characters that the value must not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub exclude_characters: Option<String>,
    /// Whether it has no lower case letters. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_lowercase: Option<bool>,
    /// Whether it has no digits. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_numbers: Option<bool>,
    /// Whether it has no punctuation. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_punctuation: Option<bool>,
    /// Whether it has no upper case letters. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_uppercase: Option<bool>,
    /// The key in `SecretStringTemplate` that gets the value; goes with `SecretStringTemplate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate_string_key: Option<String>,
    /// Whether it may have spaces. AWS's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_space: Option<bool>,
    /// The number of its characters. AWS's default is 32.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4096))]
    pub password_length: Option<i64>,
    /// Whether it has at least one character of each kind that is not excluded. AWS's default is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_each_included_type: Option<bool>,
    /// A JSON object, as text, to which the value is added: `{"username": "app"}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_string_template: Option<String>,
}

impl GenerateSecretString {
    /// Has AWS make up a value.
    pub(super) async fn generated(&self, aws: &Aws) -> Result<Concealed> {
        const OPERATION: &str = "secretsmanager:GetRandomPassword";
        // What can't be filled in should fail before anything is made up.
        self.filled_in("")?;
        let call = aws
            .secrets_manager()
            .get_random_password()
            .set_exclude_characters(self.exclude_characters.clone())
            .set_exclude_lowercase(self.exclude_lowercase)
            .set_exclude_numbers(self.exclude_numbers)
            .set_exclude_punctuation(self.exclude_punctuation)
            .set_exclude_uppercase(self.exclude_uppercase)
            .set_include_space(self.include_space)
            .set_password_length(self.password_length)
            .set_require_each_included_type(self.require_each_included_type);
        let answer = call.send().await.during(OPERATION)?;
        let password = answer.random_password.ok_or_else(|| wrong("AWS made nothing up"))?;
        self.filled_in(&password)
    }

    /// The template with `password` in it; `password` alone where there is none. Errors quote neither: both may be secret.
    fn filled_in(&self, password: &str) -> Result<Concealed> {
        let (template, key) = match (&self.secret_string_template, &self.generate_string_key) {
            (None, None) => return Ok(Concealed(password.to_owned())),
            (Some(template), Some(key)) => (template, key),
            _ => return Err(wrong("SecretStringTemplate and GenerateStringKey go together: give both or neither")),
        };
        let mut object: Map<String, Json> = serde_json::from_str(template)
            .map_err(|_| wrong("SecretStringTemplate must be a JSON object, such as {\"username\": \"app\"}"))?;
        object.insert(key.clone(), Json::from(password));
        Ok(Concealed(Json::Object(object).to_string()))
    }
}

fn wrong(why: &str) -> CloudError {
    CloudError::new(ErrorKind::Invalid, "GenerateSecretString", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(template: Option<&str>, key: Option<&str>) -> GenerateSecretString {
        let given = serde_json::json!({ "SecretStringTemplate": template, "GenerateStringKey": key });
        serde_json::from_value(given).expect("a rule")
    }

    #[test]
    fn a_template_gets_the_value_under_its_key() {
        let filled_in = rule(Some(r#"{"username": "app"}"#), Some("password")).filled_in("canary").expect("a value");
        assert_eq!(filled_in.0, r#"{"username":"app","password":"canary"}"#);
        assert_eq!(rule(None, None).filled_in("canary").expect("a value").0, "canary");
        assert_eq!(format!("{filled_in:?}"), "(secret)");
    }

    #[test]
    fn a_wrong_template_is_refused_and_not_quoted() {
        for (template, key) in [(Some("canary"), Some("password")), (Some("{}"), None), (None, Some("password"))] {
            let error = rule(template, key).filled_in("canary").expect_err("it is wrong");
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }
}
