//! Load balancers route requests to real targets: health, weights, rules, draining and failures.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
#[path = "support/target.rs"]
mod target;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use local_aws::{LocalAws, Settings};
use support::{Aws, Network, listener, options};
use target::Server;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;

/// One local AWS for all tests, in which 30 s pass in 0.3.
async fn local() -> &'static LocalAws {
    static LOCAL: OnceCell<LocalAws> = OnceCell::const_new();
    LOCAL
        .get_or_init(|| async {
            let local = LocalAws::start(options()).await.unwrap();
            local.control().set(Settings { time_scale: Some(0.001), ..Settings::default() });
            local
        })
        .await
}

/// A load balancer of a test's own.
struct Stage {
    aws: Aws,
    network: Network,
    name: String,
    arn: String,
    dns: String,
}

impl Stage {
    async fn new(name: &str) -> Self {
        let aws = Aws::new(&local().await.endpoint());
        let network = aws.network().await;
        let group = aws.group(&network.vpc, name).await;
        let arn = aws.load_balancer(&network, name, &group).await;
        let dns = aws.elb("DescribeLoadBalancers", &[("Names.member.1", name)]).await.ok().get("DNSName");
        let stage = Self { aws, network, name: name.into(), arn, dns };
        stage.until("provisioned", async || stage.get("/").await.1.contains("no listener")).await;
        stage
    }

    /// Makes a target group that is checked at `/health` every 50 ms.
    async fn target_group(&self, name: &str) -> String {
        let name = format!("{}-{name}", self.name);
        let parameters = [
            ("Name", name.as_str()),
            ("VpcId", &self.network.vpc),
            ("Protocol", "HTTP"),
            ("Port", "80"),
            ("TargetType", "ip"),
            ("HealthCheckPath", "/health"),
            ("HealthyThresholdCount", "2"),
            ("UnhealthyThresholdCount", "2"),
        ];
        self.aws.elb("CreateTargetGroup", &parameters).await.ok().get("TargetGroupArn")
    }

    async fn listener(&self, group: &str) -> String {
        self.aws.elb("CreateListener", &listener(&self.arn, "80", group)).await.ok().get("ListenerArn")
    }

    async fn targets(&self, action: &str, group: &str, server: &Server) {
        let port = server.port();
        let parameters =
            [("TargetGroupArn", group), ("Targets.member.1.Id", "127.0.0.1"), ("Targets.member.1.Port", &port)];
        self.aws.elb(action, &parameters).await.ok();
    }

    /// Returns the states and reasons of a group's targets.
    async fn health(&self, group: &str) -> Vec<String> {
        let answer = self.aws.elb("DescribeTargetHealth", &[("TargetGroupArn", group)]).await.ok();
        let reasons = answer.all("Reason").into_iter().chain(std::iter::repeat(String::new()));
        answer.all("State").into_iter().zip(reasons).map(|(state, reason)| format!("{state} {reason}")).collect()
    }

    async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        for _ in 0..200 {
            if holds().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("never {what}");
    }

    async fn until_health(&self, group: &str, wanted: &str) {
        self.until(wanted, async || self.health(group).await == [wanted]).await;
    }

    /// Gets a path through the load balancer's DNS name.
    async fn get(&self, path: &str) -> (u16, String) {
        let request = self.aws.http.get(format!("{}{path}", self.aws.endpoint)).header("host", &self.dns);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Returns which servers answered how many of so many requests.
    async fn shares(&self, requests: usize) -> BTreeMap<String, usize> {
        let mut shares = BTreeMap::new();
        for _ in 0..requests {
            let (status, text) = self.get("/").await;
            assert_eq!(status, 200, "{text}");
            *shares.entry(text.split(' ').next().unwrap().to_owned()).or_default() += 1;
        }
        shares
    }
}

fn shares<const N: usize>(wanted: [(&str, usize); N]) -> BTreeMap<String, usize> {
    wanted.into_iter().map(|(name, requests)| (name.to_owned(), requests)).collect()
}

#[tokio::test]
async fn a_target_is_checked_and_gets_what_a_client_sent() {
    let stage = Stage::new("plain").await;
    let (group, server) = (stage.target_group("a").await, Server::start("a").await);
    stage.targets("RegisterTargets", &group, &server).await;
    stage.until_health(&group, "unused Target.NotInUse").await;
    stage.listener(&group).await;
    stage.until_health(&group, "healthy ").await;
    assert!(stage.dns.contains(".us-east-1.elb.localhost:"), "{}", stage.dns);
    let wanted = format!("a /x?y=%20z 127.0.0.1 http 80 {} -", stage.dns);
    assert_eq!(stage.get("/x?y=%20z").await, (200, wanted));
    let by_name = |path: &str| format!("{}/_alb/plain{path}", stage.aws.endpoint);
    let text = stage.aws.http.get(by_name("/x")).send().await.unwrap().text().await.unwrap();
    assert!(text.starts_with("a /x 127.0.0.1 http 80 "), "{text}");
    assert_eq!(stage.aws.http.get(by_name(":80")).send().await.unwrap().status(), 200);
    assert_eq!(stage.aws.http.get(by_name(":81/")).send().await.unwrap().status(), 503);
    let posted = stage.aws.http.post(by_name("/echo")).body("b".repeat(1 << 20)).send().await.unwrap();
    assert_eq!(posted.text().await.unwrap().len(), 1 << 20);
    let none = stage.aws.http.get(format!("{}/_alb/other/", stage.aws.endpoint)).send().await.unwrap();
    assert_eq!(none.status(), 404);
}

#[tokio::test]
async fn an_unhealthy_target_gets_nothing_until_none_is_healthy() {
    let stage = Stage::new("health").await;
    let group = stage.target_group("a").await;
    let (good, bad) = (Server::start("good").await, Server::start("bad").await);
    bad.behaviour.health.store(500, Ordering::SeqCst);
    stage.listener(&group).await;
    stage.targets("RegisterTargets", &group, &good).await;
    stage.targets("RegisterTargets", &group, &bad).await;
    let mismatch = "unhealthy Target.ResponseCodeMismatch";
    stage
        .until(mismatch, async || stage.health(&group).await == ["healthy Target.ResponseCodeMismatch", "unhealthy "])
        .await;
    assert_eq!(stage.shares(10).await, shares([("good", 10)]));
    let answer = stage.aws.elb("DescribeTargetHealth", &[("TargetGroupArn", &group)]).await.ok();
    assert_eq!(answer.get("Description"), "Health checks failed with these codes: [500]");
    stage.targets("DeregisterTargets", &group, &good).await;
    stage.until_health(&group, mismatch).await;
    assert_eq!(stage.shares(4).await, shares([("bad", 4)]));
    bad.behaviour.health.store(204, Ordering::SeqCst);
    let parameters = [("TargetGroupArn", &*group), ("Matcher.HttpCode", "200-299")];
    stage.aws.elb("ModifyTargetGroup", &parameters).await.ok();
    stage.until_health(&group, "healthy ").await;
    drop(bad);
    stage.until_health(&group, "unhealthy Target.FailedHealthChecks").await;
    assert_eq!(stage.get("/").await.0, 502);
}

#[tokio::test]
async fn a_deregistered_target_ends_what_it_began_and_gets_nothing_new() {
    let stage = Stage::new("drain").await;
    let group = stage.target_group("a").await;
    let (old, new) = (Server::start("old").await, Server::start("new").await);
    stage.listener(&group).await;
    stage.targets("RegisterTargets", &group, &old).await;
    stage.until_health(&group, "healthy ").await;
    let slow = stage.get("/slow");
    let change = async {
        old.behaviour.begun.notified().await;
        stage.targets("RegisterTargets", &group, &new).await;
        stage.targets("DeregisterTargets", &group, &old).await;
        assert!(stage.health(&group).await.contains(&"draining Target.DeregistrationInProgress".into()));
        assert_eq!(stage.shares(10).await, shares([("new", 10)]));
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(stage.health(&group).await.len(), 2, "the delay of 0.3 s is over, the request is not");
        old.behaviour.go_on.notify_one();
    };
    let ((status, text), ()) = tokio::join!(slow, change);
    assert!(status == 200 && text.starts_with("old /slow"), "{status} {text}");
    stage.until_health(&group, "healthy ").await;
    assert_eq!((old.served(), new.served()), (1, 10));
}

#[tokio::test]
async fn weights_share_requests_out_and_can_be_changed() {
    let stage = Stage::new("weights").await;
    let (blue, green) = (stage.target_group("blue").await, stage.target_group("green").await);
    let (one, two) = (Server::start("blue").await, Server::start("green").await);
    stage.targets("RegisterTargets", &blue, &one).await;
    stage.targets("RegisterTargets", &green, &two).await;
    let config = "DefaultActions.member.1.ForwardConfig.TargetGroups.member";
    let names = ["1.TargetGroupArn", "1.Weight", "2.TargetGroupArn", "2.Weight"].map(|name| format!("{config}.{name}"));
    let parameters = |weights: [&'static str; 2]| {
        let values = [blue.as_str(), weights[0], green.as_str(), weights[1]];
        let mut parameters: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values).collect();
        parameters.push(("DefaultActions.member.1.Type", "forward"));
        parameters
    };
    let own = [("LoadBalancerArn", stage.arn.as_str()), ("Port", "80"), ("Protocol", "HTTP")];
    let created = stage.aws.elb("CreateListener", &[&own[..], &parameters(["9", "1"])].concat()).await.ok();
    let arn = created.get("ListenerArn");
    stage.until_health(&blue, "healthy ").await;
    stage.until_health(&green, "healthy ").await;
    local().await.control().clear_traffic();
    assert_eq!(stage.shares(50).await, shares([("blue", 45), ("green", 5)]));
    let counts = local().await.control().traffic();
    let own: Vec<_> = counts.iter().filter(|count| count.load_balancer == "weights").collect();
    let of = |group: &String| own.iter().find(|count| count.target_group.as_ref() == Some(group)).unwrap().requests;
    assert_eq!((own.len(), of(&blue), of(&green)), (2, 45, 5));
    let change = [&[("ListenerArn", arn.as_str())][..], &parameters(["0", "1"])].concat();
    stage.aws.elb("ModifyListener", &change).await.ok();
    assert_eq!(stage.shares(10).await, shares([("green", 10)]));
}

#[tokio::test]
async fn rules_decide_by_priority_and_answer_or_redirect() {
    let stage = Stage::new("rules").await;
    let (group, server) = (stage.target_group("a").await, Server::start("a").await);
    stage.targets("RegisterTargets", &group, &server).await;
    let parameters = [
        ("LoadBalancerArn", stage.arn.as_str()),
        ("Port", "80"),
        ("Protocol", "HTTP"),
        ("DefaultActions.member.1.Type", "fixed-response"),
        ("DefaultActions.member.1.FixedResponseConfig.StatusCode", "404"),
        ("DefaultActions.member.1.FixedResponseConfig.ContentType", "text/html"),
        ("DefaultActions.member.1.FixedResponseConfig.MessageBody", "<p>no & none</p>"),
    ];
    let created = stage.aws.elb("CreateListener", &parameters).await.ok();
    let listener = created.get("ListenerArn");
    let rule = async |own: &[(&str, &str)]| {
        let parameters = [&[("ListenerArn", listener.as_str())][..], own].concat();
        stage.aws.elb("CreateRule", &parameters).await.ok().get("RuleArn")
    };
    let query = rule(&[
        ("Priority", "30"),
        ("Conditions.member.1.Field", "query-string"),
        ("Conditions.member.1.QueryStringConfig.Values.member.1.Key", "go"),
        ("Conditions.member.1.QueryStringConfig.Values.member.1.Value", "away"),
        ("Actions.member.1.Type", "redirect"),
        ("Actions.member.1.RedirectConfig.Protocol", "HTTPS"),
        ("Actions.member.1.RedirectConfig.Port", "443"),
        ("Actions.member.1.RedirectConfig.StatusCode", "HTTP_302"),
    ])
    .await;
    rule(&[
        ("Priority", "20"),
        ("Conditions.member.1.Field", "path-pattern"),
        ("Conditions.member.1.PathPatternConfig.Values.member.1", "/api/*"),
        ("Conditions.member.1.PathPatternConfig.Values.member.2", "/a&b"),
        ("Actions.member.1.Type", "forward"),
        ("Actions.member.1.TargetGroupArn", &group),
    ])
    .await;
    stage.until_health(&group, "healthy ").await;
    assert_eq!(stage.get("/").await, (404, "<p>no & none</p>".into()));
    assert!(stage.get("/api/x?go=away").await.1.starts_with("a /api/x?go=away"));
    assert!(stage.get("/a&b").await.1.starts_with("a /a&b"));
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let away = http.get(format!("{}/x?go=away", stage.aws.endpoint)).header("host", &stage.dns).send().await.unwrap();
    let host = stage.dns.split(':').next().unwrap();
    assert_eq!(
        (away.status().as_u16(), away.headers()["location"].to_str().unwrap()),
        (302, &*format!("https://{host}:443/x?go=away"))
    );
    let described = stage.aws.elb("DescribeRules", &[("RuleArns.member.1", &query)]).await.ok();
    assert_eq!((described.get("Key"), described.get("Value")), ("go".into(), "away".into()));
    let swap = [("RulePriorities.member.1.RuleArn", &*query), ("RulePriorities.member.1.Priority", "10")];
    stage.aws.elb("SetRulePriorities", &swap).await.ok();
    let away =
        http.get(format!("{}/api/x?go=away", stage.aws.endpoint)).header("host", &stage.dns).send().await.unwrap();
    assert_eq!(away.status(), 302);
    stage.aws.elb("DeleteRule", &[("RuleArn", &query)]).await.ok();
    assert!(stage.get("/api/x?go=away").await.1.starts_with("a /api/x"));
    stage.aws.elb("DeleteListener", &[("ListenerArn", &listener)]).await.ok();
    assert_eq!(stage.get("/").await.0, 503);
}

#[tokio::test]
async fn failures_of_targets_are_told_apart() {
    let stage = Stage::new("failures").await;
    let group = stage.target_group("a").await;
    stage.listener(&group).await;
    assert_eq!(stage.get("/").await.0, 503, "no target is registered");
    let idle = [
        ("LoadBalancerArn", stage.arn.as_str()),
        ("Attributes.member.1.Key", "idle_timeout.timeout_seconds"),
        ("Attributes.member.1.Value", "1"),
    ];
    stage.aws.elb("ModifyLoadBalancerAttributes", &idle).await.ok();
    let server = Server::start("a").await;
    stage.targets("RegisterTargets", &group, &server).await;
    stage.until_health(&group, "healthy ").await;
    assert_eq!(stage.get("/never").await.0, 504);
    assert_eq!(stage.get("/").await.0, 200);
    drop(server);
    assert_eq!(stage.get("/").await.0, 502, "nothing listens any more");
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    let silent = stage.target_group("silent").await;
    let parameters =
        [("TargetGroupArn", &*silent), ("Targets.member.1.Id", "127.0.0.1"), ("Targets.member.1.Port", &port)];
    stage.aws.elb("RegisterTargets", &parameters).await.ok();
    stage.aws.elb("CreateListener", &listener(&stage.arn, "81", &silent)).await.ok();
    stage.until_health(&silent, "unhealthy Target.Timeout").await;
    stage.aws.elb("DeregisterTargets", &parameters).await.ok();
    let mut other = parameters;
    other[1].1 = "127.0.0.2";
    stage.aws.elb("DeregisterTargets", &other).await.refused("InvalidTarget");
    other[1].1 = "i-0123";
    stage.aws.elb("RegisterTargets", &other).await.refused("ValidationError");
}

#[tokio::test]
async fn no_request_is_lost_while_targets_are_replaced_and_killed_once_drained() {
    let stage = Stage::new("rolling").await;
    let group = stage.target_group("a").await;
    stage.listener(&group).await;
    let mut old = Server::start("0").await;
    stage.targets("RegisterTargets", &group, &old).await;
    stage.until_health(&group, "healthy ").await;
    let (over, failed) = (AtomicBool::new(false), AtomicUsize::new(0));
    let load = async |path| {
        let mut requests = 0;
        while !over.load(Ordering::SeqCst) {
            requests += 1;
            if stage.get(path).await.0 != 200 {
                failed.fetch_add(1, Ordering::SeqCst);
            }
        }
        requests
    };
    let replace = async {
        for name in ["1", "2", "3", "4"] {
            let new = Server::start(name).await;
            stage.targets("RegisterTargets", &group, &new).await;
            stage.until("healthy", async || stage.health(&group).await == ["healthy ", "healthy "]).await;
            stage.targets("DeregisterTargets", &group, &old).await;
            stage.until_health(&group, "healthy ").await;
            assert!(old.served() > 0 && new.served() > 0);
            old = new;
        }
        over.store(true, Ordering::SeqCst);
    };
    // A long request takes twice the deregistration delay.
    let (one, two, three, ()) = tokio::join!(load("/"), load("/long"), load("/long"), replace);
    let requests = one + two + three;
    assert_eq!(failed.into_inner(), 0, "of {requests} requests");
    assert!(requests > 50, "{requests} requests are no load");
}
