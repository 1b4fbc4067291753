//! What there is, asked of the emulator when a rule needs to know it.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::http::request::Builder;
use hyper::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::call::{Call, Scope, encode};
use crate::clock::Wait;
use crate::ecs;
use crate::error::AwsError;
use crate::memory::NetworkUser;
use crate::shared::Shared;
use crate::xml::Element;

const ELB_VERSION: &str = "2015-12-01";

/// Answers about one account and region, each asked for at most once while one call is judged.
pub(crate) struct Facts<'a> {
    pub(crate) shared: &'a Shared,
    key: String,
    region: String,
    lists: Mutex<HashMap<&'static str, Arc<Vec<Element>>>>,
}

impl<'a> Facts<'a> {
    /// Makes the facts for `call`'s account and region.
    pub(crate) fn new(shared: &'a Shared, call: &Call) -> Self {
        let header = call.authorization.as_ref().and_then(|value| value.to_str().ok()).unwrap_or("");
        let key = header.split_once("Credential=").and_then(|(_, rest)| rest.split('/').next()).unwrap_or("test");
        Self::of(shared, key, &call.scope.region)
    }

    /// Makes the facts for the account of the access key `key`, and a region.
    pub(crate) fn of(shared: &'a Shared, key: &str, region: &str) -> Self {
        Self { shared, key: key.into(), region: region.into(), lists: Mutex::default() }
    }

    /// Returns the account's number: the emulator takes an access key of 12 digits for it.
    pub(crate) fn account(&self) -> &str {
        let is_number = self.key.len() == 12 && self.key.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { &self.key } else { crate::ACCOUNT_ID }
    }

    /// Returns the access key in whose name is asked.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Returns the region that is asked about.
    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// Returns all items of EC2's `DescribeX`, as the emulator has them.
    pub(crate) async fn ec2(&self, operation: &'static str) -> Result<Arc<Vec<Element>>, AwsError> {
        self.list("ec2", operation, "2016-11-15").await
    }

    /// Returns all items of Elastic Load Balancing's `DescribeX`, as the emulator has them.
    pub(crate) async fn elb(&self, operation: &'static str) -> Result<Arc<Vec<Element>>, AwsError> {
        self.list("elasticloadbalancing", operation, ELB_VERSION).await
    }

    /// Returns the item of EC2's `DescribeX` whose `path` is `id`.
    pub(crate) async fn find(
        &self,
        operation: &'static str,
        path: &str,
        id: &str,
    ) -> Result<Option<Element>, AwsError> {
        Ok(self.ec2(operation).await?.iter().find(|item| item.text_at(path) == id).cloned())
    }

    async fn list(&self, service: &str, operation: &'static str, version: &str) -> Result<Arc<Vec<Element>>, AwsError> {
        let mut lists = self.lists.lock().await;
        if let Some(list) = lists.get(operation) {
            return Ok(Arc::clone(list));
        }
        let items = Arc::new(first_list(&self.query(service, operation, version, &[]).await?));
        lists.insert(operation, Arc::clone(&items));
        Ok(items)
    }

    /// Returns the items that one of IAM's `ListX` answers with.
    pub(crate) async fn iam(&self, operation: &str, parameters: &[(&str, &str)]) -> Result<Vec<Element>, AwsError> {
        Ok(first_list(&self.query("iam", operation, "2010-05-08", parameters).await?))
    }

    /// Calls IAM and returns its answer; none if it refuses.
    pub(crate) async fn iam_call(
        &self,
        operation: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Option<Element>, AwsError> {
        self.asked("iam", operation, "2010-05-08", parameters).await
    }

    /// Says whether a network has the attribute `name`.
    pub(crate) async fn vpc_attribute(&self, vpc: &str, name: &str) -> Result<bool, AwsError> {
        let parameters = [("VpcId", vpc), ("Attribute", name)];
        let answer = self.query("ec2", "DescribeVpcAttribute", "2016-11-15", &parameters).await?;
        Ok(answer.text_at(&format!("{name}/value")) == "true")
    }

    /// Calls Elastic Load Balancing and returns its answer.
    pub(crate) async fn elb_call(&self, operation: &str, parameters: &[(&str, &str)]) -> Result<Element, AwsError> {
        self.query("elasticloadbalancing", operation, ELB_VERSION, parameters).await
    }

    async fn query(
        &self,
        service: &str,
        operation: &str,
        version: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Element, AwsError> {
        let answer = self.asked(service, operation, version, parameters).await?;
        answer.ok_or_else(|| confused(operation, &"it refuses the call"))
    }

    /// Calls a service that takes forms; none if it refuses.
    async fn asked(
        &self,
        service: &str,
        operation: &str,
        version: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Option<Element>, AwsError> {
        let own = [("Action", operation), ("Version", version)];
        let body = encode(own.into_iter().chain(parameters.iter().copied()));
        let answer = self.ask(service, None, "application/x-www-form-urlencoded", body).await?;
        answer.map(|answer| Element::parse(&answer)).transpose().map_err(|error| confused(operation, &error))
    }

    /// Says whether ACM has the certificate.
    pub(crate) async fn has_certificate(&self, arn: &str) -> Result<bool, AwsError> {
        let input = json!({"CertificateArn": arn});
        Ok(self.json("acm", "CertificateManager.DescribeCertificate", &input).await?.is_some())
    }

    /// Calls ECS and returns the list `key` of its answer.
    pub(crate) async fn ecs_list(&self, operation: &str, input: &Value, key: &str) -> Result<Vec<Value>, AwsError> {
        let mut answer = self.ecs(operation, input).await?;
        match answer.as_mut().and_then(|answer| answer.get_mut(key)).map(Value::take) {
            Some(Value::Array(list)) => Ok(list),
            _ => Ok(Vec::new()),
        }
    }

    /// Calls ECS; none if it refuses.
    pub(crate) async fn ecs(&self, operation: &str, input: &Value) -> Result<Option<Value>, AwsError> {
        if ecs::serves(operation, input) {
            // It asks in its turn, so that its size is not known.
            return match Box::pin(ecs::perform(operation, input, self)).await {
                Ok(told) => Ok(Some(told)),
                Err(error) if error.status < 500 => Ok(None),
                Err(error) => Err(error),
            };
        }
        self.json("ecs", &format!("AmazonEC2ContainerServiceV20141113.{operation}"), input).await
    }

    /// Calls Application Auto Scaling; none if it refuses.
    pub(crate) async fn scaling(&self, operation: &str, input: &Value) -> Result<Option<Value>, AwsError> {
        self.json("application-autoscaling", &format!("AnyScaleFrontendService.{operation}"), input).await
    }

    /// Calls a service that speaks JSON; none if it refuses.
    pub(crate) async fn json(&self, service: &str, target: &str, input: &Value) -> Result<Option<Value>, AwsError> {
        let answer = self.ask(service, Some(target), "application/x-amz-json-1.1", input.to_string()).await?;
        answer.map(|answer| serde_json::from_slice(&answer)).transpose().map_err(|error| confused(target, &error))
    }

    /// Asks the emulator; none if it refuses.
    async fn ask(
        &self,
        service: &str,
        target: Option<&str>,
        kind: &str,
        body: String,
    ) -> Result<Option<Bytes>, AwsError> {
        let mut request = self.signed(Request::post("/"), service).header(CONTENT_TYPE, kind);
        if let Some(target) = target {
            request = request.header("x-amz-target", target);
        }
        self.send(service, request, Bytes::from(body)).await
    }

    /// Gets what a service that speaks REST and JSON has at `path`; none if it refuses.
    pub(crate) async fn get(&self, service: &str, path: &str) -> Result<Option<Value>, AwsError> {
        let request = self.signed(Request::get(path), service);
        let answer = self.send(service, request, Bytes::new()).await?;
        answer.map(|answer| serde_json::from_slice(&answer)).transpose().map_err(|error| confused(path, &error))
    }

    /// Calls SNS and returns its answer; none if it refuses.
    pub(crate) async fn sns(&self, operation: &str, parameters: &[(&str, &str)]) -> Result<Option<Element>, AwsError> {
        self.asked("sns", operation, "2010-03-31", parameters).await
    }

    fn signed(&self, request: Builder, service: &str) -> Builder {
        let credential = format!("{}/20260101/{}/{service}/aws4_request", self.key, self.region);
        let signature = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
        request.header(HOST, "localhost").header(AUTHORIZATION, signature)
    }

    async fn send(&self, service: &str, request: Builder, body: Bytes) -> Result<Option<Bytes>, AwsError> {
        let request = request.body(body).map_err(|error| confused(service, &error))?;
        let answer = if self.shared.in_process.serves(service) {
            let scope = Scope { region: self.region.clone(), service: service.into() };
            self.shared.in_process.call(&scope, request).await?
        } else {
            self.shared.upstream.call(request).await?
        };
        match answer.status() {
            StatusCode::OK => Ok(Some(answer.into_body())),
            status if status.is_client_error() => Ok(None),
            status => Err(confused(service, &format!("it answered {status}"))),
        }
    }

    /// Returns everything that has network interfaces, and in which subnets and security groups.
    pub(crate) async fn network_users(&self) -> Result<Vec<NetworkUser>, AwsError> {
        let mut users = Vec::new();
        for item in self.elb("DescribeLoadBalancers").await?.iter() {
            users.push(load_balancer(item));
        }
        for item in self.ec2("DescribeNatGateways").await?.iter() {
            let id = item.text_at("natGatewayId");
            if self.holds_address(id, item.text_at("state")) {
                users.push(NetworkUser {
                    id: id.into(),
                    subnets: vec![item.text_at("subnetId").into()],
                    groups: vec![],
                    public: item.text_at("connectivityType") == "public",
                });
            }
        }
        for item in self.ec2("DescribeNetworkInterfaces").await?.iter() {
            users.push(NetworkUser {
                id: item.text_at("networkInterfaceId").into(),
                subnets: vec![item.text_at("subnetId").into()],
                groups: owned(item.texts_at("groupSet/item/groupId")),
                public: false,
            });
        }
        for item in self.ec2("DescribeVpcEndpoints").await?.iter() {
            let id = item.text_at("vpcEndpointId");
            users.push(NetworkUser {
                id: id.into(),
                subnets: owned(item.texts_at("subnetIdSet/item")),
                groups: self.endpoint_groups(id),
                public: false,
            });
        }
        users.extend(self.shared.ecs.network_users(self.shared).await);
        let clock = self.shared.clock();
        let memory = self.shared.memory();
        let departed = memory.departed.values().filter(|(user, wait)| clock.waits(&user.id, *wait));
        users.extend(departed.map(|(user, _)| user.clone()));
        Ok(users)
    }

    /// Returns the security groups of a VPC endpoint, which the emulator forgets.
    fn endpoint_groups(&self, id: &str) -> Vec<String> {
        let memory = self.shared.memory();
        let settings = memory.vpc_endpoints.get(id).into_iter().flat_map(|endpoint| &endpoint.settings);
        let groups = settings.filter(|setting| setting.name == "groupSet");
        groups.flat_map(|groups| owned(groups.texts_at("item/groupId"))).collect()
    }

    /// Says whether a NAT gateway, for which the emulator says `state`, still has its interface and its address.
    pub(crate) fn holds_address(&self, id: &str, state: &str) -> bool {
        state != "deleted" || self.shared.clock().waits(id, Wait::NatGatewayDeleted)
    }
}

/// The members of an answer's first list.
///
/// EC2 lists below the root; the query protocol has a Result element between.
fn first_list(root: &Element) -> Vec<Element> {
    let holder = root.children.first().filter(|first| first.name.ends_with("Result")).unwrap_or(root);
    let list = holder.children.iter().find(|child| !child.children.is_empty());
    list.map(|list| list.children.clone()).unwrap_or_default()
}

/// Reads where a load balancer's network interfaces are.
pub(crate) fn load_balancer(item: &Element) -> NetworkUser {
    NetworkUser {
        id: item.text_at("LoadBalancerArn").into(),
        subnets: owned(item.texts_at("AvailabilityZones/member/SubnetId")),
        groups: owned(item.texts_at("SecurityGroups/member")),
        public: item.text_at("Scheme") == "internet-facing",
    }
}

/// Reads where a service's tasks have their network interfaces.
pub(crate) fn service(item: &Value) -> NetworkUser {
    let network = &item["networkConfiguration"]["awsvpcConfiguration"];
    let strings = |key: &str| -> Vec<String> {
        let list = network[key].as_array().into_iter().flatten();
        list.filter_map(|value| value.as_str().map(str::to_owned)).collect()
    };
    NetworkUser {
        id: item["serviceArn"].as_str().unwrap_or_default().into(),
        subnets: strings("subnets"),
        groups: strings("securityGroups"),
        public: network["assignPublicIp"] == "ENABLED",
    }
}

fn owned(texts: Vec<&str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}

fn confused(what: &str, why: &dyn std::fmt::Display) -> AwsError {
    let message = format!("local-aws does not understand the emulator's answer to {what}: {why}");
    AwsError { status: 500, code: "InternalError".into(), message }
}
