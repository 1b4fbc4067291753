//! Names of operations: those of REST services by method and path, and which ones only read.

use hyper::{Method, Uri};

/// What the names of operations that change nothing begin with.
const READING: [&str; 13] = [
    "BatchCheck",
    "BatchGet",
    "Describe",
    "Discover",
    "Estimate",
    "Filter",
    "GET ",
    "Get",
    "HEAD ",
    "Head",
    "List",
    "Lookup",
    "Simulate",
];

/// Says whether an operation of this name can change nothing.
pub(crate) fn is_read(operation: &str) -> bool {
    READING.iter().any(|beginning| operation.starts_with(beginning))
}

/// Names a REST operation; where it is not known, by its method and path.
pub(crate) fn of_rest(service: &str, method: &Method, uri: &Uri) -> String {
    let named = match service {
        "s3" => of_s3(method, uri),
        "appmesh" => of_app_mesh(method, uri.path()),
        "ses" => of_ses(method, uri.path()),
        _ => None,
    };
    named.unwrap_or_else(|| format!("{method} {}", uri.path()))
}

fn of_s3(method: &Method, uri: &Uri) -> Option<String> {
    let query = uri.query().unwrap_or("");
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let path = uri.path().trim_start_matches('/');
    let object = path.split_once('/').is_some_and(|(_, key)| !key.is_empty());
    let name = match (method.as_str(), object) {
        ("GET", false) if path.is_empty() => "ListBuckets",
        ("GET", false) if has("versioning") => "GetBucketVersioning",
        ("GET", false) if has("tagging") => "GetBucketTagging",
        ("GET", false) if has("policy") => "GetBucketPolicy",
        ("GET", false) if has("location") => "GetBucketLocation",
        ("GET", false) if has("encryption") => "GetBucketEncryption",
        ("GET", false) if has("list-type") => "ListObjectsV2",
        ("GET", false) if has("versions") => "ListObjectVersions",
        ("GET", false) if query.is_empty() || has("prefix") => "ListObjects",
        ("HEAD", false) => "HeadBucket",
        ("PUT", false) if has("versioning") => "PutBucketVersioning",
        ("PUT", false) if has("tagging") => "PutBucketTagging",
        ("PUT", false) if has("policy") => "PutBucketPolicy",
        ("PUT", false) if has("encryption") => "PutBucketEncryption",
        ("PUT", false) if query.is_empty() => "CreateBucket",
        ("DELETE", false) if query.is_empty() => "DeleteBucket",
        ("POST", false) if has("delete") => "DeleteObjects",
        ("GET", true) if has("tagging") => "GetObjectTagging",
        ("GET", true) => "GetObject",
        ("HEAD", true) => "HeadObject",
        ("PUT", true) if has("tagging") => "PutObjectTagging",
        ("PUT", true) if has("partNumber") => "UploadPart",
        ("PUT", true) => "PutObject",
        ("DELETE", true) if has("uploadId") => "AbortMultipartUpload",
        ("DELETE", true) => "DeleteObject",
        ("POST", true) if has("uploads") => "CreateMultipartUpload",
        ("POST", true) if has("uploadId") => "CompleteMultipartUpload",
        _ => return None,
    };
    Some(name.into())
}

/// App Mesh: `/v20190125/meshes/{mesh}/virtualNodes/{node}` and the like. Routes hang below a virtual router, and gateway
/// routes below a virtual gateway, in the singular.
fn of_app_mesh(method: &Method, path: &str) -> Option<String> {
    let steps: Vec<&str> = path.trim_matches('/').split('/').skip(1).collect();
    let (collection, whole) = match steps.as_slice() {
        ["tag"] => return Some("TagResource".into()),
        ["untag"] => return Some("UntagResource".into()),
        ["tags"] => return Some("ListTagsForResource".into()),
        ["meshes"] => ("meshes", true),
        ["meshes", _] => ("meshes", false),
        ["meshes", _, collection] | ["meshes", _, "virtualRouter" | "virtualGateway", _, collection] => {
            (*collection, true)
        }
        ["meshes", _, collection, _] | ["meshes", _, "virtualRouter" | "virtualGateway", _, collection, _] => {
            (*collection, false)
        }
        _ => return None,
    };
    let (one, many) = match collection {
        "meshes" => ("Mesh", "Meshes"),
        "virtualNodes" => ("VirtualNode", "VirtualNodes"),
        "virtualServices" => ("VirtualService", "VirtualServices"),
        "virtualRouters" => ("VirtualRouter", "VirtualRouters"),
        "virtualGateways" => ("VirtualGateway", "VirtualGateways"),
        "routes" => ("Route", "Routes"),
        "gatewayRoutes" => ("GatewayRoute", "GatewayRoutes"),
        _ => return None,
    };
    match (method.as_str(), whole) {
        ("GET", true) => Some(format!("List{many}")),
        ("PUT", true) => Some(format!("Create{one}")),
        ("GET", false) => Some(format!("Describe{one}")),
        ("PUT", false) => Some(format!("Update{one}")),
        ("DELETE", false) => Some(format!("Delete{one}")),
        _ => None,
    }
}

/// SES, version 2: `/v2/email/identities/{identity}/dkim` and the like; older clients send one operation below `/v1`.
fn of_ses(method: &Method, path: &str) -> Option<String> {
    let path = path.strip_prefix("/v2/email/").or_else(|| path.strip_prefix("/v1/email/"))?;
    let steps: Vec<&str> = path.split('/').collect();
    let name = match (method.as_str(), steps.as_slice()) {
        ("POST", ["identities"]) => "CreateEmailIdentity",
        ("GET", ["identities"]) | ("POST", ["list-identities"]) => "ListEmailIdentities",
        ("GET", ["identities", _]) => "GetEmailIdentity",
        ("DELETE", ["identities", _]) => "DeleteEmailIdentity",
        ("PUT", ["identities", _, "configuration-set"]) => "PutEmailIdentityConfigurationSetAttributes",
        ("PUT", ["identities", _, "dkim"]) => "PutEmailIdentityDkimAttributes",
        ("PUT", ["identities", _, "dkim", "signing"]) => "PutEmailIdentityDkimSigningAttributes",
        ("PUT", ["identities", _, "feedback"]) => "PutEmailIdentityFeedbackAttributes",
        ("PUT", ["identities", _, "mail-from"]) => "PutEmailIdentityMailFromAttributes",
        ("GET", ["identities", _, "policies"]) => "GetEmailIdentityPolicies",
        ("POST", ["identities", _, "policies", _]) => "CreateEmailIdentityPolicy",
        ("PUT", ["identities", _, "policies", _]) => "UpdateEmailIdentityPolicy",
        ("DELETE", ["identities", _, "policies", _]) => "DeleteEmailIdentityPolicy",
        ("POST", ["configuration-sets"]) => "CreateConfigurationSet",
        ("GET", ["configuration-sets"]) | ("POST", ["list-configuration-sets"]) => "ListConfigurationSets",
        ("POST", ["update-configuration-sets"]) => "UpdateConfigurationSet",
        ("GET", ["configuration-sets", _]) => "GetConfigurationSet",
        ("DELETE", ["configuration-sets", _]) => "DeleteConfigurationSet",
        ("PUT", ["configuration-sets", _, "archiving-options"]) => "PutConfigurationSetArchivingOptions",
        ("PUT", ["configuration-sets", _, "delivery-options"]) => "PutConfigurationSetDeliveryOptions",
        ("PUT", ["configuration-sets", _, "reputation-options"]) => "PutConfigurationSetReputationOptions",
        ("PUT", ["configuration-sets", _, "sending"]) => "PutConfigurationSetSendingOptions",
        ("PUT", ["configuration-sets", _, "suppression-options"]) => "PutConfigurationSetSuppressionOptions",
        ("PUT", ["configuration-sets", _, "tracking-options"]) => "PutConfigurationSetTrackingOptions",
        ("PUT", ["configuration-sets", _, "vdm-options"]) => "PutConfigurationSetVdmOptions",
        ("GET", ["configuration-sets", _, "event-destinations"]) => "GetConfigurationSetEventDestinations",
        ("POST", ["configuration-sets", _, "event-destinations"]) => "CreateConfigurationSetEventDestination",
        ("PUT", ["configuration-sets", _, "event-destinations", _]) => "UpdateConfigurationSetEventDestination",
        ("DELETE", ["configuration-sets", _, "event-destinations", _]) => "DeleteConfigurationSetEventDestination",
        ("POST", ["templates"]) => "CreateEmailTemplate",
        ("GET", ["templates"]) => "ListEmailTemplates",
        ("GET", ["templates", _]) => "GetEmailTemplate",
        ("PUT", ["templates", _]) => "UpdateEmailTemplate",
        ("DELETE", ["templates", _]) => "DeleteEmailTemplate",
        ("POST", ["templates", _, "render"]) => "TestRenderEmailTemplate",
        ("GET", ["tags"]) => "ListTagsForResource",
        ("POST", ["tags"]) => "TagResource",
        ("DELETE", ["tags"]) => "UntagResource",
        ("GET", ["account"]) => "GetAccount",
        ("POST", ["outbound-emails"]) => "SendEmail",
        ("POST", ["outbound-bulk-emails"]) => "SendBulkEmail",
        _ => return None,
    };
    Some(name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rest_operations_are_named() {
        let table = [
            ("s3", "PUT", "/state", "CreateBucket"),
            ("s3", "PUT", "/state/log/1", "PutObject"),
            ("s3", "GET", "/state?list-type=2&prefix=a%2F", "ListObjectsV2"),
            ("appmesh", "PUT", "/v20190125/meshes", "CreateMesh"),
            ("appmesh", "GET", "/v20190125/meshes/m", "DescribeMesh"),
            ("appmesh", "GET", "/v20190125/meshes/m/virtualNodes", "ListVirtualNodes"),
            ("appmesh", "DELETE", "/v20190125/meshes/m/virtualRouter/r/routes/x", "DeleteRoute"),
            ("ses", "GET", "/v2/email/identities", "ListEmailIdentities"),
            ("ses", "POST", "/v2/email/list-identities", "ListEmailIdentities"),
            ("ses", "GET", "/v2/email/identities/ops%40example.com", "GetEmailIdentity"),
            ("ses", "PUT", "/v1/email/identities/example.com/dkim/signing", "PutEmailIdentityDkimSigningAttributes"),
            ("ses", "PUT", "/v2/email/configuration-sets/c/sending", "PutConfigurationSetSendingOptions"),
            ("ses", "DELETE", "/v2/email/tags?ResourceArn=a&TagKeys=b", "UntagResource"),
            ("ses", "GET", "/v2/email/insights/m", "GET /v2/email/insights/m"),
            ("appmesh", "PUT", "/v20190125/meshes/routes", "UpdateMesh"),
            ("appmesh", "PUT", "/v20190125/meshes/m/virtualRouters/routes", "UpdateVirtualRouter"),
            ("appmesh", "GET", "/v20190125/meshes/m/virtualGateway/g/gatewayRoutes", "ListGatewayRoutes"),
            ("appmesh", "GET", "/v20190125/meshes/m/virtualServices/api.internal", "DescribeVirtualService"),
            ("appmesh", "PUT", "/v20190125/tag?resourceArn=a", "TagResource"),
            ("appmesh", "PUT", "/v20190125/untag?resourceArn=a", "UntagResource"),
            ("appmesh", "GET", "/v20190125/tags?resourceArn=a", "ListTagsForResource"),
        ];
        for (service, method, uri, wanted) in table {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(of_rest(service, &method, &uri.parse().unwrap()), wanted);
        }
    }

    #[test]
    fn reading_is_told_from_changing() {
        let reads =
            ["DescribeVpcs", "GetRole", "ListQueues", "HeadObject", "BatchGetImage", "GET /v2/email/identities"];
        let changes = ["CreateVpc", "PutObject", "BatchDeleteImage", "SetSubnets", "POST /v2/email/identities", ""];
        assert!(reads.iter().all(|name| is_read(name)));
        assert!(!changes.iter().any(|name| is_read(name)));
    }
}
