//! What App Mesh refuses, and what the emulator would forget.
#![cfg(feature = "winterbaume")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use local_aws::LocalAws;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Answer, Aws, options};

/// A call of App Mesh.
async fn call(aws: &Aws, method: Method, path: &str, input: Value) -> Answer {
    let request = aws.http.request(method, format!("{}/v20190125/{path}", aws.endpoint));
    let signature =
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/appmesh/aws4_request, SignedHeaders=host, Signature=0";
    let request = request.header("authorization", signature).header("content-type", "application/json");
    let response = request.body(if input.is_null() { String::new() } else { input.to_string() }).send().await.unwrap();
    let status = response.status().as_u16();
    let code = response.headers().get("x-amzn-errortype").map(|code| code.to_str().unwrap().to_owned());
    let text = response.text().await.unwrap();
    // The emulator tells the code in the header alone.
    match code {
        Some(code) => Answer { status, text: json!({"__type": code, "message": text}).to_string() },
        None => Answer { status, text },
    }
}

async fn put(aws: &Aws, path: &str, input: Value) -> Answer {
    call(aws, Method::PUT, path, input).await
}

async fn get(aws: &Aws, path: &str) -> Answer {
    call(aws, Method::GET, path, Value::Null).await
}

async fn delete(aws: &Aws, path: &str) -> Answer {
    call(aws, Method::DELETE, path, Value::Null).await
}

#[tokio::test]
async fn what_is_needed_is_there_and_stays_as_long_as_it_is_used() {
    let local = LocalAws::start(options()).await.unwrap();
    let aws = Aws::new(&local.endpoint());
    let listeners = json!({"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}]});
    put(&aws, "meshes", json!({"meshName": "m"})).await.ok();
    put(&aws, "meshes/m/virtualRouters", json!({"virtualRouterName": "r", "spec": listeners})).await.ok();
    put(&aws, "meshes/m/virtualGateways", json!({"virtualGatewayName": "g", "spec": listeners})).await.ok();

    let targets = json!([{"virtualNode": "n", "weight": 1}]);
    let spec = json!({"httpRoute": {"action": {"weightedTargets": targets}, "match": {"prefix": "/"}}});
    let route = json!({"routeName": "x", "spec": spec});
    put(&aws, "meshes/m/virtualRouter/r/routes", route.clone()).await.refused("NotFoundException");
    put(&aws, "meshes/m/virtualNodes", json!({"virtualNodeName": "n", "spec": {}})).await.ok();
    put(&aws, "meshes/m/virtualRouter/r/routes", route).await.ok();

    let provider = |router: &str| json!({"provider": {"virtualRouter": {"virtualRouterName": router}}});
    let service = |router| json!({"virtualServiceName": "s.internal", "spec": provider(router)});
    put(&aws, "meshes/m/virtualServices", service("other")).await.refused("NotFoundException");
    let target = json!({"virtualService": {"virtualServiceName": "s.internal"}});
    let spec = json!({"httpRoute": {"action": {"target": target}, "match": {"prefix": "/"}}});
    let gateway_route = json!({"gatewayRouteName": "y", "spec": spec});
    put(&aws, "meshes/m/virtualGateway/g/gatewayRoutes", gateway_route.clone()).await.refused("NotFoundException");
    put(&aws, "meshes/m/virtualServices", service("r")).await.ok();
    put(&aws, "meshes/m/virtualGateway/g/gatewayRoutes", gateway_route).await.ok();

    let kinds: Vec<String> = local.control().inventory().await.unwrap().into_iter().map(|item| item.kind).collect();
    let all = ["GatewayRoute", "Mesh", "Route", "VirtualGateway", "VirtualNode", "VirtualRouter", "VirtualService"];
    assert_eq!(kinds, all.map(|kind| format!("AWS::AppMesh::{kind}")));

    let users_first = [
        "virtualGateway/g/gatewayRoutes/y",
        "virtualGateways/g",
        "virtualServices/s.internal",
        "virtualRouter/r/routes/x",
        "virtualRouters/r",
        "virtualNodes/n",
    ];
    for used in ["", "/virtualGateways/g", "/virtualServices/s.internal", "/virtualRouters/r", "/virtualNodes/n"] {
        delete(&aws, &format!("meshes/m{used}")).await.refused("ResourceInUseException");
    }
    for path in users_first {
        delete(&aws, "meshes/m").await.refused("ResourceInUseException");
        delete(&aws, &format!("meshes/m/{path}")).await.ok();
    }
    delete(&aws, "meshes/m").await.ok();
    assert_eq!(local.control().inventory().await.unwrap(), []);
    local.stop().await;
}

#[tokio::test]
async fn a_repeated_client_token_makes_nothing_new() {
    let local = LocalAws::start(options()).await.unwrap();
    let aws = Aws::new(&local.endpoint());
    let made = put(&aws, "meshes", json!({"meshName": "m", "clientToken": "t"})).await.json();
    let again = put(&aws, "meshes", json!({"meshName": "m", "clientToken": "t"})).await.json();
    assert_eq!(made, again);
    let other = json!({"meshName": "m", "clientToken": "t", "spec": {"egressFilter": {"type": "ALLOW_ALL"}}});
    put(&aws, "meshes", other).await.refused("ConflictException");
    put(&aws, "meshes", json!({"meshName": "m", "clientToken": "u"})).await.refused("ConflictException");
    local.stop().await;
}

#[tokio::test]
async fn a_mesh_tells_how_its_nodes_are_found_and_whose_it_is() {
    let local = LocalAws::start(options()).await.unwrap();
    let aws = Aws::new(&local.endpoint());
    let preference = |told: &Value| told["spec"]["serviceDiscovery"]["ipPreference"].clone();
    let spec = |preference: &str| json!({"serviceDiscovery": {"ipPreference": preference}});
    put(&aws, "meshes", json!({"meshName": "m", "spec": spec("IPv6_ONLY")})).await.ok();
    assert_eq!(preference(&get(&aws, "meshes/m").await.json()), "IPv6_ONLY");
    put(&aws, "meshes/m", json!({"spec": spec("IPv4_ONLY")})).await.ok();
    assert_eq!(preference(&get(&aws, "meshes/m").await.json()), "IPv4_ONLY");
    put(&aws, "meshes/m", json!({"spec": {}})).await.ok();
    assert_eq!(preference(&get(&aws, "meshes/m").await.json()), Value::Null);
    get(&aws, "meshes/m?meshOwner=123456789012").await.ok();
    get(&aws, "meshes/m?meshOwner=210987654321").await.refused("NotFoundException");
    local.stop().await;
}
