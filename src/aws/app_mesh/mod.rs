//! AWS App Mesh: meshes, what is in them, and the routes between.

mod common_parts;
mod gateway_parts;
mod gateway_route;
mod gateway_route_parts;
mod mesh;
mod node_parts;
mod proxy_parts;
mod route;
mod route_parts;
mod virtual_gateway;
mod virtual_node;
mod virtual_router;
mod virtual_service;

pub use gateway_route::GatewayRoute;
pub use mesh::Mesh;
pub use route::Route;
pub use virtual_gateway::VirtualGateway;
pub use virtual_node::VirtualNode;
pub use virtual_router::VirtualRouter;
pub use virtual_service::VirtualService;

use std::future::Future;

use aws_sdk_appmesh::types::{self as sdk, ResourceMetadata, TagRef};
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt};
use schemars::JsonSchema;
use serde::Serialize;

use super::client::Aws;
use super::error::{During, built, found};
use super::resource::{Observed, Resource, Result};
use super::tags::{self as ownership, TagSet, Tags};
use crate::address::Id;
use crate::cloud::{CloudError, ErrorKind, Op};

/// Said of each stack that uses App Mesh.
const WARNING: &str = "AWS App Mesh ended on 2026-09-30; use Amazon ECS Service Connect. A service can't be in both: make new \
    `AWS::ECS::Service`s with a `ServiceConnectConfiguration` beside those in the mesh, move the traffic, then delete the mesh";
/// Resources whose tags are asked for at the same time.
const CONCURRENT: usize = 8;
/// The longest name that App Mesh takes.
const MAX_NAME: usize = 255;

/// What AWS tells of something in a mesh.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub arn: String,
    /// Its ARN, as CloudFormation's `Ref` gives it.
    pub id: String,
    /// The account that owns it, which need not be the mesh's.
    pub resource_owner: String,
    /// Its id, which no other ever has.
    pub uid: String,
}

impl Outputs {
    fn of(metadata: &ResourceMetadata) -> Self {
        Self {
            arn: metadata.arn().to_owned(),
            id: metadata.arn().to_owned(),
            resource_owner: metadata.resource_owner().to_owned(),
            uid: metadata.uid().to_owned(),
        }
    }
}

/// Where something is: what its id says, `mesh|node` or `mesh@owner|router|route`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place<'a> {
    mesh: &'a str,
    /// The mesh's owner, where it need not be the caller.
    owner: Option<&'a str>,
    /// Names below the mesh.
    names: Vec<&'a str>,
}

impl<'a> Place<'a> {
    fn new<const N: usize>(mesh: &'a str, owner: Option<&'a str>, names: [&'a str; N]) -> Self {
        Self { mesh, owner, names: names.to_vec() }
    }

    fn of(id: &'a Id) -> Self {
        let mut parts = id.as_str().split('|');
        let mesh = parts.next().unwrap_or_default();
        let (mesh, owner) = mesh.split_once('@').map_or((mesh, None), |(mesh, owner)| (mesh, Some(owner)));
        Self { mesh, owner, names: parts.collect() }
    }

    fn id(&self) -> Id {
        let mesh = self.owner.map_or_else(|| self.mesh.to_owned(), |owner| format!("{}@{owner}", self.mesh));
        Id::new(self.names.iter().fold(mesh, |id, name| format!("{id}|{name}")))
    }

    /// The name that is `depth` steps below the mesh.
    fn name(&self, depth: usize) -> &'a str {
        self.names.get(depth).copied().unwrap_or_default()
    }

    fn owner(&self) -> Option<String> {
        self.owner.map(str::to_owned)
    }
}

/// What App Mesh tells of one thing.
trait Described {
    fn metadata(&self) -> Option<&ResourceMetadata>;
    /// Whether it is only still told of.
    fn is_deleted(&self) -> bool;
}

macro_rules! described {
    ($($data:ident: $status:ident,)*) => { $(
        impl Described for sdk::$data {
            fn metadata(&self) -> Option<&ResourceMetadata> {
                self.metadata()
            }

            fn is_deleted(&self) -> bool {
                self.status().is_some_and(|status| Option::from(status.status()) == Some(&sdk::$status::Deleted))
            }
        }
    )* };
}
described! {
    GatewayRouteData: GatewayRouteStatusCode,
    MeshData: MeshStatusCode,
    RouteData: RouteStatusCode,
    VirtualGatewayData: VirtualGatewayStatusCode,
    VirtualNodeData: VirtualNodeStatusCode,
    VirtualRouterData: VirtualRouterStatusCode,
    VirtualServiceData: VirtualServiceStatusCode,
}

/// What the seven types have in common: each is described alone, and its tags are asked for by its ARN.
trait Part: Resource {
    /// What App Mesh tells of it.
    type Data: Described + Send;

    /// Its id, which its properties say; none while it has no name.
    fn id(&self) -> Option<Id>;

    /// Describes the one at `place`.
    fn describe(aws: &Aws, place: &Place<'_>) -> impl Future<Output = Result<Option<Self::Data>>> + Send;

    /// Its properties and outputs.
    fn told(data: Self::Data, metadata: &ResourceMetadata, tags: Tags) -> (Self, Self::Outputs);
}

/// What App Mesh tells of `id`; nothing where there is no such thing.
async fn described<P: Part>(aws: &Aws, id: &Id) -> Result<Option<(P::Data, ResourceMetadata)>> {
    let data = found(P::describe(aws, &Place::of(id)).await)?.flatten().filter(|data| !data.is_deleted());
    Ok(data.and_then(|data| data.metadata().cloned().map(|metadata| (data, metadata))))
}

async fn read<P: Part>(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<P>>> {
    let each = ids.iter().map(|id| async move {
        let Some((data, metadata)) = described::<P>(aws, id).await? else { return Ok(None) };
        let Some(tags) = tags_of(aws, metadata.arn()).await? else { return Ok(None) };
        let (properties, outputs) = P::told(data, &metadata, tags);
        Ok(Some(Observed { id: id.clone(), properties, outputs }))
    });
    Ok(try_join_all(each).await?.into_iter().flatten().collect())
}

/// The one of that name, if `op` made it.
async fn find<P: Part>(part: &P, aws: &Aws, op: &Op) -> Result<Option<Id>> {
    let Some(id) = part.id() else { return Ok(None) };
    let Some((_, metadata)) = described::<P>(aws, &id).await? else { return Ok(None) };
    let tags = tags_of(aws, metadata.arn()).await?;
    Ok(tags.filter(|tags| tags.have(&ownership::of_op(op))).map(|_| id))
}

/// The id of what was just made.
fn made<P: Part>(part: &P) -> Result<Id> {
    part.id().ok_or_else(|| CloudError::new(ErrorKind::Invalid, P::TYPE, "it has no name"))
}

/// Changes the tags of `id` from `old` to `new`.
async fn retag<P: Part>(aws: &Aws, id: &Id, old: &Tags, new: &Tags) -> Result<()> {
    let (set, removed) = new.changes(old);
    if set.is_empty() && removed.is_empty() {
        return Ok(());
    }
    let missing = || CloudError::new(ErrorKind::NotFound, P::TYPE, format!("there is no {id}"));
    let (_, metadata) = described::<P>(aws, id).await?.ok_or_else(missing)?;
    if !set.is_empty() {
        let call = aws.app_mesh().tag_resource().resource_arn(metadata.arn()).set_tags(tag_list(&set)?);
        call.send().await.during("appmesh:TagResource")?;
    }
    if !removed.is_empty() {
        let call = aws.app_mesh().untag_resource().resource_arn(metadata.arn()).set_tag_keys(Some(removed));
        call.send().await.during("appmesh:UntagResource")?;
    }
    Ok(())
}

/// The meshes of the account, and those shared with it.
async fn meshes(aws: &Aws) -> Result<Vec<sdk::MeshRef>> {
    let meshes = aws.app_mesh().list_meshes().into_paginator().items().send();
    meshes.collect::<std::result::Result<_, _>>().await.during("appmesh:ListMeshes")
}

/// Those of `all`, each with its ARN, that have all of `tags`.
async fn having(aws: &Aws, all: Vec<(Id, String)>, tags: &TagSet) -> Result<Vec<Id>> {
    let each = all.into_iter().map(|(id, arn)| async move {
        let told = tags_of(aws, &arn).await?;
        Ok(told.filter(|told| told.have(tags)).map(|_| id))
    });
    let each: Vec<_> = each.collect();
    let found: Vec<Option<Id>> = futures::stream::iter(each).buffered(CONCURRENT).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// The tags of `arn`; nothing where there is no such thing.
async fn tags_of(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    let tags = aws.app_mesh().list_tags_for_resource().resource_arn(arn).into_paginator().items().send();
    let tags: std::result::Result<Vec<TagRef>, _> = tags.collect().await;
    let tags = found(tags.during("appmesh:ListTagsForResource"))?;
    Ok(tags.map(|tags| tags.iter().map(|tag| (tag.key(), tag.value())).collect()))
}

fn tag_list(tags: &Tags) -> Result<Option<Vec<TagRef>>> {
    let list = tags.each(|key, value| TagRef::builder().key(key).value(value).build());
    let list = list.into_iter().map(|tag| built(tag, "appmesh:TagResource")).collect::<Result<Vec<_>>>()?;
    Ok((!list.is_empty()).then_some(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_where_something_is() {
        for (id, place) in [
            ("shop", Place::new("shop", None, [])),
            ("shop|api", Place::new("shop", None, ["api"])),
            ("shop@123456789012|router|all", Place::new("shop", Some("123456789012"), ["router", "all"])),
            ("shop|user@example.internal", Place::new("shop", None, ["user@example.internal"])),
        ] {
            assert_eq!(Place::of(&Id::new(id)), place);
            assert_eq!(place.id().as_str(), id);
        }
    }
}
