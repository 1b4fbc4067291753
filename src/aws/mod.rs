//! AWS: the one real [`crate::cloud::Cloud`].
//!
//! A resource type is one file that implements [`resource::Resource`], its `mod` line and its line in [`TYPES`].

pub mod alike;
pub mod arn;
pub mod attached_policy;
pub mod client;
pub mod document;
pub mod error;
pub mod fenced;
pub mod fifo;
pub mod fresh;
pub mod in_use;
pub mod lookup;
pub mod mirror;
pub mod of;
pub mod once;
pub mod resource;
pub mod schema;
mod services;
pub mod tags;
pub mod wait;

pub mod app_mesh;
pub mod auto_scaling;
pub mod cloud_map;
pub mod cloudwatch;
pub mod ec2;
pub mod ecr;
pub mod ecs;
pub mod elb;
pub mod iam;
pub mod kms;
pub mod logs;
pub mod secrets_manager;
pub mod ses;
pub mod sns;
pub mod sqs;
pub mod ssm;

use futures::future::join_all;

pub use client::Aws;
use of::{AnyResource, Of};
use resource::Result;

use crate::address::Id;
use crate::catalog::{Catalog, TypeInfo};
use crate::cloud::{Cloud, CloudError, ErrorKind, Live, Lookup, Op};
use crate::value::Value;

/// All resource types, sorted by name.
static TYPES: &[&dyn AnyResource] = &[
    &Of::<app_mesh::GatewayRoute>::TYPE,
    &Of::<app_mesh::Mesh>::TYPE,
    &Of::<app_mesh::Route>::TYPE,
    &Of::<app_mesh::VirtualGateway>::TYPE,
    &Of::<app_mesh::VirtualNode>::TYPE,
    &Of::<app_mesh::VirtualRouter>::TYPE,
    &Of::<app_mesh::VirtualService>::TYPE,
    &Of::<auto_scaling::ScalableTarget>::TYPE,
    &Of::<auto_scaling::ScalingPolicy>::TYPE,
    &Of::<cloudwatch::Alarm>::TYPE,
    &Of::<cloudwatch::CompositeAlarm>::TYPE,
    &Of::<cloudwatch::Dashboard>::TYPE,
    &Of::<ec2::Eip>::TYPE,
    &Of::<ec2::FlowLog>::TYPE,
    &Of::<ec2::InternetGateway>::TYPE,
    &Of::<ec2::NatGateway>::TYPE,
    &Of::<ec2::Route>::TYPE,
    &Of::<ec2::RouteTable>::TYPE,
    &Of::<ec2::SecurityGroup>::TYPE,
    &Of::<ec2::SecurityGroupEgress>::TYPE,
    &Of::<ec2::SecurityGroupIngress>::TYPE,
    &Of::<ec2::Subnet>::TYPE,
    &Of::<ec2::SubnetRouteTableAssociation>::TYPE,
    &Of::<ec2::Vpc>::TYPE,
    &Of::<ec2::VpcEndpoint>::TYPE,
    &Of::<ec2::VpcGatewayAttachment>::TYPE,
    &Of::<ecr::Repository>::TYPE,
    &Of::<ecs::Cluster>::TYPE,
    &Of::<ecs::Service>::TYPE,
    &Of::<ecs::TaskDefinition>::TYPE,
    &Of::<elb::Listener>::TYPE,
    &Of::<elb::ListenerRule>::TYPE,
    &Of::<elb::LoadBalancer>::TYPE,
    &Of::<elb::TargetGroup>::TYPE,
    &Of::<iam::InstanceProfile>::TYPE,
    &Of::<iam::ManagedPolicy>::TYPE,
    &Of::<iam::OidcProvider>::TYPE,
    &Of::<iam::Role>::TYPE,
    &Of::<iam::RolePolicy>::TYPE,
    &Of::<kms::Alias>::TYPE,
    &Of::<kms::Key>::TYPE,
    &Of::<logs::LogGroup>::TYPE,
    &Of::<logs::MetricFilter>::TYPE,
    &Of::<ses::ConfigurationSet>::TYPE,
    &Of::<ses::ConfigurationSetEventDestination>::TYPE,
    &Of::<ses::EmailIdentity>::TYPE,
    &Of::<ses::Template>::TYPE,
    &Of::<sns::Subscription>::TYPE,
    &Of::<sns::Topic>::TYPE,
    &Of::<sns::TopicPolicy>::TYPE,
    &Of::<sqs::Queue>::TYPE,
    &Of::<sqs::QueuePolicy>::TYPE,
    &Of::<ssm::Parameter>::TYPE,
    &Of::<secrets_manager::Secret>::TYPE,
    &Of::<cloud_map::HttpNamespace>::TYPE,
    &Of::<cloud_map::PrivateDnsNamespace>::TYPE,
    &Of::<cloud_map::Service>::TYPE,
];

/// What the engine knows of all types; needs no access to AWS.
pub fn catalog() -> Catalog {
    Catalog::new(TYPES.iter().map(|kind| kind.info()))
}

/// AWS, in one region.
#[derive(Debug)]
pub struct AwsCloud {
    aws: Aws,
    catalog: Catalog,
}

impl AwsCloud {
    /// AWS in `region`, with the credentials of the default chain. Makes no call.
    pub async fn connect(region: &str) -> Self {
        Self { aws: Aws::connect(region).await, catalog: catalog() }
    }

    /// A local AWS at `endpoint`, whatever the environment says.
    pub async fn local(region: &str, endpoint: &str) -> Self {
        Self { aws: Aws::local(region, endpoint).await, catalog: catalog() }
    }

    async fn answer(&self, lookup: &Lookup) -> Result<Value> {
        match lookup {
            Lookup::Account => lookup::account(&self.aws).await,
            Lookup::Zones => lookup::zones(&self.aws).await,
            Lookup::SsmParameter(name) => lookup::ssm_parameter(&self.aws, name).await,
            Lookup::Existing { type_name, by } => lookup::existing(&self.aws, by_name(type_name)?, by).await,
            Lookup::Stack { stack, .. } => {
                let why = "the outputs of a stack are in its state, not in the cloud";
                Err(CloudError::new(ErrorKind::Other, format!("stack {stack}"), why))
            }
        }
    }
}

fn by_name(name: &str) -> Result<&'static dyn AnyResource> {
    let found = TYPES.binary_search_by(|kind| kind.name().cmp(name)).ok().and_then(|at| TYPES.get(at));
    found.copied().ok_or_else(|| CloudError::new(ErrorKind::Invalid, name, "infra does not know this type"))
}

impl Cloud for AwsCloud {
    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    async fn lookup(&self, lookups: &[Lookup]) -> Vec<Result<Value>> {
        join_all(lookups.iter().map(|lookup| self.answer(lookup))).await
    }

    async fn read(&self, kind: &TypeInfo, ids: &[Id]) -> Result<Vec<Live>> {
        by_name(kind.name)?.read(&self.aws, ids).await
    }

    async fn create(&self, kind: &TypeInfo, op: &Op, properties: &Value) -> Result<Id> {
        by_name(kind.name)?.create(&self.aws, op, properties).await
    }

    async fn settle(&self, kind: &TypeInfo, op: &Op, id: &Id, properties: &Value) -> Result<()> {
        by_name(kind.name)?.settle(&self.aws, op, id, properties).await
    }

    async fn update(&self, kind: &TypeInfo, op: &Op, id: &Id, old: &Value, new: &Value) -> Result<()> {
        by_name(kind.name)?.update(&self.aws, op, id, old, new).await
    }

    async fn delete(&self, kind: &TypeInfo, op: &Op, id: &Id) -> Result<()> {
        by_name(kind.name)?.delete(&self.aws, op, id).await
    }

    async fn find(&self, kind: &TypeInfo, op: &Op, properties: &Value) -> Result<Option<Id>> {
        by_name(kind.name)?.find(&self.aws, op, properties).await
    }
}

#[cfg(test)]
mod tests;
