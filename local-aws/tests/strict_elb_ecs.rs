//! What Elastic Load Balancing, ECS, Cloud Map and SQS refuse, and what ECS and Cloud Map tell.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Network, listener, shared};

#[tokio::test]
async fn a_load_balancer_needs_two_zones_and_an_internet_gateway() {
    let aws = shared().await;
    let Network { vpc, gateway, one, two } = aws.network().await;
    let same_zone = aws.subnet(&vpc, "10.0.2.0/24", "us-east-1a").await;
    let create = async |subnets: &[&str]| {
        let names: Vec<String> = (1..=subnets.len()).map(|at| format!("Subnets.member.{at}")).collect();
        let mut parameters = vec![("Name", "zones")];
        parameters.extend(names.iter().map(String::as_str).zip(subnets.iter().copied()));
        aws.elb("CreateLoadBalancer", &parameters).await
    };
    create(&[&one]).await.refused("ValidationError");
    create(&[&one, &same_zone]).await.refused("InvalidConfigurationRequest");
    create(&[&one, "subnet-0123456789abcdef0"]).await.refused("SubnetNotFound");
    aws.ec2("DetachInternetGateway", &[("InternetGatewayId", &gateway), ("VpcId", &vpc)]).await.ok();
    create(&[&one, &two]).await.refused("InvalidSubnet");
    aws.ec2("AttachInternetGateway", &[("InternetGatewayId", &gateway), ("VpcId", &vpc)]).await.ok();
    let made = create(&[&one, &two]).await.ok();
    assert_eq!(made.get("VpcId"), vpc);
    assert_eq!(made.all("ZoneName"), ["us-east-1a", "us-east-1b"]);
}

#[tokio::test]
async fn what_a_load_balancer_uses_is_not_deleted() {
    let aws = shared().await;
    let network = aws.network().await;
    let group = aws.group(&network.vpc, "balancer").await;
    let balancer = aws.load_balancer(&network, "uses", &group).await;
    aws.ec2("DeleteSecurityGroup", &[("GroupId", &group)]).await.refused("DependencyViolation");
    aws.ec2("DeleteSubnet", &[("SubnetId", &network.one)]).await.refused("DependencyViolation");
    aws.elb("DeleteLoadBalancer", &[("LoadBalancerArn", &balancer)]).await.ok();
    aws.ec2("DeleteSecurityGroup", &[("GroupId", &group)]).await.ok();
    aws.ec2("DeleteSubnet", &[("SubnetId", &network.one)]).await.ok();
}

#[tokio::test]
async fn a_protected_load_balancer_is_not_deleted() {
    let aws = shared().await;
    let network = aws.network().await;
    let group = aws.group(&network.vpc, "protected").await;
    let balancer = aws.load_balancer(&network, "protected", &group).await;
    let own = ("LoadBalancerArn", &*balancer);
    let protect = async |value: &str| {
        let attribute =
            [("Attributes.member.1.Key", "deletion_protection.enabled"), ("Attributes.member.1.Value", value)];
        aws.elb("ModifyLoadBalancerAttributes", &[&[own][..], &attribute].concat()).await.ok();
    };
    protect("true").await;
    aws.elb("DeleteLoadBalancer", &[own]).await.refused("OperationNotPermitted");
    protect("false").await;
    aws.elb("DeleteLoadBalancer", &[own]).await.ok();
}

#[tokio::test]
async fn a_port_has_one_listener() {
    let aws = shared().await;
    let network = aws.network().await;
    let group = aws.group(&network.vpc, "ports").await;
    let balancer = aws.load_balancer(&network, "ports", &group).await;
    let (one, two) = (aws.target_group(&network.vpc, "port-1").await, aws.target_group(&network.vpc, "port-2").await);
    let first = aws.elb("CreateListener", &listener(&balancer, "80", &one)).await.ok();
    let again = aws.elb("CreateListener", &listener(&balancer, "80", &one)).await.ok();
    assert_eq!(again.get("ListenerArn"), first.get("ListenerArn"), "the same settings are the same listener");
    aws.elb("CreateListener", &listener(&balancer, "80", &two)).await.refused("DuplicateListener");
    let second = aws.elb("CreateListener", &listener(&balancer, "81", &two)).await.ok().get("ListenerArn");
    aws.elb("ModifyListener", &[("ListenerArn", &second), ("Port", "80")]).await.refused("DuplicateListener");
    aws.elb("CreateListener", &listener(&balancer, "82", &format!("{two}0"))).await.refused("TargetGroupNotFound");
}

#[tokio::test]
async fn creating_the_same_again_gives_the_same() {
    let aws = shared().await;
    let network = aws.network().await;
    let group = aws.group(&network.vpc, "same").await;
    let first = aws.load_balancer(&network, "same", &group).await;
    assert_eq!(aws.load_balancer(&network, "same", &group).await, first);
    let other = aws.group(&network.vpc, "other").await;
    let different = [
        ("Name", "same"),
        ("Subnets.member.1", &*network.one),
        ("Subnets.member.2", &network.two),
        ("SecurityGroups.member.1", &other),
    ];
    aws.elb("CreateLoadBalancer", &different).await.refused("DuplicateLoadBalancerName");
    let target = aws.target_group(&network.vpc, "same").await;
    assert_eq!(aws.target_group(&network.vpc, "same").await, target);
    aws.elb("DeleteTargetGroup", &[("TargetGroupArn", &target)]).await.ok();
    assert_ne!(aws.target_group(&network.vpc, "same").await, target);
}

#[tokio::test]
async fn a_secure_listener_needs_a_certificate() {
    let aws = shared().await;
    let network = aws.network().await;
    let group = aws.group(&network.vpc, "secure").await;
    let balancer = aws.load_balancer(&network, "secure", &group).await;
    let target = aws.target_group(&network.vpc, "secure").await;
    let mut secure = listener(&balancer, "443", &target);
    secure[2] = ("Protocol", "HTTPS");
    aws.elb("CreateListener", &secure).await.refused("ValidationError");
    let missing = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000";
    secure.push(("Certificates.member.1.CertificateArn", missing));
    aws.elb("CreateListener", &secure).await.refused("CertificateNotFound");
    let request = json!({"DomainName": "example.com"});
    let certificate = aws.call("acm", "CertificateManager.RequestCertificate", request).await.json();
    secure[5].1 = certificate["CertificateArn"].as_str().unwrap();
    let made = aws.elb("CreateListener", &secure).await.ok().get("ListenerArn");
    let delete = async || aws.call("acm", "CertificateManager.DeleteCertificate", certificate.clone()).await;
    delete().await.refused("ResourceInUseException");
    aws.elb("DeleteListener", &[("ListenerArn", &made)]).await.ok();
    delete().await.ok();
}

#[tokio::test]
async fn a_target_group_in_use_is_not_deleted() {
    let aws = shared().await;
    let network = aws.network().await;
    let group = aws.group(&network.vpc, "targets").await;
    let balancer = aws.load_balancer(&network, "targets", &group).await;
    let (one, two) =
        (aws.target_group(&network.vpc, "in-use-1").await, aws.target_group(&network.vpc, "in-use-2").await);
    let made = aws.elb("CreateListener", &listener(&balancer, "80", &one)).await.ok().get("ListenerArn");
    let rule = [
        ("ListenerArn", &*made),
        ("Priority", "1"),
        ("Conditions.member.1.Field", "path-pattern"),
        ("Conditions.member.1.Values.member.1", "/x"),
        ("Actions.member.1.Type", "forward"),
        ("Actions.member.1.TargetGroupArn", &two),
    ];
    aws.elb("CreateRule", &rule).await.ok();
    aws.elb("CreateRule", &rule).await.refused("PriorityInUse");
    for target in [&one, &two] {
        let described = aws.elb("DescribeTargetGroups", &[("TargetGroupArns.member.1", target)]).await.ok();
        assert!(described.get("LoadBalancerArns").contains(&balancer), "{}", described.text);
        aws.elb("DeleteTargetGroup", &[("TargetGroupArn", target)]).await.refused("ResourceInUse");
    }
    aws.elb("DeleteLoadBalancer", &[("LoadBalancerArn", &balancer)]).await.ok();
    aws.elb("DescribeListeners", &[("ListenerArns.member.1", &made)]).await.refused("ListenerNotFound");
    aws.elb("DeleteTargetGroup", &[("TargetGroupArn", &one)]).await.ok();
    aws.elb("DeleteTargetGroup", &[("TargetGroupArn", &two)]).await.ok();
}

#[tokio::test]
async fn weights_of_a_forward_action_are_kept() {
    let aws = shared().await;
    let network = aws.network().await;
    let group = aws.group(&network.vpc, "weights").await;
    let balancer = aws.load_balancer(&network, "weights", &group).await;
    let (one, two) =
        (aws.target_group(&network.vpc, "weight-1").await, aws.target_group(&network.vpc, "weight-2").await);
    let weighted = [
        ("LoadBalancerArn", &*balancer),
        ("Port", "80"),
        ("Protocol", "HTTP"),
        ("DefaultActions.member.1.Type", "forward"),
        ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn", &one),
        ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.Weight", "10"),
        ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.TargetGroupArn", &two),
        ("DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.Weight", "90"),
    ];
    let made = aws.elb("CreateListener", &weighted).await.ok().get("ListenerArn");
    let listed = aws.elb("DescribeListeners", &[("ListenerArns.member.1", &made)]).await.ok();
    let rules = aws.elb("DescribeRules", &[("ListenerArn", &made)]).await.ok();
    for answer in [listed, rules] {
        assert_eq!(answer.all("Weight"), ["10", "90"], "{}", answer.text);
        assert_eq!(answer.all("TargetGroupArn"), [&*one, &*two]);
    }
    aws.elb("DeleteTargetGroup", &[("TargetGroupArn", &one)]).await.refused("ResourceInUse");
}

#[tokio::test]
async fn a_load_balancer_answers_at_its_own_name() {
    let aws = shared().await;
    let network = aws.network().await;
    let group = aws.group(&network.vpc, "answers").await;
    let balancer = aws.load_balancer(&network, "answers", &group).await;
    let fixed = [
        ("LoadBalancerArn", &*balancer),
        ("Port", "80"),
        ("Protocol", "HTTP"),
        ("DefaultActions.member.1.Type", "fixed-response"),
        ("DefaultActions.member.1.FixedResponseConfig.StatusCode", "418"),
        ("DefaultActions.member.1.FixedResponseConfig.MessageBody", "teapot"),
    ];
    aws.elb("CreateListener", &fixed).await.ok();
    let answer = aws.http.get(&aws.endpoint).header("host", "answers.alb.localhost").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (418, "teapot"));
}

#[tokio::test]
async fn what_is_asked_for_and_not_there_is_an_error() {
    let aws = shared().await;
    let network = aws.network().await;
    let target = aws.target_group(&network.vpc, "there").await;
    let missing = format!("{target}0");
    let both = [("TargetGroupArns.member.1", &*target), ("TargetGroupArns.member.2", &missing)];
    aws.elb("DescribeTargetGroups", &both).await.refused("TargetGroupNotFound");
    aws.elb("DescribeTargetGroups", &[("Names.member.1", "nowhere")]).await.refused("TargetGroupNotFound");
    aws.elb("DescribeListeners", &[("ListenerArns.member.1", "arn:x")]).await.refused("ListenerNotFound");
    aws.elb("DescribeRules", &[("RuleArns.member.1", "arn:x")]).await.refused("RuleNotFound");
}

fn task(cpu: &str, memory: &str) -> Value {
    json!({
        "family": "sizes", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": cpu, "memory": memory,
        "containerDefinitions": [{"name": "app", "image": "app"}],
    })
}

#[tokio::test]
async fn fargate_has_certain_sizes() {
    let aws = shared().await;
    for (cpu, memory) in [("256", "512"), ("256", "2048"), ("1024", "8192"), ("0.5 vCPU", "1GB"), ("16384", "122880")] {
        aws.ecs("RegisterTaskDefinition", task(cpu, memory)).await.ok();
    }
    for (cpu, memory) in [("256", "4096"), ("256", "1536"), ("300", "512"), ("512", "512"), ("8192", "18432"), ("", "")]
    {
        aws.ecs("RegisterTaskDefinition", task(cpu, memory)).await.refused("ClientException");
    }
}

#[tokio::test]
async fn app_meshs_proxy_needs_the_ports_of_the_application() {
    let aws = shared().await;
    let register = async |properties: Value| {
        let mut definition = task("256", "512");
        definition["proxyConfiguration"] = json!({"type": "APPMESH", "containerName": "app", "properties": properties});
        aws.ecs("RegisterTaskDefinition", definition).await
    };
    register(json!([{"name": "AppPorts", "value": "8080"}])).await.ok();
    for properties in [json!([{"name": "AppPorts", "value": ""}]), json!([{"name": "IgnoredUID", "value": "1337"}])] {
        let answer = register(properties).await;
        answer.refused("ClientException");
        assert!(answer.text.contains("App ports not found"), "{}", answer.text);
    }
}

#[tokio::test]
async fn another_capacity_provider_strategy_takes_a_new_deployment() {
    let aws = shared().await;
    let definition = json!({"family": "strategy", "containerDefinitions": [{"name": "app", "image": "app"}]});
    aws.ecs("RegisterTaskDefinition", definition).await.ok();
    aws.ecs("CreateCluster", json!({"clusterName": "strategy"})).await.ok();
    let on = |provider: &str| json!([{"capacityProvider": provider, "weight": 1}]);
    let service = json!({
        "cluster": "strategy", "serviceName": "app", "taskDefinition": "strategy", "desiredCount": 0,
        "capacityProviderStrategy": on("FARGATE"),
    });
    aws.ecs("CreateService", service).await.ok();
    let update = async |strategy: Value, force: bool| {
        let input = json!({
            "cluster": "strategy", "service": "app", "capacityProviderStrategy": strategy, "forceNewDeployment": force,
        });
        aws.ecs("UpdateService", input).await
    };
    update(on("FARGATE"), false).await.ok();
    update(on("FARGATE_SPOT"), false).await.refused("InvalidParameterException");
    update(json!([]), false).await.refused("InvalidParameterException");
    update(on("FARGATE_SPOT"), true).await.ok();
}

#[tokio::test]
async fn a_service_needs_what_it_names() {
    let aws = shared().await;
    let network = aws.network().await;
    let group = aws.group(&network.vpc, "service").await;
    let definition = json!({"family": "needs", "containerDefinitions": [{"name": "app", "image": "app"}]});
    aws.ecs("RegisterTaskDefinition", definition).await.ok();
    let target = aws.target_group(&network.vpc, "service").await;
    let service = |cluster: &str, definition: &str, subnet: &str| {
        json!({
            "cluster": cluster, "serviceName": "app", "taskDefinition": definition, "desiredCount": 1,
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}},
            "loadBalancers": [{"targetGroupArn": target, "containerName": "app", "containerPort": 80}],
        })
    };
    let create =
        async |cluster, definition, subnet| aws.ecs("CreateService", service(cluster, definition, subnet)).await;
    create("needs", "needs", &network.one).await.refused("ClusterNotFoundException");
    aws.ecs("CreateCluster", json!({"clusterName": "needs"})).await.ok();
    create("needs", "nothing", &network.one).await.refused("ClientException");
    create("needs", "needs", "subnet-0123456789abcdef0").await.refused("InvalidParameterException");
    let unattached = create("needs", "needs", &network.one).await;
    unattached.refused("InvalidParameterException");
    assert!(unattached.text.contains("does not have an associated load balancer"), "{}", unattached.text);
    let balancer = aws.load_balancer(&network, "service", &group).await;
    aws.elb("CreateListener", &listener(&balancer, "80", &target)).await.ok();
    create("needs", "needs", &network.one).await.ok();
    aws.ecs("DeleteCluster", json!({"cluster": "needs"})).await.refused("ClusterContainsServicesException");
}

#[tokio::test]
async fn what_a_service_uses_is_not_deleted() {
    let aws = shared().await;
    let network = aws.network().await;
    let group = aws.group(&network.vpc, "tasks").await;
    let definition = json!({"family": "uses", "containerDefinitions": [{"name": "app", "image": "app"}]});
    aws.ecs("RegisterTaskDefinition", definition).await.ok();
    aws.ecs("CreateCluster", json!({"clusterName": "uses"})).await.ok();
    let service = json!({
        "cluster": "uses", "serviceName": "app", "taskDefinition": "uses", "desiredCount": 1,
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": [network.one], "securityGroups": [group]}},
    });
    aws.ecs("CreateService", service).await.ok();
    aws.ec2("DeleteSecurityGroup", &[("GroupId", &group)]).await.refused("DependencyViolation");
    aws.ec2("DeleteSubnet", &[("SubnetId", &network.one)]).await.refused("DependencyViolation");
    aws.ecs("DeleteService", json!({"cluster": "uses", "service": "app", "force": true})).await.ok();
    aws.ec2("DeleteSecurityGroup", &[("GroupId", &group)]).await.ok();
    aws.ec2("DeleteSubnet", &[("SubnetId", &network.one)]).await.ok();
    aws.ecs("DeleteCluster", json!({"cluster": "uses"})).await.ok();
}

#[tokio::test]
async fn who_waits_for_a_message_holds_up_nobody() {
    let aws = shared().await;
    let queue = aws.call("sqs", "AmazonSQS.CreateQueue", json!({"QueueName": "waited-for"})).await.json();
    let wait = json!({"QueueUrl": queue["QueueUrl"], "WaitTimeSeconds": 20});
    let waiting = aws.call("sqs", "AmazonSQS.ReceiveMessage", wait);
    let working = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        aws.vpc("10.0.0.0/16").await;
        let message = json!({"QueueUrl": queue["QueueUrl"], "MessageBody": "come"});
        aws.call("sqs", "AmazonSQS.SendMessage", message).await.ok();
    };
    let (received, ()) = tokio::join!(waiting, working);
    assert_eq!(received.json()["Messages"][0]["Body"], "come");
}

#[tokio::test]
async fn what_a_service_was_given_is_told() {
    let aws = shared().await;
    let call = async |operation: &str, input: Value| {
        aws.call("ecs", &format!("AmazonEC2ContainerServiceV20141113.{operation}"), input).await.json()
    };
    let defaults = json!({"namespace": "arn:aws:servicediscovery:us-east-1:123456789012:namespace/ns-1"});
    let cluster = json!({"clusterName": "told", "serviceConnectDefaults": defaults});
    call("CreateCluster", cluster).await;
    let clusters = async || call("DescribeClusters", json!({"clusters": ["told"]})).await["clusters"][0].clone();
    assert_eq!(clusters().await["serviceConnectDefaults"], defaults);
    call("UpdateCluster", json!({"cluster": "told", "serviceConnectDefaults": {"namespace": ""}})).await;
    assert_eq!(clusters().await["serviceConnectDefaults"], Value::Null);

    let container = json!([{"name": "app", "image": "app"}]);
    let definition = json!({"family": "told", "containerDefinitions": container, "enableFaultInjection": true});
    let definition = call("RegisterTaskDefinition", definition).await["taskDefinition"].clone();
    assert_eq!(definition["enableFaultInjection"], true);
    let (connect, other) = (json!({"enabled": true, "namespace": "a"}), json!({"enabled": true, "namespace": "b"}));
    let service = json!({
        "cluster": "told", "serviceName": "told", "taskDefinition": definition["taskDefinitionArn"],
        "serviceConnectConfiguration": connect, "availabilityZoneRebalancing": "DISABLED",
    });
    call("CreateService", service).await;
    let services = async || {
        call("DescribeServices", json!({"cluster": "told", "services": ["told"]})).await["services"][0].clone()
    };
    assert_eq!(services().await["deployments"][0]["serviceConnectConfiguration"], connect);
    let change = json!({"cluster": "told", "service": "told", "serviceConnectConfiguration": other});
    call("UpdateService", change).await;
    let told = services().await;
    assert_eq!(told["deployments"][0]["serviceConnectConfiguration"], other);
    assert_eq!(told["availabilityZoneRebalancing"], "DISABLED");
}

#[tokio::test]
async fn cloud_map_refuses_a_name_twice_and_a_service_in_use() {
    let aws = shared().await;
    let call = async |operation: &str, input: Value| {
        aws.call("servicediscovery", &format!("Route53AutoNaming_v20170314.{operation}"), input).await
    };
    let create = json!({"Name": "map", "CreatorRequestId": "1"});
    let made = call("CreateHttpNamespace", create.clone()).await.json();
    assert_eq!(call("CreateHttpNamespace", create).await.json(), made);
    let other = call("CreateHttpNamespace", json!({"Name": "map-other"})).await.json();
    let namespace = async |made: &Value| {
        let operation = call("GetOperation", json!({"OperationId": made["OperationId"]})).await.json();
        operation["Operation"]["Targets"]["NAMESPACE"].clone()
    };
    let (namespace, other) = (namespace(&made).await, namespace(&other).await);
    let create = json!({"Name": "web", "NamespaceId": namespace});
    let service = call("CreateService", create.clone()).await.json()["Service"].clone();
    assert_eq!(service["Type"], "HTTP");
    call("CreateService", create).await.refused("ServiceAlreadyExists");
    call("CreateService", json!({"Name": "web", "NamespaceId": other})).await.ok();
    let filter = json!({"Filters": [{"Name": "NAMESPACE_ID", "Values": [namespace]}]});
    let listed = call("ListServices", filter).await.json();
    assert_eq!(listed["Services"].as_array().unwrap().len(), 1);

    let instance = json!({"ServiceId": service["Id"], "InstanceId": "i"});
    call("RegisterInstance", json!({"ServiceId": service["Id"], "InstanceId": "i", "Attributes": {}})).await.ok();
    call("DeleteService", json!({"Id": service["Id"]})).await.refused("ResourceInUse");
    call("DeregisterInstance", instance).await.ok();
    call("DeleteService", json!({"Id": service["Id"]})).await.ok();
}

#[tokio::test]
async fn what_an_update_of_a_cloud_map_service_leaves_out_is_taken_away_but_for_its_routing_policy() {
    let aws = shared().await;
    let call = async |operation: &str, input: Value| {
        aws.call("servicediscovery", &format!("Route53AutoNaming_v20170314.{operation}"), input).await.json()
    };
    let made = call("CreatePublicDnsNamespace", json!({"Name": "parts.example.com"})).await;
    let operation = call("GetOperation", json!({"OperationId": made["OperationId"]})).await;
    let records = json!([{"Type": "A", "TTL": 10}]);
    let create = json!({
        "Name": "web", "NamespaceId": operation["Operation"]["Targets"]["NAMESPACE"],
        "DnsConfig": {"RoutingPolicy": "WEIGHTED", "DnsRecords": records}, "HealthCheckConfig": {"Type": "TCP"},
    });
    let id = call("CreateService", create).await["Service"]["Id"].clone();
    call("UpdateService", json!({"Id": id, "Service": {"DnsConfig": {"DnsRecords": records}}})).await;
    let service = call("GetService", json!({"Id": id})).await["Service"].clone();
    assert_eq!(service["DnsConfig"], json!({"RoutingPolicy": "WEIGHTED", "DnsRecords": records}));
    assert_eq!(service["HealthCheckConfig"], Value::Null);
}
