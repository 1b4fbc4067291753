//! IAM: who may do what.

mod account;
mod instance_profile;
mod managed_policy;
mod oidc_provider;
mod role;
mod role_policy;

pub use instance_profile::InstanceProfile;
pub use managed_policy::ManagedPolicy;
pub use oidc_provider::OidcProvider;
pub use role::Role;
pub use role_policy::RolePolicy;

use aws_sdk_iam::types::Tag;
use percent_encoding::percent_decode_str;

use super::document::Document;
use super::error::built;
use super::resource::Result;
use super::tags::Tags;

/// Resources up to which each is asked for alone; for more, the whole account is read in one paginated call.
const FEW: usize = 3;
/// Resources that one read takes.
const BATCH: usize = 1000;

/// A policy as IAM tells it: percent-encoded.
fn decoded(text: &str) -> Document {
    Document::parse(&percent_decode_str(text).decode_utf8_lossy())
}

fn tags(tags: &[Tag]) -> Tags {
    tags.iter().map(|tag| (tag.key(), tag.value())).collect()
}

fn tag_list(tags: &Tags) -> Result<Option<Vec<Tag>>> {
    let list = tags.each(|key, value| Tag::builder().key(key).value(value).build());
    let list = list.into_iter().map(|tag| built(tag, "iam:TagRole")).collect::<Result<Vec<_>>>()?;
    Ok((!list.is_empty()).then_some(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_decoded() {
        let policy = decoded("%7B%22Version%22%3A%20%222012-10-17%22%2C%22Note%22%3A%22a%2Bb%20%C3%A9%22%7D");
        assert_eq!(policy, Document::parse(r#"{"Version": "2012-10-17", "Note": "a+b é"}"#));
    }
}
