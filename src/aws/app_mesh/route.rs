//! `AWS::AppMesh::Route`.

use aws_sdk_appmesh::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::route_parts::RouteSpec;
use super::virtual_router::routers;
use super::{MAX_NAME, Outputs, Part, Place, WARNING, find, having, made, read, retag, tag_list};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built};
use crate::aws::mirror::Mirror;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{TagSet, Tags};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::Op;

/// A route of a virtual router of AWS App Mesh: which requests go to which virtual nodes.
///
/// Its id is `mesh|router|route`, or `mesh@owner|router|route` where `MeshOwner` is given. Each is read alone.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Route {
    /// The mesh's name.
    #[schemars(length(min = 1, max = 255))]
    pub mesh_name: String,
    /// The account that owns the mesh, where another has shared it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 12, max = 12))]
    pub mesh_owner: Option<String>,
    /// The route's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub route_name: Option<String>,
    /// What the route is.
    pub spec: RouteSpec,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The virtual router's name.
    #[schemars(length(min = 1, max = 255))]
    pub virtual_router_name: String,
}

impl Resource for Route {
    const TYPE: &'static str = "AWS::AppMesh::Route";
    const CREATE_ONLY: &'static [&'static str] = &["MeshName", "MeshOwner", "RouteName", "VirtualRouterName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["MeshName", "VirtualRouterName", "RouteName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "RouteName", max_length: MAX_NAME, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const WARNING: Option<&'static str> = Some(WARNING);
    const PERMISSIONS: Permissions = Permissions {
        create: &["appmesh:CreateRoute", "appmesh:TagResource"],
        read: &[
            "appmesh:DescribeRoute",
            "appmesh:ListTagsForResource",
            "appmesh:ListMeshes",
            "appmesh:ListVirtualRouters",
            "appmesh:ListRoutes",
        ],
        update: &["appmesh:UpdateRoute", "appmesh:TagResource", "appmesh:UntagResource"],
        delete: &["appmesh:DeleteRoute"],
    };
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "appmesh:CreateRoute";
        let call = aws
            .app_mesh()
            .create_route()
            .client_token(op.id.to_string())
            .mesh_name(&self.mesh_name)
            .set_mesh_owner(self.mesh_owner.clone())
            .virtual_router_name(&self.virtual_router_name)
            .set_route_name(self.route_name.clone())
            .set_spec(built(self.spec.sdk(), OPERATION)?)
            .set_tags(tag_list(&self.tags)?);
        call.send().await.during(OPERATION)?;
        made(self)
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        read(aws, ids).await
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        const OPERATION: &str = "appmesh:UpdateRoute";
        if self.spec != old.spec {
            let place = Place::of(id);
            let call = aws
                .app_mesh()
                .update_route()
                .mesh_name(place.mesh)
                .set_mesh_owner(place.owner())
                .virtual_router_name(place.name(0))
                .route_name(place.name(1))
                .set_spec(built(self.spec.sdk(), OPERATION)?);
            call.send().await.during(OPERATION)?;
        }
        retag::<Self>(aws, id, &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let place = Place::of(id);
        let call = aws.app_mesh().delete_route().mesh_name(place.mesh).set_mesh_owner(place.owner());
        let call = call.virtual_router_name(place.name(0)).route_name(place.name(1));
        call.send().await.during("appmesh:DeleteRoute")?;
        Ok(())
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let mut all = Vec::new();
        for router in routers(aws).await? {
            let list = aws.app_mesh().list_routes().mesh_name(router.mesh_name()).mesh_owner(router.mesh_owner());
            let list = list.virtual_router_name(router.virtual_router_name()).into_paginator().items().send();
            let list: Vec<sdk::RouteRef> =
                list.collect::<std::result::Result<_, _>>().await.during("appmesh:ListRoutes")?;
            all.extend(list.into_iter().map(|route| {
                let names = [route.virtual_router_name(), route.route_name()];
                (Place::new(route.mesh_name(), Some(route.mesh_owner()), names).id(), route.arn)
            }));
        }
        having(aws, all, tags).await
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        find(self, aws, op).await
    }
}

impl Part for Route {
    type Data = sdk::RouteData;

    fn id(&self) -> Option<Id> {
        Some(
            Place::new(
                &self.mesh_name,
                self.mesh_owner.as_deref(),
                [&self.virtual_router_name, self.route_name.as_deref()?],
            )
            .id(),
        )
    }

    async fn describe(aws: &Aws, place: &Place<'_>) -> Result<Option<Self::Data>> {
        let call = aws.app_mesh().describe_route().mesh_name(place.mesh).set_mesh_owner(place.owner());
        let call = call.virtual_router_name(place.name(0)).route_name(place.name(1));
        Ok(call.send().await.during("appmesh:DescribeRoute")?.route)
    }

    fn told(data: Self::Data, metadata: &sdk::ResourceMetadata, tags: Tags) -> (Self, Outputs) {
        let properties = Self {
            mesh_name: data.mesh_name,
            mesh_owner: Some(metadata.mesh_owner().to_owned()),
            route_name: Some(data.route_name),
            spec: Mirror::of(data.spec),
            tags,
            virtual_router_name: data.virtual_router_name,
        };
        (properties, Outputs::of(metadata))
    }
}
