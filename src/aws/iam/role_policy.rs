//! `AWS::IAM::RolePolicy`.

use aws_sdk_iam::types::EntityType;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BATCH, FEW, account, decoded};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::document::Document;
use crate::aws::error::{During, found};
use crate::aws::resource::{NoOutputs, Observed, Resource, Result};
use crate::catalog::Permissions;
use crate::cloud::{CloudError, Op};

/// A policy in a role.
///
/// Where more than 3 are read, the account's roles are read in one paginated call.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RolePolicy {
    /// The policy.
    pub policy_document: Document,
    /// Its name.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[\w+=,.@-]+$"))]
    pub policy_name: String,
    /// The role's name.
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[\w+=,.@-]+$"))]
    pub role_name: String,
}

impl Resource for RolePolicy {
    const TYPE: &'static str = "AWS::IAM::RolePolicy";
    const CREATE_ONLY: &'static [&'static str] = &["PolicyName", "RoleName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["PolicyName", "RoleName"]];
    const PERMISSIONS: Permissions = Permissions {
        create: &["iam:PutRolePolicy"],
        read: &["iam:GetRolePolicy", "iam:GetAccountAuthorizationDetails"],
        update: &["iam:PutRolePolicy"],
        delete: &["iam:DeleteRolePolicy"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = NoOutputs;

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        self.put(aws).await?;
        Ok(Id::compound(&[&self.policy_name, &self.role_name]))
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        if ids.len() > FEW
            && let Some(details) = account::details(aws, &[EntityType::Role]).await?
        {
            let read = ids.iter().filter_map(|id| {
                let [policy_name, role_name] = id.parts();
                let role = details.roles.iter().find(|role| role.role_name() == Some(role_name))?;
                let policy = role.role_policy_list().iter().find(|policy| policy.policy_name() == Some(policy_name))?;
                Some(observed(id, policy.policy_document()?))
            });
            return Ok(read.collect());
        }
        let reads = ids.iter().map(|id| async move {
            let [policy_name, role_name] = id.parts();
            let call = aws.iam().get_role_policy().role_name(role_name).policy_name(policy_name);
            let answer = found(call.send().await.during("iam:GetRolePolicy"))?;
            Ok::<_, CloudError>(answer.map(|answer| observed(id, &answer.policy_document)))
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, _id: &Id, _old: &Self) -> Result<()> {
        self.put(aws).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let [policy_name, role_name] = id.parts();
        let call = aws.iam().delete_role_policy().role_name(role_name).policy_name(policy_name);
        call.send().await.during("iam:DeleteRolePolicy")?;
        Ok(())
    }

    /// It takes no tags; what says the same is as good as what was lost.
    async fn find(&self, aws: &Aws, _op: &Op) -> Result<Option<Id>> {
        let id = Id::compound(&[&self.policy_name, &self.role_name]);
        let found = Self::read(aws, std::slice::from_ref(&id)).await?.pop();
        Ok(found.filter(|found| found.properties.policy_document == self.policy_document).map(|_| id))
    }
}

impl RolePolicy {
    async fn put(&self, aws: &Aws) -> Result<()> {
        let call = aws.iam().put_role_policy().role_name(&self.role_name).policy_name(&self.policy_name);
        call.policy_document(self.policy_document.text()).send().await.during("iam:PutRolePolicy")?;
        Ok(())
    }
}

fn observed(id: &Id, document: &str) -> Observed<RolePolicy> {
    let [policy_name, role_name] = id.parts().map(str::to_owned);
    let properties = RolePolicy { policy_document: decoded(document), policy_name, role_name };
    Observed { id: id.clone(), properties, outputs: NoOutputs {} }
}
