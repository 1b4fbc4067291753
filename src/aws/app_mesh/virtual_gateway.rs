//! `AWS::AppMesh::VirtualGateway`.

use aws_sdk_appmesh::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gateway_parts::VirtualGatewaySpec;
use super::{MAX_NAME, Outputs, Part, Place, WARNING, find, having, made, meshes, read, retag, tag_list};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built};
use crate::aws::mirror::Mirror;
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{TagSet, Tags};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::Op;

/// A virtual gateway of AWS App Mesh: what lets requests from outside into a mesh.
///
/// Its id is `mesh|gateway`, or `mesh@owner|gateway` where `MeshOwner` is given. Each is read alone.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct VirtualGateway {
    /// The mesh's name.
    #[schemars(length(min = 1, max = 255))]
    pub mesh_name: String,
    /// The account that owns the mesh, where another has shared it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 12, max = 12))]
    pub mesh_owner: Option<String>,
    /// What the gateway is.
    pub spec: VirtualGatewaySpec,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The gateway's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub virtual_gateway_name: Option<String>,
}

impl Resource for VirtualGateway {
    const TYPE: &'static str = "AWS::AppMesh::VirtualGateway";
    const CREATE_ONLY: &'static [&'static str] = &["MeshName", "MeshOwner", "VirtualGatewayName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["MeshName", "VirtualGatewayName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "VirtualGatewayName", max_length: MAX_NAME, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const WARNING: Option<&'static str> = Some(WARNING);
    const PERMISSIONS: Permissions = Permissions {
        create: &["appmesh:CreateVirtualGateway", "appmesh:TagResource"],
        read: &[
            "appmesh:DescribeVirtualGateway",
            "appmesh:ListTagsForResource",
            "appmesh:ListMeshes",
            "appmesh:ListVirtualGateways",
        ],
        update: &["appmesh:UpdateVirtualGateway", "appmesh:TagResource", "appmesh:UntagResource"],
        delete: &["appmesh:DeleteVirtualGateway"],
    };
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "appmesh:CreateVirtualGateway";
        let call = aws
            .app_mesh()
            .create_virtual_gateway()
            .client_token(op.id.to_string())
            .mesh_name(&self.mesh_name)
            .set_mesh_owner(self.mesh_owner.clone())
            .set_virtual_gateway_name(self.virtual_gateway_name.clone())
            .set_spec(built(self.spec.sdk(), OPERATION)?)
            .set_tags(tag_list(&self.tags)?);
        call.send().await.during(OPERATION)?;
        made(self)
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        read(aws, ids).await
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        const OPERATION: &str = "appmesh:UpdateVirtualGateway";
        if self.spec != old.spec {
            let place = Place::of(id);
            let call = aws
                .app_mesh()
                .update_virtual_gateway()
                .mesh_name(place.mesh)
                .set_mesh_owner(place.owner())
                .virtual_gateway_name(place.name(0))
                .set_spec(built(self.spec.sdk(), OPERATION)?);
            call.send().await.during(OPERATION)?;
        }
        retag::<Self>(aws, id, &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let place = Place::of(id);
        let call = aws.app_mesh().delete_virtual_gateway().mesh_name(place.mesh).set_mesh_owner(place.owner());
        let call = call.virtual_gateway_name(place.name(0));
        call.send().await.during("appmesh:DeleteVirtualGateway")?;
        Ok(())
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let all = gateways(aws).await?.into_iter().map(|gateway| {
            let id = Place::new(gateway.mesh_name(), Some(gateway.mesh_owner()), [gateway.virtual_gateway_name()]).id();
            (id, gateway.arn)
        });
        having(aws, all.collect(), tags).await
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        find(self, aws, op).await
    }
}

impl Part for VirtualGateway {
    type Data = sdk::VirtualGatewayData;

    fn id(&self) -> Option<Id> {
        Some(Place::new(&self.mesh_name, self.mesh_owner.as_deref(), [self.virtual_gateway_name.as_deref()?]).id())
    }

    async fn describe(aws: &Aws, place: &Place<'_>) -> Result<Option<Self::Data>> {
        let call = aws.app_mesh().describe_virtual_gateway().mesh_name(place.mesh).set_mesh_owner(place.owner());
        let call = call.virtual_gateway_name(place.name(0));
        Ok(call.send().await.during("appmesh:DescribeVirtualGateway")?.virtual_gateway)
    }

    fn told(data: Self::Data, metadata: &sdk::ResourceMetadata, tags: Tags) -> (Self, Outputs) {
        let properties = Self {
            mesh_name: data.mesh_name,
            mesh_owner: Some(metadata.mesh_owner().to_owned()),
            spec: Mirror::of(data.spec),
            tags,
            virtual_gateway_name: Some(data.virtual_gateway_name),
        };
        (properties, Outputs::of(metadata))
    }
}

/// The virtual gateways of all meshes.
pub(super) async fn gateways(aws: &Aws) -> Result<Vec<sdk::VirtualGatewayRef>> {
    let mut all = Vec::new();
    for mesh in meshes(aws).await? {
        let list = aws.app_mesh().list_virtual_gateways().mesh_name(mesh.mesh_name()).mesh_owner(mesh.mesh_owner());
        let list = list.into_paginator().items().send();
        let list: Vec<_> = list.collect::<std::result::Result<_, _>>().await.during("appmesh:ListVirtualGateways")?;
        all.extend(list);
    }
    Ok(all)
}
