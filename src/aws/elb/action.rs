//! What a listener or a rule does with a request.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types as sdk;

use crate::aws::mirror::{Word, mirror};

mirror! {
    /// What is done with a request.
    pub struct Action = sdk::Action {
        /// The kind of action.
        #[schemars(extend("enum" = ["forward", "redirect", "fixed-response", "authenticate-oidc", "authenticate-cognito"]))]
        r#type(set_type): Word<sdk::ActionTypeEnum>,
        /// Its place among several actions; the last one must be a `forward`, `redirect` or `fixed-response`.
        #[schemars(range(min = 1, max = 50_000))]
        order(set_order): Option<i32>,
        /// The target group that requests go to; for several, use `ForwardConfig`.
        target_group_arn(set_target_group_arn): Option<String>,
        /// How requests are spread over target groups.
        forward_config(set_forward_config): Option<ForwardConfig>,
        /// Where the client is sent instead.
        redirect_config(set_redirect_config): Option<RedirectConfig>,
        /// What is answered at once.
        fixed_response_config(set_fixed_response_config): Option<FixedResponseConfig>,
        /// How users sign in with an OpenID Connect provider.
        authenticate_oidc_config(set_authenticate_oidc_config): Option<AuthenticateOidcConfig>,
        /// How users sign in with Amazon Cognito.
        authenticate_cognito_config(set_authenticate_cognito_config): Option<AuthenticateCognitoConfig>,
    }

    /// How requests are spread over target groups.
    pub struct ForwardConfig = sdk::ForwardActionConfig {
        /// The target groups, 5 at most.
        #[schemars(extend("uniqueItems" = true))]
        target_groups(set_target_groups): Option<Vec<TargetGroupTuple>>,
        /// Whether a client stays with one target group.
        target_group_stickiness_config(set_target_group_stickiness_config): Option<TargetGroupStickinessConfig>,
    }

    /// A target group and its share of the requests.
    pub struct TargetGroupTuple = sdk::TargetGroupTuple {
        /// The target group.
        target_group_arn(set_target_group_arn): Option<String>,
        /// Its share, relative to that of the others.
        #[schemars(range(min = 0, max = 999))]
        weight(set_weight): Option<i32>,
    }

    /// Whether a client stays with one target group.
    pub struct TargetGroupStickinessConfig = sdk::TargetGroupStickinessConfig {
        /// Seconds for which it does.
        #[schemars(range(min = 1, max = 604_800))]
        duration_seconds(set_duration_seconds): Option<i32>,
        /// Whether it does. AWS's default is false.
        enabled(set_enabled): Option<bool>,
    }

    /// Where a client is sent. Each part may hold `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}` of the
    /// request, and is kept where it is not given.
    pub struct RedirectConfig = sdk::RedirectActionConfig {
        /// The host.
        #[schemars(length(min = 1, max = 128))]
        host(set_host): Option<String>,
        /// The path, beginning with a slash.
        #[schemars(length(min = 1, max = 128))]
        path(set_path): Option<String>,
        /// The port.
        port(set_port): Option<String>,
        /// The protocol.
        #[schemars(regex(pattern = r"^(HTTPS?|#\{protocol\})$"))]
        protocol(set_protocol): Option<String>,
        /// The query, without its question mark.
        #[schemars(length(max = 128))]
        query(set_query): Option<String>,
        /// Whether it is so for good (301) or for now (302).
        #[schemars(extend("enum" = ["HTTP_301", "HTTP_302"]))]
        status_code(set_status_code): Word<sdk::RedirectActionStatusCodeEnum>,
    }

    /// An answer that no target is asked for.
    pub struct FixedResponseConfig = sdk::FixedResponseActionConfig {
        /// The kind of content, such as `text/plain`.
        #[schemars(length(max = 32))]
        content_type(set_content_type): Option<String>,
        /// The content.
        #[schemars(length(max = 1024))]
        message_body(set_message_body): Option<String>,
        /// The status.
        #[schemars(regex(pattern = r"^(2|4|5)\d\d$"))]
        status_code(set_status_code): String,
    }

    /// How users sign in with an OpenID Connect provider.
    pub struct AuthenticateOidcConfig = sdk::AuthenticateOidcActionConfig {
        /// More parameters of the request to sign in.
        authentication_request_extra_params(set_authentication_request_extra_params): Option<BTreeMap<String, String>>,
        /// The provider's authorization endpoint.
        authorization_endpoint(set_authorization_endpoint): String,
        /// The client id.
        client_id(set_client_id): String,
        /// The client secret.
        #[schemars(extend("writeOnly" = true, "x-secret" = true))]
        client_secret(set_client_secret): Option<String>,
        /// The provider's issuer.
        issuer(set_issuer): String,
        /// What is done with users who are not signed in. AWS's default is `authenticate`.
        #[schemars(extend("enum" = ["deny", "allow", "authenticate"]))]
        on_unauthenticated_request(set_on_unauthenticated_request):
            Option<Word<sdk::AuthenticateOidcActionConditionalBehaviorEnum>>,
        /// The claims that are asked for. AWS's default is `openid`.
        scope(set_scope): Option<String>,
        /// The name of the session's cookie. AWS's default is `AWSELBAuthSessionCookie`.
        session_cookie_name(set_session_cookie_name): Option<String>,
        /// Seconds that a session lasts. AWS's default is 604800.
        session_timeout(set_session_timeout): Option<i64>,
        /// The provider's token endpoint.
        token_endpoint(set_token_endpoint): String,
        /// Whether the client secret stays as it is.
        #[schemars(extend("writeOnly" = true))]
        use_existing_client_secret(set_use_existing_client_secret): Option<bool>,
        /// The provider's user info endpoint.
        user_info_endpoint(set_user_info_endpoint): String,
    }

    /// How users sign in with Amazon Cognito.
    pub struct AuthenticateCognitoConfig = sdk::AuthenticateCognitoActionConfig {
        /// More parameters of the request to sign in.
        authentication_request_extra_params(set_authentication_request_extra_params): Option<BTreeMap<String, String>>,
        /// What is done with users who are not signed in. AWS's default is `authenticate`.
        #[schemars(extend("enum" = ["deny", "allow", "authenticate"]))]
        on_unauthenticated_request(set_on_unauthenticated_request):
            Option<Word<sdk::AuthenticateCognitoActionConditionalBehaviorEnum>>,
        /// The claims that are asked for. AWS's default is `openid`.
        scope(set_scope): Option<String>,
        /// The name of the session's cookie. AWS's default is `AWSELBAuthSessionCookie`.
        session_cookie_name(set_session_cookie_name): Option<String>,
        /// Seconds that a session lasts. AWS's default is 604800.
        session_timeout(set_session_timeout): Option<i64>,
        /// The user pool.
        user_pool_arn(set_user_pool_arn): String,
        /// The user pool's client.
        user_pool_client_id(set_user_pool_client_id): String,
        /// The user pool's domain.
        user_pool_domain(set_user_pool_domain): String,
    }
}

/// Actions as AWS tells them: it names a single target group in one place or both, so both are filled in.
pub(super) fn told(mut actions: Vec<Action>) -> Vec<Action> {
    for action in actions.iter_mut().filter(|action| action.r#type.as_str() == "forward") {
        let groups = action.forward_config.as_ref().and_then(|forward| forward.target_groups.as_deref());
        match (groups.unwrap_or_default(), &action.target_group_arn) {
            ([only], None) => action.target_group_arn.clone_from(&only.target_group_arn),
            ([], Some(arn)) => {
                let group = TargetGroupTuple { target_group_arn: Some(arn.clone()), weight: Some(1) };
                let stickiness = TargetGroupStickinessConfig { duration_seconds: None, enabled: Some(false) };
                action.forward_config = Some(ForwardConfig {
                    target_groups: Some(vec![group]),
                    target_group_stickiness_config: Some(stickiness),
                });
            }
            _ => {}
        }
    }
    actions
}
