//! `AWS::ElasticLoadBalancingV2::Listener`.

use aws_sdk_elasticloadbalancingv2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::{self, Action};
use super::{BATCH, each_found, having, made, retag, tag_list, tags_of};
use crate::address::Id;
use crate::aws::client::Aws;
use crate::aws::error::{During, built, found};
use crate::aws::mirror::{Mirror, Word, mirror};
use crate::aws::resource::{Observed, Resource, Result};
use crate::aws::tags::{self as ownership, Tags};
use crate::catalog::{Permissions, Tagging};
use crate::cloud::Op;

/// The security policy that AWS uses where none is given.
const DEFAULT_SSL_POLICY: &str = "ELBSecurityPolicy-2016-08";

mirror! {
    /// A certificate.
    pub struct Certificate = sdk::Certificate {
        /// The certificate's ARN.
        certificate_arn(set_certificate_arn): Option<String>,
    }

    /// How clients show who they are with certificates of their own.
    pub struct MutualAuthentication = sdk::MutualAuthenticationAttributes {
        /// Whether the names of the trust store's authorities are told to clients. AWS's default is `off`.
        #[schemars(extend("enum" = ["on", "off"]))]
        advertise_trust_store_ca_names(set_advertise_trust_store_ca_names):
            Option<Word<sdk::AdvertiseTrustStoreCaNamesEnum>>,
        /// Whether expired certificates are taken.
        ignore_client_certificate_expiry(set_ignore_client_certificate_expiry): Option<bool>,
        /// Whether they are checked, passed on, or not asked for.
        #[schemars(extend("enum" = ["off", "passthrough", "verify"]))]
        mode(set_mode): Option<String>,
        /// The trust store that they are checked with.
        trust_store_arn(set_trust_store_arn): Option<String>,
    }
}

/// A listener: a port of a load balancer, and what is done with requests that no rule takes.
///
/// One read describes 20 of them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Listener {
    /// The ALPN policy; `TLS` listeners only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn_policy: Option<Vec<String>>,
    /// The certificate, one; required for `HTTPS` and `TLS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true))]
    pub certificates: Option<Vec<Certificate>>,
    /// What is done with requests that no rule takes.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub default_actions: Vec<Action>,
    /// The load balancer.
    pub load_balancer_arn: String,
    /// How clients show who they are with certificates of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutual_authentication: Option<MutualAuthentication>,
    /// The port; required but for gateway load balancers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: Option<i32>,
    /// The protocol that clients speak; required but for gateway load balancers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC"]))]
    pub protocol: Option<String>,
    /// Which protocols and ciphers are taken. AWS's default is `ELBSecurityPolicy-2016-08`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// What AWS tells of a listener.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// Its ARN.
    pub listener_arn: String,
}

impl Resource for Listener {
    const TYPE: &'static str = "AWS::ElasticLoadBalancingV2::Listener";
    const CREATE_ONLY: &'static [&'static str] = &["LoadBalancerArn"];
    const STARTS_EARLY: &'static [&'static str] = &["LoadBalancerArn"];
    const UNIQUE: &'static [&'static [&'static str]] = &[&["LoadBalancerArn", "Port"]];
    const TAGS: Option<Tagging> = Some(Tagging::List);
    const PERMISSIONS: Permissions = Permissions {
        create: &[
            "elasticloadbalancing:CreateListener",
            "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:DescribeTags",
            "cognito-idp:DescribeUserPoolClient",
        ],
        read: &["elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeTags"],
        update: &[
            "elasticloadbalancing:ModifyListener",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:RemoveTags",
            "cognito-idp:DescribeUserPoolClient",
        ],
        delete: &["elasticloadbalancing:DeleteListener"],
    };
    const READ_BATCH: usize = BATCH;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, op: &Op) -> Result<Id> {
        const OPERATION: &str = "elasticloadbalancing:CreateListener";
        let call = aws
            .elb()
            .create_listener()
            .load_balancer_arn(&self.load_balancer_arn)
            .set_alpn_policy(self.alpn_policy.clone())
            .set_certificates(built(self.certificates.sdk(), OPERATION)?)
            .set_default_actions(built(self.default_actions.sdk(), OPERATION)?)
            .set_mutual_authentication(built(self.mutual_authentication.sdk(), OPERATION)?)
            .set_port(self.port)
            .set_protocol(self.protocol.as_deref().map(Into::into))
            .set_ssl_policy(self.ssl_policy.clone())
            .set_tags(tag_list(&self.tags));
        let answer = call.send().await.during(OPERATION)?;
        made(aws, op, answer.listeners().first().and_then(|listener| listener.listener_arn()), OPERATION).await
    }

    async fn read(aws: &Aws, ids: &[Id]) -> Result<Vec<Observed<Self>>> {
        let listeners = each_found(ids, |arns| describe(aws, arns)).await?;
        let arns: Vec<_> = listeners.iter().filter_map(|listener| listener.listener_arn()).collect();
        let mut tags = tags_of(aws, &arns).await?;
        let read = listeners.iter().map(|listener| {
            let tags = listener.listener_arn().and_then(|arn| tags.remove(arn)).unwrap_or_default();
            observed(listener, tags)
        });
        Ok(read.collect())
    }

    async fn update(&self, aws: &Aws, _op: &Op, id: &Id, old: &Self) -> Result<()> {
        if self.settings() != old.settings() {
            self.modify(aws, id, old).await?;
        }
        retag(aws, id.as_str(), &old.tags, &self.tags).await
    }

    async fn delete(aws: &Aws, id: &Id) -> Result<()> {
        let call = aws.elb().delete_listener().listener_arn(id.as_str());
        call.send().await.during("elasticloadbalancing:DeleteListener")?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, op: &Op) -> Result<Option<Id>> {
        let pages = aws.elb().describe_listeners().load_balancer_arn(&self.load_balancer_arn).into_paginator();
        let all = pages.items().send().collect::<std::result::Result<Vec<_>, _>>().await;
        let all = found(all.during("elasticloadbalancing:DescribeListeners"))?.unwrap_or_default();
        let arns = all.into_iter().filter_map(|listener: sdk::Listener| listener.listener_arn).collect();
        Ok(having(aws, arns, &ownership::of_op(op)).await?.into_iter().next())
    }
}

impl Listener {
    /// All that `ModifyListener` can change, to be compared.
    fn settings(&self) -> impl PartialEq + use<'_> {
        (
            (&self.alpn_policy, &self.certificates, &self.default_actions),
            (&self.mutual_authentication, &self.port, &self.protocol, &self.ssl_policy),
        )
    }

    async fn modify(&self, aws: &Aws, id: &Id, old: &Self) -> Result<()> {
        const OPERATION: &str = "elasticloadbalancing:ModifyListener";
        let is_secure = matches!(self.protocol.as_deref(), Some("HTTPS" | "TLS"));
        let policy = self.ssl_policy.clone().or_else(|| old.ssl_policy.as_ref().map(|_| DEFAULT_SSL_POLICY.to_owned()));
        let off = || MutualAuthentication {
            advertise_trust_store_ca_names: None,
            ignore_client_certificate_expiry: None,
            mode: Some("off".to_owned()),
            trust_store_arn: None,
        };
        let mutual = self.mutual_authentication.clone().or_else(|| old.mutual_authentication.as_ref().map(|_| off()));
        let certificates = self.certificates.as_ref().filter(|_| is_secure);
        let mut call = aws
            .elb()
            .modify_listener()
            .listener_arn(id.as_str())
            .set_certificates(certificates.map(|list| built(list.sdk(), OPERATION)).transpose()?.flatten())
            .set_default_actions(built(self.default_actions.sdk(), OPERATION)?)
            .set_mutual_authentication(built(mutual.filter(|_| is_secure).sdk(), OPERATION)?)
            .set_port(self.port)
            .set_protocol(self.protocol.as_deref().map(Into::into))
            .set_ssl_policy(policy.filter(|_| is_secure));
        if self.alpn_policy != old.alpn_policy {
            call = call.set_alpn_policy(Some(self.alpn_policy.clone().unwrap_or_else(|| vec!["None".to_owned()])));
        }
        call.send().await.during(OPERATION)?;
        Ok(())
    }
}

async fn describe(aws: &Aws, arns: Vec<String>) -> Result<Vec<sdk::Listener>> {
    let call = aws.elb().describe_listeners().set_listener_arns(Some(arns));
    let answer = call.send().await.during("elasticloadbalancing:DescribeListeners")?;
    Ok(answer.listeners.unwrap_or_default())
}

fn observed(listener: &sdk::Listener, tags: Tags) -> Observed<Listener> {
    let arn = listener.listener_arn().unwrap_or_default();
    let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    Observed {
        id: Id::new(arn),
        properties: Listener {
            alpn_policy: some(listener.alpn_policy()),
            certificates: Mirror::of(listener.certificates.clone().filter(|list| !list.is_empty())),
            default_actions: action::told(Mirror::of(listener.default_actions.clone())),
            load_balancer_arn: listener.load_balancer_arn().unwrap_or_default().to_owned(),
            mutual_authentication: Mirror::of(listener.mutual_authentication.clone()),
            port: listener.port(),
            protocol: listener.protocol().map(ToString::to_string),
            ssl_policy: listener.ssl_policy().filter(|policy| !policy.is_empty()).map(str::to_owned),
            tags,
        },
        outputs: Outputs { listener_arn: arn.to_owned() },
    }
}
