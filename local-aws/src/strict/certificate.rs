//! Certificates: one that a listener uses is not deleted.

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;

pub(super) async fn check(call: &Call, facts: &Facts<'_>) -> Result<(), AwsError> {
    if call.operation != "DeleteCertificate" {
        return Ok(());
    }
    let arn = call.json["CertificateArn"].as_str().unwrap_or_default();
    let listeners = facts.elb("DescribeListeners").await?;
    if listeners.iter().any(|listener| listener.texts_at("Certificates/member/CertificateArn").contains(&arn)) {
        let message = format!("Certificate {arn} in account {} is in use.", crate::ACCOUNT_ID);
        return Err(AwsError::refused("ResourceInUseException", message));
    }
    Ok(())
}
