//! `AWS::EC2::SubnetRouteTableAssociation`.

use aws_sdk_ec2::types::{self as sdk, RouteTableAssociationStateCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::route_table::describe;
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::ec2::{BATCH, asked, by_ids, filter, made};
use crate::aws::error::During;
use crate::aws::resource::{Observed, Resource, Result};
use crate::catalog::Permissions;
use crate::cloud::Op;

/// Which route table a subnet uses; it has one at most, and the VPC's main table where it has none.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SubnetRouteTableAssociation {
    /// The route table.
    pub route_table_id: String,
    /// The subnet.
    pub subnet_id: String,
}

/// What AWS tells of an association.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The association's id.
    pub id: String,
}

impl Resource for SubnetRouteTableAssociation {
    const TYPE: &'static str = "AWS::EC2::SubnetRouteTableAssociation";
    const CREATE_ONLY: &'static [&'static str] = &["RouteTableId", "SubnetId"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["SubnetId"]];
    const PERMISSIONS: Permissions = Permissions {
        create: &["ec2:AssociateRouteTable"],
        read: &["ec2:DescribeRouteTables"],
        update: &[],
        delete: &["ec2:DisassociateRouteTable"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        let call = aws.ec2().associate_route_table().route_table_id(&self.route_table_id).subnet_id(&self.subnet_id);
        let answer = call.send().await.during("ec2:AssociateRouteTable")?;
        made(answer.association_id(), "ec2:AssociateRouteTable")
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let tables = describe(aws, by_ids("association.route-table-association-id", ids)).await?;
        let here = tables.iter().flat_map(sdk::RouteTable::associations).filter_map(observed);
        Ok(here.filter(|here| asked(ids, Some(here.id.as_str()))).collect())
    }

    async fn update(&self, _aws: &Aws, _op: &Op, _id: &Id, _old: &Self) -> Result<()> {
        Ok(())
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let call = aws.ec2().disassociate_route_table().association_id(id.as_str());
        call.send().await.during("ec2:DisassociateRouteTable")?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, _op: &Op) -> Result<Option<Id>> {
        let tables = describe(aws, vec![filter("association.subnet-id", [&self.subnet_id])]).await?;
        let mut here = tables.iter().flat_map(sdk::RouteTable::associations).filter_map(observed);
        let same = |here: &Observed<Self>| {
            here.properties.subnet_id == self.subnet_id && here.properties.route_table_id == self.route_table_id
        };
        Ok(here.find(same).map(|here| here.id))
    }
}

fn observed(association: &sdk::RouteTableAssociation) -> Option<Observed<SubnetRouteTableAssociation>> {
    let state = association.association_state().and_then(|state| state.state());
    if matches!(
        state,
        Some(RouteTableAssociationStateCode::Disassociated | RouteTableAssociationStateCode::Disassociating)
    ) {
        return None;
    }
    let id = association.route_table_association_id()?;
    Some(Observed {
        id: Id::new(id),
        properties: SubnetRouteTableAssociation {
            route_table_id: association.route_table_id()?.to_owned(),
            subnet_id: association.subnet_id()?.to_owned(),
        },
        outputs: Outputs { id: id.to_owned() },
    })
}
