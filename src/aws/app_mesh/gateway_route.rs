//! `AWS::AppMesh::GatewayRoute`.

use aws_sdk_appmesh::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gateway_route_parts::GatewayRouteSpec;
use super::virtual_gateway::gateways;
use super::{MAX_NAME, Outputs, Part, Place, WARNING, find, having, made, read, retag, tag_list};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built};
use crate::aws::mirror::Mirror;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{TagSet, Tags};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::Op;

/// A route of a virtual gateway of AWS App Mesh: which requests go to which virtual service.
///
/// Its id is `mesh|gateway|route`, or `mesh@owner|gateway|route` where `MeshOwner` is given. Each is read alone.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GatewayRoute {
    /// The route's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub gateway_route_name: Option<String>,
    /// The mesh's name.
    #[schemars(length(min = 1, max = 255))]
    pub mesh_name: String,
    /// The account that owns the mesh, where another has shared it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 12, max = 12))]
    pub mesh_owner: Option<String>,
    /// What the route is.
    pub spec: GatewayRouteSpec,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The virtual gateway's name.
    #[schemars(length(min = 1, max = 255))]
    pub virtual_gateway_name: String,
}

impl Resource for GatewayRoute {
    const TYPE: &'static str = "AWS::AppMesh::GatewayRoute";
    const CREATE_ONLY: &'static [&'static str] = &["GatewayRouteName", "MeshName", "MeshOwner", "VirtualGatewayName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["MeshName", "VirtualGatewayName", "GatewayRouteName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "GatewayRouteName", max_length: MAX_NAME, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const WARNING: Option<&'static str> = Some(WARNING);
    const PERMISSIONS: Permissions = Permissions {
        create: &["appmesh:CreateGatewayRoute", "appmesh:TagResource"],
        read: &[
            "appmesh:DescribeGatewayRoute",
            "appmesh:ListTagsForResource",
            "appmesh:ListMeshes",
            "appmesh:ListVirtualGateways",
            "appmesh:ListGatewayRoutes",
        ],
        update: &["appmesh:UpdateGatewayRoute", "appmesh:TagResource", "appmesh:UntagResource"],
        delete: &["appmesh:DeleteGatewayRoute"],
    };
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "appmesh:CreateGatewayRoute";
        let call = aws
            .app_mesh()
            .create_gateway_route()
            .client_token(op.id.to_string())
            .mesh_name(&self.mesh_name)
            .set_mesh_owner(self.mesh_owner.clone())
            .virtual_gateway_name(&self.virtual_gateway_name)
            .set_gateway_route_name(self.gateway_route_name.clone())
            .set_spec(built(self.spec.sdk(), OPERATION)?)
            .set_tags(tag_list(&self.tags)?);
        call.send().await.during(OPERATION)?;
        made(self)
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        read(aws, ids).await
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        const OPERATION: &str = "appmesh:UpdateGatewayRoute";
        if self.spec != old.spec {
            let place = Place::of(id);
            let call = aws
                .app_mesh()
                .update_gateway_route()
                .mesh_name(place.mesh)
                .set_mesh_owner(place.owner())
                .virtual_gateway_name(place.name(0))
                .gateway_route_name(place.name(1))
                .set_spec(built(self.spec.sdk(), OPERATION)?);
            call.send().await.during(OPERATION)?;
        }
        retag::<Self>(aws, id, &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let place = Place::of(id);
        let call = aws.app_mesh().delete_gateway_route().mesh_name(place.mesh).set_mesh_owner(place.owner());
        let call = call.virtual_gateway_name(place.name(0)).gateway_route_name(place.name(1));
        call.send().await.during("appmesh:DeleteGatewayRoute")?;
        Ok(())
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let mut all = Vec::new();
        for gateway in gateways(aws).await? {
            let list =
                aws.app_mesh().list_gateway_routes().mesh_name(gateway.mesh_name()).mesh_owner(gateway.mesh_owner());
            let list = list.virtual_gateway_name(gateway.virtual_gateway_name()).into_paginator().items().send();
            let list: Vec<sdk::GatewayRouteRef> =
                list.collect::<std::result::Result<_, _>>().await.during("appmesh:ListGatewayRoutes")?;
            all.extend(list.into_iter().map(|route| {
                let names = [route.virtual_gateway_name(), route.gateway_route_name()];
                (Place::new(route.mesh_name(), Some(route.mesh_owner()), names).id(), route.arn)
            }));
        }
        having(aws, all, tags).await
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        find(self, aws, op).await
    }
}

impl Part for GatewayRoute {
    type Data = sdk::GatewayRouteData;

    fn id(&self) -> Option<Id> {
        Some(
            Place::new(
                &self.mesh_name,
                self.mesh_owner.as_deref(),
                [&self.virtual_gateway_name, self.gateway_route_name.as_deref()?],
            )
            .id(),
        )
    }

    async fn describe(aws: &Aws, place: &Place<'_>) -> Result<Option<Self::Data>> {
        let call = aws.app_mesh().describe_gateway_route().mesh_name(place.mesh).set_mesh_owner(place.owner());
        let call = call.virtual_gateway_name(place.name(0)).gateway_route_name(place.name(1));
        Ok(call.send().await.during("appmesh:DescribeGatewayRoute")?.gateway_route)
    }

    fn told(data: Self::Data, metadata: &sdk::ResourceMetadata, tags: Tags) -> (Self, Outputs) {
        let properties = Self {
            gateway_route_name: Some(data.gateway_route_name),
            mesh_name: data.mesh_name,
            mesh_owner: Some(metadata.mesh_owner().to_owned()),
            spec: Mirror::of(data.spec),
            tags,
            virtual_gateway_name: data.virtual_gateway_name,
        };
        (properties, Outputs::of(metadata))
    }
}
