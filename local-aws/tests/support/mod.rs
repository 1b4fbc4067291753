//! Raw AWS calls for the tests of local-aws: no SDK, a signature that nobody checks.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub mod world;

use local_aws::{LocalAws, Options};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::Value;
use tokio::sync::OnceCell;

/// One local AWS for all tests of a file: they make their own things and do not change how it behaves.
pub async fn shared() -> Aws {
    static LOCAL: OnceCell<LocalAws> = OnceCell::const_new();
    let local = LOCAL.get_or_init(|| async { LocalAws::start(options()).await.unwrap() }).await;
    Aws::new(&local.endpoint())
}

/// No provisioning times.
pub fn options() -> Options {
    Options { time_scale: 0.0, ..Options::default() }
}

/// A caller of AWS.
pub struct Aws {
    pub endpoint: String,
    pub http: reqwest::Client,
}

/// An answer: its status and its text.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub text: String,
}

impl Answer {
    /// Returns the text of the first element `name`, empty if there is none.
    pub fn get(&self, name: &str) -> String {
        self.all(name).into_iter().next().unwrap_or_default()
    }

    /// Returns the texts of all elements `name`.
    pub fn all(&self, name: &str) -> Vec<String> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let parts = self.text.split(&open).skip(1);
        parts.filter_map(|part| part.split_once(&close).map(|(text, _)| text.to_owned())).collect()
    }

    /// Returns the answer if the call succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.text);
        self
    }

    /// Checks that the call was refused with `code`.
    #[track_caller]
    pub fn refused(&self, code: &str) {
        let json: Value = serde_json::from_str(&self.text).unwrap_or_default();
        let found = json["__type"].as_str().map_or_else(|| self.get("Code"), str::to_owned);
        assert!(self.status >= 400 && found == code, "wanted {code}: {} {}", self.status, self.text);
    }

    /// Returns the JSON of the answer if the call succeeded.
    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.ok().text).unwrap()
    }
}

impl Aws {
    pub fn new(endpoint: &str) -> Self {
        Self { endpoint: endpoint.into(), http: reqwest::Client::new() }
    }

    /// Sends a query call; an error when the connection breaks.
    pub async fn try_query(&self, service: &str, action: &str, parameters: &[(&str, &str)]) -> reqwest::Result<Answer> {
        let mut body = reqwest::Url::parse("http://x/").unwrap();
        body.query_pairs_mut().append_pair("Action", action).extend_pairs(parameters);
        let request = self.http.post(&self.endpoint).header(AUTHORIZATION, signature(service));
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let response = request.body(body.query().unwrap_or_default().to_owned()).send().await?;
        Ok(Answer { status: response.status().as_u16(), text: response.text().await? })
    }

    pub async fn ec2(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.try_query("ec2", action, parameters).await.unwrap()
    }

    pub async fn elb(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.try_query("elasticloadbalancing", action, parameters).await.unwrap()
    }

    pub async fn call(&self, service: &str, target: &str, input: Value) -> Answer {
        let request = self.http.post(&self.endpoint).header(AUTHORIZATION, signature(service));
        let request = request.header("x-amz-target", target).header(CONTENT_TYPE, "application/x-amz-json-1.1");
        let response = request.body(input.to_string()).send().await.unwrap();
        Answer { status: response.status().as_u16(), text: response.text().await.unwrap() }
    }

    pub async fn ecs(&self, operation: &str, input: Value) -> Answer {
        self.call("ecs", &format!("AmazonEC2ContainerServiceV20141113.{operation}"), input).await
    }

    /// Uses the control API.
    pub async fn control(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let request = self.http.request(method.parse().unwrap(), format!("{}/_local/{path}", self.endpoint));
        let request = body.into_iter().fold(request, |request, body| request.json(&body));
        let response = request.send().await.unwrap();
        Answer { status: response.status().as_u16(), text: response.text().await.unwrap() }
    }

    pub async fn vpc(&self, cidr: &str) -> String {
        self.ec2("CreateVpc", &[("CidrBlock", cidr)]).await.ok().get("vpcId")
    }

    pub async fn subnet(&self, vpc: &str, cidr: &str, zone: &str) -> String {
        let parameters = [("VpcId", vpc), ("CidrBlock", cidr), ("AvailabilityZone", zone)];
        self.ec2("CreateSubnet", &parameters).await.ok().get("subnetId")
    }

    pub async fn group(&self, vpc: &str, name: &str) -> String {
        let parameters = [("VpcId", vpc), ("GroupName", name), ("GroupDescription", "test")];
        self.ec2("CreateSecurityGroup", &parameters).await.ok().get("groupId")
    }

    pub async fn gateway(&self, vpc: &str) -> String {
        let id = self.ec2("CreateInternetGateway", &[]).await.ok().get("internetGatewayId");
        self.ec2("AttachInternetGateway", &[("InternetGatewayId", &id), ("VpcId", vpc)]).await.ok();
        id
    }

    /// Makes a network with an internet gateway and a subnet in each of two zones.
    pub async fn network(&self) -> Network {
        let vpc = self.vpc("10.0.0.0/16").await;
        let gateway = self.gateway(&vpc).await;
        let one = self.subnet(&vpc, "10.0.0.0/24", "us-east-1a").await;
        let two = self.subnet(&vpc, "10.0.1.0/24", "us-east-1b").await;
        Network { vpc, gateway, one, two }
    }

    /// Makes a load balancer, and returns its ARN.
    pub async fn load_balancer(&self, network: &Network, name: &str, group: &str) -> String {
        let Network { one, two, .. } = network;
        let own = [("Name", name), ("Subnets.member.1", one), ("Subnets.member.2", two)];
        let parameters = [&own[..], &[("SecurityGroups.member.1", group)]].concat();
        self.elb("CreateLoadBalancer", &parameters).await.ok().get("LoadBalancerArn")
    }

    pub async fn target_group(&self, vpc: &str, name: &str) -> String {
        let parameters = [("Name", name), ("VpcId", vpc), ("Protocol", "HTTP"), ("Port", "80"), ("TargetType", "ip")];
        self.elb("CreateTargetGroup", &parameters).await.ok().get("TargetGroupArn")
    }
}

/// A network as most tests need one.
pub struct Network {
    pub vpc: String,
    pub gateway: String,
    pub one: String,
    pub two: String,
}

/// The parameters of a listener that forwards to `target`.
pub fn listener<'a>(balancer: &'a str, port: &'a str, target: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("LoadBalancerArn", balancer),
        ("Port", port),
        ("Protocol", "HTTP"),
        ("DefaultActions.member.1.Type", "forward"),
        ("DefaultActions.member.1.TargetGroupArn", target),
    ]
}

fn signature(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}
