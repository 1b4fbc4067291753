//! `AWS::KMS::Alias`.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::During;
use crate::aws::resource::{NoOutputs, Observed, Resource, Result};
use crate::catalog::Permissions;
use crate::cloud::Op;
use crate::value::Value;

/// Another name for a KMS key, which can be given to another key later.
///
/// One read lists all aliases of the region.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Alias {
    /// The alias, which begins with `alias/`. Those that begin with `alias/aws/` are AWS's own.
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^(alias/)[a-zA-Z0-9:/_-]+$"))]
    pub alias_name: String,
    /// The key that it stands for, by id or ARN.
    #[schemars(length(min = 1, max = 256))]
    pub target_key_id: String,
}

impl Resource for Alias {
    const TYPE: &'static str = "AWS::KMS::Alias";
    const CREATE_ONLY: &'static [&'static str] = &["AliasName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["AliasName"]];
    const PERMISSIONS: Permissions = Permissions {
        create: &["kms:CreateAlias"],
        read: &["kms:ListAliases"],
        update: &["kms:UpdateAlias"],
        delete: &["kms:DeleteAlias"],
    };
    const READ_BATCH: usize = usize::MAX;
    type Outputs = NoOutputs;

    /// KMS tells the target by its id.
    fn normalize(properties: &mut Value) {
        if let Value::Map(properties) = properties
            && let Some(Value::String(target)) = properties.get_mut("TargetKeyId")
            && let Some((_, id)) = target.split_once(":key/")
        {
            *target = id.to_owned();
        }
    }

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        let call = aws.kms().create_alias().alias_name(&self.alias_name).target_key_id(&self.target_key_id);
        call.send().await.during("kms:CreateAlias")?;
        Ok(Id::new(&self.alias_name))
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let mut targets = HashMap::new();
        let mut pages = aws.kms().list_aliases().into_paginator().items().send();
        while let Some(alias) = pages.next().await {
            let alias = alias.during("kms:ListAliases")?;
            if let (Some(name), Some(target)) = (alias.alias_name, alias.target_key_id) {
                targets.insert(name, target);
            }
        }
        let observed = |id: &Id| {
            let target_key_id = targets.get(id.as_str())?.clone();
            let properties = Self { alias_name: id.as_str().to_owned(), target_key_id };
            Some(Observed { id: id.clone(), properties, outputs: NoOutputs {} })
        };
        Ok(ids.iter().filter_map(observed).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        if self.target_key_id != old.target_key_id {
            let call = aws.kms().update_alias().alias_name(id.as_str()).target_key_id(&self.target_key_id);
            call.send().await.during("kms:UpdateAlias")?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        aws.kms().delete_alias().alias_name(id.as_str()).send().await.during("kms:DeleteAlias")?;
        Ok(())
    }

    /// It takes no tags; what says the same is as good as what was lost.
    async fn find(&self, aws: &Aws, _op: &Op) -> Result<Option<Id>> {
        let id = Id::new(&self.alias_name);
        let found = Self::read(aws, std::slice::from_ref(&id)).await?.pop();
        Ok(found.filter(|found| found.properties.target_key_id == self.target_key_id).map(|_| id))
    }
}
