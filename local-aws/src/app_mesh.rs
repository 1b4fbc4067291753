//! App Mesh as AWS has it: what the emulator in this process forgets, and what it does not refuse.

use bytes::Bytes;
use hyper::header::CONTENT_LENGTH;
use hyper::{Request, Response};
use serde_json::{Value, json};

use crate::call::{Call, Scope, form};
use crate::error::AwsError;
use crate::inventory::Item;
use crate::memory::Given;
use crate::shared::Shared;
use crate::strict;

const API: &str = "/v20190125";

/// Performs `call`, a call of App Mesh.
pub(crate) async fn perform(
    call: &Call,
    request: Request<Bytes>,
    shared: &Shared,
) -> Result<Response<Bytes>, AwsError> {
    let path = request.uri().path().to_owned();
    let _until_answered = if call.is_read() { None } else { Some(shared.changing.lock().await) };
    if let Some(answer) = given(call, &path, shared)? {
        return Ok(answer);
    }
    if !call.is_read() {
        strict::tags::check(call)?;
    }
    let owner = request
        .uri()
        .query()
        .and_then(|query| form(query.as_bytes()).into_iter().find(|(name, _)| name == "meshOwner"));
    if owner.is_some_and(|(_, owner)| owner != crate::ACCOUNT_ID) {
        return Err(missing("No other account has shared a mesh with this one".into()));
    }
    World { shared, region: &call.scope.region }.check(call, &path).await?;
    let answer = shared.in_process.call(&call.scope, request).await?;
    if !answer.status().is_success() {
        return Ok(answer);
    }
    let answer = with_discovery(call, &path, shared, answer);
    remember(call, &path, shared, &answer);
    Ok(answer)
}

/// Lists everything in the account and region.
pub(crate) async fn everything(shared: &Shared, region: &str) -> Result<Vec<Item>, AwsError> {
    let mut items = Vec::new();
    if !cfg!(feature = "winterbaume") {
        return Ok(items);
    }
    let world = World { shared, region };
    let mut add = |kind: &str, list: &[Value]| {
        let item = |value: &Value| Item { kind: format!("AWS::AppMesh::{kind}"), id: text(&value["arn"]).into() };
        items.extend(list.iter().map(item));
    };
    let meshes = world.list("meshes", "meshes").await?;
    add("Mesh", &meshes);
    for mesh in &meshes {
        let mesh = text(&mesh["meshName"]);
        add("VirtualNode", &world.list_in(mesh, "virtualNodes").await?);
        add("VirtualService", &world.list_in(mesh, "virtualServices").await?);
        let routers = world.list_in(mesh, "virtualRouters").await?;
        add("VirtualRouter", &routers);
        for router in &routers {
            add("Route", &world.routes(mesh, text(&router["virtualRouterName"])).await?);
        }
        let gateways = world.list_in(mesh, "virtualGateways").await?;
        add("VirtualGateway", &gateways);
        for gateway in &gateways {
            add("GatewayRoute", &world.gateway_routes(mesh, text(&gateway["virtualGatewayName"])).await?);
        }
    }
    Ok(items)
}

/// What there is in a region, asked of the emulator.
struct World<'a> {
    shared: &'a Shared,
    region: &'a str,
}

impl World<'_> {
    /// Refuses `call` where AWS would.
    async fn check(&self, call: &Call, path: &str) -> Result<(), AwsError> {
        let steps: Vec<&str> = path.trim_matches('/').split('/').skip(2).collect();
        let spec = &call.json["spec"];
        match (call.operation.as_str(), steps.as_slice()) {
            ("DeleteMesh", [mesh]) => {
                for kind in ["virtualNodes", "virtualRouters", "virtualServices", "virtualGateways"] {
                    if !self.list_in(mesh, kind).await?.is_empty() {
                        return Err(in_use(format!("Mesh {mesh} cannot be deleted because it has {kind}.")));
                    }
                }
                Ok(())
            }
            ("DeleteVirtualRouter", [mesh, _, router]) => {
                if !self.routes(mesh, router).await?.is_empty() {
                    let why = "cannot be deleted because it has routes.";
                    return Err(in_use(format!("VirtualRouter with name {router} {why}")));
                }
                self.is_no_provider(mesh, "VirtualRouter", router).await
            }
            ("DeleteVirtualGateway", [mesh, _, gateway]) => {
                if self.gateway_routes(mesh, gateway).await?.is_empty() {
                    return Ok(());
                }
                let why = "cannot be deleted because it has gateway routes.";
                Err(in_use(format!("VirtualGateway with name {gateway} {why}")))
            }
            ("DeleteVirtualNode", [mesh, _, node]) => {
                self.is_no_provider(mesh, "VirtualNode", node).await?;
                for router in self.list_in(mesh, "virtualRouters").await? {
                    let router = text(&router["virtualRouterName"]);
                    for route in self.routes(mesh, router).await? {
                        let name = text(&route["routeName"]);
                        let route = self.get(&format!("meshes/{mesh}/virtualRouter/{router}/routes/{name}")).await?;
                        if targets(&route["spec"]).contains(node) {
                            let why = "cannot be deleted because it is the target of one or more routes.";
                            return Err(in_use(format!("VirtualNode with name {node} {why}")));
                        }
                    }
                }
                Ok(())
            }
            ("DeleteVirtualService", [mesh, _, service]) => {
                for gateway in self.list_in(mesh, "virtualGateways").await? {
                    let gateway = text(&gateway["virtualGatewayName"]);
                    for route in self.gateway_routes(mesh, gateway).await? {
                        let name = text(&route["gatewayRouteName"]);
                        let path = format!("meshes/{mesh}/virtualGateway/{gateway}/gatewayRoutes/{name}");
                        if target_service(&self.get(&path).await?["spec"]) == Some(service) {
                            let why = format!("is being referenced in the following: GATEWAY_ROUTE: [{name}]");
                            return Err(in_use(format!("VirtualService {service} {why}")));
                        }
                    }
                }
                Ok(())
            }
            ("CreateRoute" | "UpdateRoute", [mesh, ..]) => self.all_there(mesh, "VirtualNode", &targets(spec)).await,
            ("CreateGatewayRoute" | "UpdateGatewayRoute", [mesh, ..]) => {
                let service: Vec<&str> = target_service(spec).into_iter().collect();
                self.all_there(mesh, "VirtualService", &service).await
            }
            ("CreateVirtualService" | "UpdateVirtualService", [mesh, ..]) => {
                for kind in ["VirtualNode", "VirtualRouter"] {
                    let provider: Vec<&str> = provider(spec, kind).into_iter().collect();
                    self.all_there(mesh, kind, &provider).await?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn all_there(&self, mesh: &str, kind: &str, names: &[&str]) -> Result<(), AwsError> {
        if names.is_empty() {
            return Ok(());
        }
        let there = self.list_in(mesh, &format!("{}s", lower(kind))).await?;
        let is_there = |name: &&str| there.iter().any(|item| item[format!("{}Name", lower(kind))] == **name);
        match names.iter().find(|name| !is_there(name)) {
            None => Ok(()),
            Some(name) => Err(missing(format!("{kind} with name {name} is missing"))),
        }
    }

    async fn is_no_provider(&self, mesh: &str, kind: &str, name: &str) -> Result<(), AwsError> {
        for service in self.list_in(mesh, "virtualServices").await? {
            let service = text(&service["virtualServiceName"]);
            let service = self.get(&format!("meshes/{mesh}/virtualServices/{service}")).await?;
            if provider(&service["spec"], kind) == Some(name) {
                let why = "cannot be deleted because it is a VirtualService provider";
                return Err(in_use(format!("{kind} with name {name} {why}")));
            }
        }
        Ok(())
    }

    async fn routes(&self, mesh: &str, router: &str) -> Result<Vec<Value>, AwsError> {
        self.list(&format!("meshes/{mesh}/virtualRouter/{router}/routes"), "routes").await
    }

    async fn gateway_routes(&self, mesh: &str, gateway: &str) -> Result<Vec<Value>, AwsError> {
        self.list(&format!("meshes/{mesh}/virtualGateway/{gateway}/gatewayRoutes"), "gatewayRoutes").await
    }

    async fn list_in(&self, mesh: &str, kind: &str) -> Result<Vec<Value>, AwsError> {
        self.list(&format!("meshes/{mesh}/{kind}"), kind).await
    }

    async fn list(&self, path: &str, key: &str) -> Result<Vec<Value>, AwsError> {
        Ok(match self.get(path).await?[key].take() {
            Value::Array(list) => list,
            _ => Vec::new(),
        })
    }

    /// Asks the emulator; null where there is no such thing.
    async fn get(&self, path: &str) -> Result<Value, AwsError> {
        let confused =
            |why: String| AwsError { status: 500, code: "InternalServerErrorException".into(), message: why };
        let request = Request::get(format!("{API}/{path}")).body(Bytes::new());
        let request = request.map_err(|error| confused(error.to_string()))?;
        let scope = Scope { region: self.region.into(), service: "appmesh".into() };
        let answer = self.shared.in_process.call(&scope, request).await?;
        if !answer.status().is_success() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(answer.body()).map_err(|error| confused(error.to_string()))
    }
}

/// The names of the nodes that a route's requests go to.
fn targets(spec: &Value) -> Vec<&str> {
    let kinds = ["grpcRoute", "http2Route", "httpRoute", "tcpRoute"].into_iter();
    let targets = kinds.flat_map(|kind| spec[kind]["action"]["weightedTargets"].as_array().into_iter().flatten());
    targets.filter_map(|target| target["virtualNode"].as_str()).collect()
}

/// The name of the virtual service that a gateway route's requests go to.
fn target_service(spec: &Value) -> Option<&str> {
    let kinds = ["grpcRoute", "http2Route", "httpRoute"].into_iter();
    kinds.filter_map(|kind| spec[kind]["action"]["target"]["virtualService"]["virtualServiceName"].as_str()).next()
}

/// The name of the `kind` that provides a virtual service.
fn provider<'a>(spec: &'a Value, kind: &str) -> Option<&'a str> {
    spec["provider"][lower(kind)][format!("{}Name", lower(kind))].as_str()
}

fn lower(kind: &str) -> String {
    kind.replacen("Virtual", "virtual", 1)
}

fn missing(message: String) -> AwsError {
    AwsError { status: 404, ..AwsError::refused("NotFoundException", message) }
}

fn in_use(message: String) -> AwsError {
    AwsError { status: 409, ..AwsError::refused("ResourceInUseException", message) }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn key(call: &Call, path: &str) -> Option<String> {
    let token = call.json["clientToken"].as_str()?;
    Some(format!("appmesh/{}/{}/{path}/{token}", call.scope.region, call.operation))
}

/// Returns the answer that `call` got when it came before, by its client token.
fn given(call: &Call, path: &str, shared: &Shared) -> Result<Option<Response<Bytes>>, AwsError> {
    let given = key(call, path).and_then(|key| shared.memory().given.get(&key).cloned());
    match given {
        Some(given) if given.parameters != parameters(call) => {
            let message = "The client token was used with other specifications before.";
            Err(AwsError { status: 409, ..AwsError::refused("ConflictException", message) })
        }
        given => Ok(given.map(|given| given.answer)),
    }
}

fn remember(call: &Call, path: &str, shared: &Shared, answer: &Response<Bytes>) {
    if let Some(key) = key(call, path) {
        let given = Given { parameters: parameters(call), answer: answer.clone() };
        shared.memory().given.insert(key, given);
    }
}

fn parameters(call: &Call) -> Vec<(String, String)> {
    vec![("body".into(), call.json.to_string())]
}

/// Keeps how a mesh's nodes are found, which the emulator forgets, and puts it into what it tells of a mesh.
fn with_discovery(call: &Call, path: &str, shared: &Shared, mut answer: Response<Bytes>) -> Response<Bytes> {
    if !call.operation.ends_with("Mesh") {
        return answer;
    }
    let name = path.strip_prefix(API).and_then(|path| path.strip_prefix("/meshes/"));
    let name = name.unwrap_or_else(|| text(&call.json["meshName"]));
    let key = format!("{}/{name}", call.scope.region);
    let memory = &mut shared.memory().mesh_discovery;
    let told = match call.operation.as_str() {
        "DescribeMesh" => memory.get(&key).cloned(),
        "DeleteMesh" => memory.remove(&key),
        _ => {
            let discovery = call.json["spec"]["serviceDiscovery"].clone();
            memory.insert(key, discovery.clone());
            Some(discovery)
        }
    };
    if let (Some(told @ Value::Object(_)), Ok(mut mesh)) = (told, serde_json::from_slice::<Value>(answer.body())) {
        if let Some(spec) = mesh.get_mut("spec") {
            spec["serviceDiscovery"] = json!(told);
        }
        answer.headers_mut().remove(CONTENT_LENGTH);
        *answer.body_mut() = mesh.to_string().into();
    }
    answer
}
