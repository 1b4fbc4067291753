//! A local AWS with a cluster and a load balancer, in which services are deployed in a hundredth of the time.

use std::time::Duration;

use local_aws::{LocalAws, Options, Settings};
use serde_json::{Value, json};

use super::{Aws, Network, listener, options};

const SCALE: f64 = 0.01;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct World {
    pub local: LocalAws,
    pub aws: Aws,
    pub network: Network,
    pub group: String,
    pub balancer: String,
    pub listener: String,
    pub target_groups: [String; 2],
}

impl World {
    pub async fn start() -> Self {
        let local = LocalAws::start(Options { time_scale: SCALE, ..options() }).await.unwrap();
        let aws = Aws::new(&local.endpoint());
        let network = aws.network().await;
        let group = aws.group(&network.vpc, "tasks").await;
        let balancer = aws.load_balancer(&network, "main", &group).await;
        let blue = aws.target_group(&network.vpc, "blue").await;
        let green = aws.target_group(&network.vpc, "green").await;
        for target_group in [&blue, &green] {
            let attributes = [
                ("TargetGroupArn", &**target_group),
                ("Attributes.member.1.Key", "deregistration_delay.timeout_seconds"),
                ("Attributes.member.1.Value", "30"),
            ];
            aws.elb("ModifyTargetGroupAttributes", &attributes).await.ok();
        }
        let made = aws.elb("CreateListener", &listener(&balancer, "80", &blue)).await.ok().get("ListenerArn");
        aws.ecs("CreateCluster", json!({"clusterName": "main"})).await.ok();
        Self { local, aws, network, group, balancer, listener: made, target_groups: [blue, green] }
    }

    pub async fn end(self) {
        self.local.stop().await;
    }

    /// Lets all that is under way be over.
    pub fn skip(&self) {
        self.local.control().set(Settings { time_scale: Some(0.0), ..Settings::default() });
    }

    /// Lets time pass again.
    pub fn unskip(&self) {
        self.local.control().set(Settings { time_scale: Some(SCALE), ..Settings::default() });
    }

    pub async fn ecs(&self, operation: &str, input: Value) -> Value {
        self.aws.ecs(operation, input).await.json()
    }

    /// Registers a task definition with a health check, and returns its ARN.
    pub async fn definition(&self, image: &str) -> Value {
        let check = json!({"command": ["CMD", "/healthy"], "interval": 5, "retries": 2});
        let container = json!({
            "name": "app", "image": image, "portMappings": [{"containerPort": 80}], "healthCheck": check,
        });
        let definition = json!({
            "family": "app", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256",
            "memory": "512", "containerDefinitions": [container],
        });
        self.ecs("RegisterTaskDefinition", definition).await["taskDefinition"]["taskDefinitionArn"].clone()
    }

    /// Makes a service of the image `v1` behind the load balancer.
    pub async fn create(&self, name: &str, count: u32, configuration: Value) -> Value {
        let balancer = json!({"targetGroupArn": self.target_groups[0], "containerName": "app", "containerPort": 80});
        self.create_behind(name, count, configuration, balancer).await
    }

    pub async fn create_behind(&self, name: &str, count: u32, configuration: Value, balancer: Value) -> Value {
        let Network { one, two, .. } = &self.network;
        let input = json!({
            "cluster": "main", "serviceName": name, "taskDefinition": self.definition("v1").await,
            "desiredCount": count, "launchType": "FARGATE", "deploymentConfiguration": configuration,
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": [one, two], "securityGroups": [self.group]}},
            "loadBalancers": [balancer],
        });
        self.ecs("CreateService", input).await["service"].clone()
    }

    /// Deploys another image, and returns the service as the call does.
    pub async fn deploy(&self, name: &str, image: &str) -> Value {
        let definition = self.definition(image).await;
        let input = json!({"cluster": "main", "service": name, "taskDefinition": definition});
        self.ecs("UpdateService", input).await["service"].clone()
    }

    pub async fn service(&self, name: &str) -> Value {
        let described = self.ecs("DescribeServices", json!({"cluster": "main", "services": [name]})).await;
        described["services"][0].clone()
    }

    /// Waits until a service is as wanted.
    pub async fn until(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = std::time::Instant::now();
        loop {
            let service = self.service(name).await;
            if wanted(&service) {
                return service;
            }
            assert!(begun.elapsed() < PATIENCE, "{service:#}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until a service has one deployment, which is complete and has all its tasks.
    pub async fn steady(&self, name: &str) -> Value {
        self.until(name, |service| {
            let deployments = service["deployments"].as_array().unwrap();
            deployments.len() == 1
                && deployments[0]["rolloutState"] == "COMPLETED"
                && service["runningCount"] == service["desiredCount"]
        })
        .await
    }

    /// Counts the healthy targets again and again until a deployment is over.
    pub async fn while_deploying(&self, name: &str) -> Vec<usize> {
        let mut counts = Vec::new();
        let begun = std::time::Instant::now();
        loop {
            let health = [("TargetGroupArn", &*self.target_groups[0])];
            let told = self.aws.elb("DescribeTargetHealth", &health).await.ok();
            counts.push(told.all("State").iter().filter(|state| *state == "healthy").count());
            let service = self.service(name).await;
            if service["deployments"].as_array().unwrap().len() == 1 {
                return counts;
            }
            assert!(begun.elapsed() < PATIENCE, "{service:#}");
        }
    }

    /// Returns the tasks of a service by what is wanted of them.
    pub async fn tasks(&self, name: &str, desired: &str) -> Vec<Value> {
        let input = json!({"cluster": "main", "serviceName": name, "desiredStatus": desired});
        let listed = self.ecs("ListTasks", input).await["taskArns"].clone();
        let told = self.ecs("DescribeTasks", json!({"cluster": "main", "tasks": listed})).await;
        told["tasks"].as_array().unwrap().clone()
    }

    pub async fn task(&self, arn: &Value) -> Value {
        self.ecs("DescribeTasks", json!({"cluster": "main", "tasks": [arn]})).await["tasks"][0].clone()
    }

    /// Returns the newest service deployment.
    pub async fn service_deployment(&self, name: &str) -> Value {
        let listed = self.ecs("ListServiceDeployments", json!({"cluster": "main", "service": name})).await;
        let arn = &listed["serviceDeployments"][0]["serviceDeploymentArn"];
        let told = self.ecs("DescribeServiceDeployments", json!({"serviceDeploymentArns": [arn]})).await;
        told["serviceDeployments"][0].clone()
    }

    /// Returns the weights of the target groups that a listener forwards to.
    pub async fn weights_of(&self, listener: &str) -> Vec<(String, String)> {
        let told = self.aws.elb("DescribeListeners", &[("ListenerArns.member.1", listener)]).await.ok();
        let config = told.text.split("<ForwardConfig>").nth(1).unwrap_or_default();
        let config = super::Answer { status: 200, text: config.to_owned() };
        config.all("TargetGroupArn").into_iter().zip(config.all("Weight")).collect()
    }
}
