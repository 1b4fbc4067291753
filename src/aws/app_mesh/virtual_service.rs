//! `AWS::AppMesh::VirtualService`.

use aws_sdk_appmesh::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Outputs, Part, Place, WARNING, find, having, made, meshes, read, retag, tag_list};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built};
use crate::aws::mirror::{Mirror, mirror, mirror_union};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{TagSet, Tags};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::Op;

mirror! {
    /// What stands behind a virtual service.
    pub struct VirtualServiceSpec = sdk::VirtualServiceSpec {
        /// Who answers its requests; nobody where it is not given.
        provider(set_provider): Option<VirtualServiceProvider>,
    }

    /// A virtual node that answers requests.
    pub struct VirtualNodeServiceProvider = sdk::VirtualNodeServiceProvider, fallible {
        /// Its name.
        #[schemars(length(min = 1, max = 255))]
        virtual_node_name(set_virtual_node_name): String,
    }

    /// A virtual router that answers requests.
    pub struct VirtualRouterServiceProvider = sdk::VirtualRouterServiceProvider, fallible {
        /// Its name.
        #[schemars(length(min = 1, max = 255))]
        virtual_router_name(set_virtual_router_name): String,
    }
}

mirror_union! {
    /// Who answers the requests of a virtual service.
    pub struct VirtualServiceProvider = sdk::VirtualServiceProvider {
        /// A virtual node.
        virtual_node(VirtualNode): VirtualNodeServiceProvider,
        /// A virtual router.
        virtual_router(VirtualRouter): VirtualRouterServiceProvider,
    }
}

/// A virtual service of AWS App Mesh: a name that nodes and gateways call, and what stands behind it.
///
/// Its id is `mesh|service`, or `mesh@owner|service` where `MeshOwner` is given. Each is read alone.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct VirtualService {
    /// The mesh's name.
    #[schemars(length(min = 1, max = 255))]
    pub mesh_name: String,
    /// The account that owns the mesh, where another has shared it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 12, max = 12))]
    pub mesh_owner: Option<String>,
    /// What stands behind the name.
    pub spec: VirtualServiceSpec,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The name that it is called by, most often the service's own in DNS.
    #[schemars(length(min = 1))]
    pub virtual_service_name: String,
}

impl Resource for VirtualService {
    const TYPE: &'static str = "AWS::AppMesh::VirtualService";
    const CREATE_ONLY: &'static [&'static str] = &["MeshName", "MeshOwner", "VirtualServiceName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["MeshName", "VirtualServiceName"]];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const WARNING: Option<&'static str> = Some(WARNING);
    const PERMISSIONS: Permissions = Permissions {
        create: &["appmesh:CreateVirtualService", "appmesh:TagResource"],
        read: &[
            "appmesh:DescribeVirtualService",
            "appmesh:ListTagsForResource",
            "appmesh:ListMeshes",
            "appmesh:ListVirtualServices",
        ],
        update: &["appmesh:UpdateVirtualService", "appmesh:TagResource", "appmesh:UntagResource"],
        delete: &["appmesh:DeleteVirtualService"],
    };
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "appmesh:CreateVirtualService";
        let call = aws
            .app_mesh()
            .create_virtual_service()
            .client_token(op.id.to_string())
            .mesh_name(&self.mesh_name)
            .set_mesh_owner(self.mesh_owner.clone())
            .virtual_service_name(&self.virtual_service_name)
            .set_spec(built(self.spec.sdk(), OPERATION)?)
            .set_tags(tag_list(&self.tags)?);
        call.send().await.during(OPERATION)?;
        made(self)
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        read(aws, ids).await
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        const OPERATION: &str = "appmesh:UpdateVirtualService";
        if self.spec != old.spec {
            let place = Place::of(id);
            let call = aws
                .app_mesh()
                .update_virtual_service()
                .mesh_name(place.mesh)
                .set_mesh_owner(place.owner())
                .virtual_service_name(place.name(0))
                .set_spec(built(self.spec.sdk(), OPERATION)?);
            call.send().await.during(OPERATION)?;
        }
        retag::<Self>(aws, id, &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let place = Place::of(id);
        let call = aws.app_mesh().delete_virtual_service().mesh_name(place.mesh).set_mesh_owner(place.owner());
        let call = call.virtual_service_name(place.name(0));
        call.send().await.during("appmesh:DeleteVirtualService")?;
        Ok(())
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let mut all = Vec::new();
        for mesh in meshes(aws).await? {
            let list = aws.app_mesh().list_virtual_services().mesh_name(mesh.mesh_name()).mesh_owner(mesh.mesh_owner());
            let list = list.into_paginator().items().send();
            let list: Vec<sdk::VirtualServiceRef> =
                list.collect::<std::result::Result<_, _>>().await.during("appmesh:ListVirtualServices")?;
            all.extend(list.into_iter().map(|service| {
                let id =
                    Place::new(service.mesh_name(), Some(service.mesh_owner()), [service.virtual_service_name()]).id();
                (id, service.arn)
            }));
        }
        having(aws, all, tags).await
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        find(self, aws, op).await
    }
}

impl Part for VirtualService {
    type Data = sdk::VirtualServiceData;

    fn id(&self) -> Option<Id> {
        Some(Place::new(&self.mesh_name, self.mesh_owner.as_deref(), [&self.virtual_service_name]).id())
    }

    async fn describe(aws: &Aws, place: &Place<'_>) -> Result<Option<Self::Data>> {
        let call = aws.app_mesh().describe_virtual_service().mesh_name(place.mesh).set_mesh_owner(place.owner());
        let call = call.virtual_service_name(place.name(0));
        Ok(call.send().await.during("appmesh:DescribeVirtualService")?.virtual_service)
    }

    fn told(data: Self::Data, metadata: &sdk::ResourceMetadata, tags: Tags) -> (Self, Outputs) {
        let properties = Self {
            mesh_name: data.mesh_name,
            mesh_owner: Some(metadata.mesh_owner().to_owned()),
            spec: Mirror::of(data.spec),
            tags,
            virtual_service_name: data.virtual_service_name,
        };
        (properties, Outputs::of(metadata))
    }
}
