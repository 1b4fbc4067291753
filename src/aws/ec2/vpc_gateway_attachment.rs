//! `AWS::EC2::VPCGatewayAttachment`.

use aws_sdk_ec2::types::InternetGateway;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::holders;
use super::internet_gateway::describe;
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::ec2::{BATCH, filter};
use crate::aws::error::{During, found};
use crate::aws::in_use::Holder;
use crate::aws::resource::{Observed, Resource, Result};
use crate::catalog::Permissions;
use crate::cloud::Op;

/// CloudFormation's word for the attachment of an internet gateway.
const INTERNET_GATEWAY: &str = "IGW";

/// The attachment of an internet gateway to a VPC, which has one at most.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcGatewayAttachment {
    /// The internet gateway.
    pub internet_gateway_id: String,
    /// The VPC.
    pub vpc_id: String,
}

/// What AWS tells of an attachment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The kind of gateway: `IGW`.
    pub attachment_type: String,
}

impl Resource for VpcGatewayAttachment {
    const TYPE: &'static str = "AWS::EC2::VPCGatewayAttachment";
    const CREATE_ONLY: &'static [&'static str] = &["VpcId"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["VpcId"], &["InternetGatewayId"]];
    const PERMISSIONS: Permissions = Permissions {
        create: &["ec2:AttachInternetGateway"],
        read: &["ec2:DescribeInternetGateways"],
        update: &["ec2:AttachInternetGateway", "ec2:DetachInternetGateway"],
        delete: &["ec2:DetachInternetGateway", "ec2:DescribeInternetGateways", "ec2:DescribeNetworkInterfaces"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _op: &Op) -> Result<Id> {
        self.attach(aws).await?;
        Ok(Id::compound(&[INTERNET_GATEWAY, &self.vpc_id]))
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let vpcs = ids.iter().map(vpc);
        let gateways = describe(aws, vec![filter("attachment.vpc-id", vpcs)]).await?;
        Ok(ids.iter().filter_map(|id| observed(id, &gateways)).collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, _id: &Id, old: &Self) -> Result<()> {
        if self.internet_gateway_id == old.internet_gateway_id {
            return Ok(());
        }
        found(detach(aws, &old.internet_gateway_id, &old.vpc_id).await)?;
        self.attach(aws).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        match Self::read(aws, std::slice::from_ref(id)).await?.first() {
            Some(there) => detach(aws, &there.properties.internet_gateway_id, vpc(id)).await,
            None => Ok(()),
        }
    }

    async fn holders(aws: &Aws, id: &Id) -> Result<Vec<Holder>> {
        holders::of_gateway_attachment(aws, vpc(id)).await
    }

    async fn find(&self, aws: &Aws, _op: &Op) -> Result<Option<Id>> {
        let id = Id::compound(&[INTERNET_GATEWAY, &self.vpc_id]);
        let there = Self::read(aws, std::slice::from_ref(&id)).await?;
        let ours = there.first().is_some_and(|there| there.properties.internet_gateway_id == self.internet_gateway_id);
        Ok(ours.then_some(id))
    }
}

impl VpcGatewayAttachment {
    async fn attach(&self, aws: &Aws) -> Result<()> {
        let call = aws.ec2().attach_internet_gateway().internet_gateway_id(&self.internet_gateway_id);
        call.vpc_id(&self.vpc_id).send().await.during("ec2:AttachInternetGateway")?;
        Ok(())
    }
}

async fn detach(aws: &Aws, gateway: &str, vpc: &str) -> Result<()> {
    let call = aws.ec2().detach_internet_gateway().internet_gateway_id(gateway).vpc_id(vpc);
    call.send().await.during("ec2:DetachInternetGateway")?;
    Ok(())
}

/// The VPC that an attachment's id names.
fn vpc(id: &Id) -> &str {
    let [_, vpc] = id.parts();
    vpc
}

fn observed(id: &Id, gateways: &[InternetGateway]) -> Option<Observed<VpcGatewayAttachment>> {
    let [kind, vpc] = id.parts();
    let gateway = gateways.iter().find(|gateway| gateway.attachments().iter().any(|a| a.vpc_id() == Some(vpc)))?;
    (kind == INTERNET_GATEWAY).then(|| Observed {
        id: id.clone(),
        properties: VpcGatewayAttachment {
            internet_gateway_id: gateway.internet_gateway_id().unwrap_or_default().to_owned(),
            vpc_id: vpc.to_owned(),
        },
        outputs: Outputs { attachment_type: kind.to_owned() },
    })
}
