//! The parts that `AWS::SES::ConfigurationSet` is made of, to and from the SDK's types.

use std::collections::BTreeSet;

use aws_sdk_sesv2::types as sdk;

use crate::aws::mirror::{Word, mirror};

mirror! {
    /// Where sent messages are kept.
    pub struct ArchivingOptions = sdk::ArchivingOptions {
        /// The Mail Manager archive.
        archive_arn(set_archive_arn): Option<String>,
    }

    /// How messages are delivered.
    pub struct DeliveryOptions = sdk::DeliveryOptions {
        /// Seconds for which delivery is tried.
        #[schemars(range(min = 300, max = 50_400))]
        max_delivery_seconds(set_max_delivery_seconds): Option<i64>,
        /// The pool of dedicated IP addresses that messages are sent from.
        sending_pool_name(set_sending_pool_name): Option<String>,
        /// Whether a message is delivered only over TLS. AWS's default is `OPTIONAL`.
        #[schemars(extend("enum" = ["REQUIRE", "OPTIONAL"]))]
        tls_policy(set_tls_policy): Option<Word<sdk::TlsPolicy>>,
    }

    /// What is told of the sender's reputation.
    pub struct ReputationOptions = sdk::ReputationOptions {
        /// Whether bounces and complaints are counted in CloudWatch. AWS's default is false.
        reputation_metrics_enabled(set_reputation_metrics_enabled): Option<bool>,
    }

    /// Whether messages are sent.
    pub struct SendingOptions = sdk::SendingOptions {
        /// Whether they are. AWS's default is true.
        sending_enabled(set_sending_enabled): Option<bool>,
    }

    /// Which addresses messages are not sent to. The account's settings hold where it is not given.
    pub struct SuppressionOptions = sdk::SuppressionOptions {
        /// What brings an address onto the account's suppression list; nothing where it is empty.
        #[schemars(extend("items" = { "type": "string", "enum": ["BOUNCE", "COMPLAINT"] }))]
        suppressed_reasons(set_suppressed_reasons): Option<BTreeSet<Word<sdk::SuppressionListReason>>>,
        /// Whether addresses are checked before messages are sent.
        validation_options(set_validation_options): Option<ValidationOptions>,
    }

    /// Whether addresses are checked before messages are sent.
    pub struct ValidationOptions = sdk::SuppressionValidationOptions {
        /// How sure SES must be that an address exists.
        condition_threshold(set_condition_threshold): ConditionThreshold,
    }

    /// How sure SES must be that an address exists.
    pub struct ConditionThreshold = sdk::SuppressionConditionThreshold, fallible {
        /// Whether addresses are checked.
        #[schemars(extend("enum" = ["ENABLED", "DISABLED"]))]
        condition_threshold_enabled(set_condition_threshold_enabled): Word<sdk::FeatureStatus>,
        /// From which confidence on a message is sent.
        overall_confidence_threshold(set_overall_confidence_threshold): Option<OverallConfidenceThreshold>,
    }

    /// From which confidence on a message is sent.
    pub struct OverallConfidenceThreshold = sdk::SuppressionConfidenceThreshold, fallible {
        /// The confidence.
        #[schemars(extend("enum" = ["MEDIUM", "HIGH", "MANAGED"]))]
        confidence_verdict_threshold(set_confidence_verdict_threshold):
            Word<sdk::SuppressionConfidenceVerdictThreshold>,
    }

    /// How links and the opening of messages are tracked.
    pub struct TrackingOptions = sdk::TrackingOptions, fallible {
        /// The domain that tracked links lead over; required beside `HttpsPolicy`.
        custom_redirect_domain(set_custom_redirect_domain): Option<String>,
        /// Which of them use HTTPS. AWS's default is `OPTIONAL`.
        #[schemars(extend("enum" = ["REQUIRE", "REQUIRE_OPEN_ONLY", "OPTIONAL"]))]
        https_policy(set_https_policy): Option<Word<sdk::HttpsPolicy>>,
    }

    /// What Virtual Deliverability Manager does. The account's settings hold where it is not given.
    pub struct VdmOptions = sdk::VdmOptions {
        /// Its dashboard.
        dashboard_options(set_dashboard_options): Option<DashboardOptions>,
        /// Its guardian.
        guardian_options(set_guardian_options): Option<GuardianOptions>,
    }

    /// The dashboard of Virtual Deliverability Manager.
    pub struct DashboardOptions = sdk::DashboardOptions {
        /// Whether it shows what becomes of messages.
        #[schemars(extend("enum" = ["ENABLED", "DISABLED"]))]
        engagement_metrics(set_engagement_metrics): Word<sdk::FeatureStatus>,
    }

    /// The guardian of Virtual Deliverability Manager.
    pub struct GuardianOptions = sdk::GuardianOptions {
        /// Whether shared IP addresses are chosen for the best delivery.
        #[schemars(extend("enum" = ["ENABLED", "DISABLED"]))]
        optimized_shared_delivery(set_optimized_shared_delivery): Word<sdk::FeatureStatus>,
    }
}
