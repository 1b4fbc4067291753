//! `AWS::AppMesh::Mesh`.

use aws_sdk_appmesh::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MAX_NAME, Part, Place, WARNING, find, having, made, meshes, read, retag, tag_list};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built};
use crate::aws::mirror::{Mirror, Word, mirror};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{TagSet, Tags};
use crate::catalog::{GeneratedName, Permissions, Tagging};
use crate::cloud::Op;

mirror! {
    /// What a mesh is.
    pub struct MeshSpec = sdk::MeshSpec {
        /// Which traffic may leave the mesh.
        egress_filter(set_egress_filter): Option<EgressFilter>,
        /// How virtual nodes are found.
        service_discovery(set_service_discovery): Option<MeshServiceDiscovery>,
    }

    /// Which traffic may leave a mesh.
    pub struct EgressFilter = sdk::EgressFilter, fallible {
        /// All, or only that to AWS and to what is in the mesh. AWS's default is `DROP_ALL`.
        #[schemars(extend("enum" = ["ALLOW_ALL", "DROP_ALL"]))]
        r#type(set_type): Word<sdk::EgressFilterType>,
    }

    /// How virtual nodes are found.
    pub struct MeshServiceDiscovery = sdk::MeshServiceDiscovery {
        /// Which kind of address is used.
        #[schemars(extend("enum" = ["IPv6_PREFERRED", "IPv4_PREFERRED", "IPv4_ONLY", "IPv6_ONLY"]))]
        ip_preference(set_ip_preference): Option<Word<sdk::IpPreference>>,
    }
}

/// A service mesh of AWS App Mesh.
///
/// Its id is its name; that of a mesh of another account is `name@account`. Each is read alone.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Mesh {
    /// The mesh's name; made from the stack's and the resource's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub mesh_name: Option<String>,
    /// What the mesh is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<MeshSpec>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// What AWS tells of a mesh.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub arn: String,
    /// Its ARN, as CloudFormation's `Ref` gives it.
    pub id: String,
    /// The account that owns it.
    pub mesh_owner: String,
    /// The account that owns it.
    pub resource_owner: String,
    /// Its id, which no other ever has.
    pub uid: String,
}

impl Resource for Mesh {
    const TYPE: &'static str = "AWS::AppMesh::Mesh";
    const CREATE_ONLY: &'static [&'static str] = &["MeshName"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["MeshName"]];
    const GENERATED_NAME: Option<GeneratedName> =
        Some(GeneratedName { property: "MeshName", max_length: MAX_NAME, lower_case: false });
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const WARNING: Option<&'static str> = Some(WARNING);
    const PERMISSIONS: Permissions = Permissions {
        create: &["appmesh:CreateMesh", "appmesh:TagResource", "iam:CreateServiceLinkedRole"],
        read: &["appmesh:DescribeMesh", "appmesh:ListTagsForResource", "appmesh:ListMeshes"],
        update: &["appmesh:UpdateMesh", "appmesh:TagResource", "appmesh:UntagResource"],
        delete: &["appmesh:DeleteMesh"],
    };
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "appmesh:CreateMesh";
        let call = aws
            .app_mesh()
            .create_mesh()
            .client_token(op.id.to_string())
            .set_mesh_name(self.mesh_name.clone())
            .set_spec(built(self.spec.sdk(), OPERATION)?)
            .set_tags(tag_list(&self.tags)?);
        call.send().await.during(OPERATION)?;
        made(self)
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        read(aws, ids).await
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        const OPERATION: &str = "appmesh:UpdateMesh";
        if self.spec != old.spec {
            let call = aws.app_mesh().update_mesh().mesh_name(Place::of(id).mesh);
            call.set_spec(built(self.spec.sdk(), OPERATION)?).send().await.during(OPERATION)?;
        }
        retag::<Self>(aws, id, &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let call = aws.app_mesh().delete_mesh().mesh_name(Place::of(id).mesh);
        call.send().await.during("appmesh:DeleteMesh")?;
        Ok(())
    }

    async fn tagged(aws: &Aws, tags: &TagSet) -> Result<Vec<Id>> {
        let all = meshes(aws).await?.into_iter().map(|mesh| {
            let id = Place::new(mesh.mesh_name(), Some(mesh.mesh_owner()), []).id();
            (id, mesh.arn)
        });
        having(aws, all.collect(), tags).await
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        find(self, aws, op).await
    }
}

impl Part for Mesh {
    type Data = sdk::MeshData;

    fn id(&self) -> Option<Id> {
        Some(Place::new(self.mesh_name.as_deref()?, None, []).id())
    }

    async fn describe(aws: &Aws, place: &Place<'_>) -> Result<Option<Self::Data>> {
        let call = aws.app_mesh().describe_mesh().mesh_name(place.mesh).set_mesh_owner(place.owner());
        Ok(call.send().await.during("appmesh:DescribeMesh")?.mesh)
    }

    fn told(data: Self::Data, metadata: &sdk::ResourceMetadata, tags: Tags) -> (Self, Outputs) {
        let outputs = Outputs {
            arn: metadata.arn().to_owned(),
            id: metadata.arn().to_owned(),
            mesh_owner: metadata.mesh_owner().to_owned(),
            resource_owner: metadata.resource_owner().to_owned(),
            uid: metadata.uid().to_owned(),
        };
        (Self { mesh_name: Some(data.mesh_name), spec: Mirror::of(data.spec), tags }, outputs)
    }
}
