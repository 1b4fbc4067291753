//! The whole account's roles and policies in one paginated call, where many are asked for.

use aws_sdk_iam::types::{EntityType, GroupDetail, ManagedPolicyDetail, RoleDetail, UserDetail};

use crate::aws::client::Aws;
use crate::aws::error::During;
use crate::aws::resource::Result;
use crate::cloud::ErrorKind;

/// Entities that one page holds.
const PAGE: i32 = 1000;

/// What an account holds.
#[derive(Debug, Default)]
pub(super) struct Details {
    /// Its roles.
    pub(super) roles: Vec<RoleDetail>,
    /// Its users.
    pub(super) users: Vec<UserDetail>,
    /// Its groups.
    pub(super) groups: Vec<GroupDetail>,
    /// Its own managed policies.
    pub(super) policies: Vec<ManagedPolicyDetail>,
}

/// What the account holds of `kinds`; nothing where the caller may not ask for all at once.
pub(super) async fn details(aws: &Aws, kinds: &[EntityType]) -> Result<Option<Details>> {
    let call = aws.iam().get_account_authorization_details().set_filter(Some(kinds.to_vec())).max_items(PAGE);
    let mut pages = call.into_paginator().send();
    let mut details = Details::default();
    while let Some(page) = pages.next().await {
        let page = match page.during("iam:GetAccountAuthorizationDetails") {
            Ok(page) => page,
            Err(error) if error.kind == ErrorKind::Denied => return Ok(None),
            Err(error) => return Err(error),
        };
        details.roles.extend(page.role_detail_list.unwrap_or_default());
        details.users.extend(page.user_detail_list.unwrap_or_default());
        details.groups.extend(page.group_detail_list.unwrap_or_default());
        details.policies.extend(page.policies.unwrap_or_default());
    }
    Ok(Some(details))
}
