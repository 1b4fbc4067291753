//! ListServiceDeployments, DescribeServiceDeployments, DescribeServiceRevisions and StopServiceDeployment.

use serde_json::{Value, json};

use super::operations::{cluster, described, page, short, strings};
use super::service::Progress;
use super::shift::Stage;
use super::{refused, text, told};
use crate::error::AwsError;
use crate::facts::Facts;

pub(super) async fn list(input: &Value, facts: &Facts<'_>) -> Result<Value, AwsError> {
    let cluster = cluster(input, facts).await?;
    let name = short(text(&input["service"]));
    let state = facts.shared.ecs.state();
    let services = state.services.values();
    let Some(service) = services.filter(|one| one.cluster_arn == cluster.arn).find(|one| one.name == name) else {
        return refused("ServiceNotFoundException", "Service not found.");
    };
    let statuses: Vec<&str> = strings(input, "status").collect();
    let (after, before) = (input["createdAt"]["after"].as_f64(), input["createdAt"]["before"].as_f64());
    let listed = service.history.iter().filter(|one| {
        (statuses.is_empty() || statuses.contains(&one.status.word()))
            && after.is_none_or(|after| one.created > after)
            && before.is_none_or(|before| one.created < before)
    });
    let listed = listed.map(|one| told::brief(service, one, &state.tasks)).collect();
    Ok(page(listed, input, "serviceDeployments"))
}

pub(super) fn describe(input: &Value, facts: &Facts<'_>) -> Value {
    let state = facts.shared.ecs.state();
    let find = |arn: &str| {
        let mut all = state.services.values().flat_map(|service| service.history.iter().map(move |one| (service, one)));
        let (service, one) = all.find(|(_, one)| one.arn == arn)?;
        Some(told::service_deployment(service, one, &state.tasks))
    };
    described(strings(input, "serviceDeploymentArns"), "serviceDeployments", str::to_owned, find)
}

pub(super) fn revisions(input: &Value, facts: &Facts<'_>) -> Value {
    let state = facts.shared.ecs.state();
    let find = |arn: &str| {
        let mut all =
            state.services.values().flat_map(|service| service.revisions.iter().map(move |one| (service, one)));
        let (service, one) = all.find(|(_, one)| one.arn == arn)?;
        Some(told::revision(service, one))
    };
    described(strings(input, "serviceRevisionArns"), "serviceRevisions", str::to_owned, find)
}

pub(super) fn stop(input: &Value, facts: &Facts<'_>) -> Result<Value, AwsError> {
    let arn = text(&input["serviceDeploymentArn"]);
    let mut state = facts.shared.ecs.state();
    let now = state.keeper.now(facts.shared.clock().scale());
    let Some(one) = state.services.values_mut().flat_map(|service| &mut service.history).find(|one| one.arn == arn)
    else {
        return refused("ServiceDeploymentNotFoundException", "Service deployment not found.");
    };
    let is_past = one.shift.is_some_and(|shift| shift.stage == Stage::CleanUp);
    if is_past || !matches!(one.status, Progress::Pending | Progress::Started) {
        let message = format!("The service deployment is in {} state and can't be stopped.", one.status.word());
        return refused("ConflictException", &message);
    }
    match input["stopType"].as_str().unwrap_or("ROLLBACK") {
        "ROLLBACK" => one.enter(Progress::RollbackRequested, "", &now),
        "ABORT" => one.enter(Progress::StopRequested, "", &now),
        _ => return refused("InvalidParameterException", "Invalid stop type."),
    }
    Ok(json!({"serviceDeploymentArn": arn}))
}
