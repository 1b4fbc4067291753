//! What `secrets` of a container are, as ECS fetches them when a task starts.

use serde_json::{Value, json};

use super::caller::{Caller, Refusal};

/// What ECS says before why it could not fetch a secret.
const FAILED: &str =
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed";

/// Fetches the value of `value_from`: the ARN of a secret of Secrets Manager, with or without a JSON key, version stage
/// and version id behind it, or the ARN or the name of a parameter of Systems Manager.
///
/// # Errors
/// Why the task can't start, in ECS's words; never the value.
pub(super) async fn fetch(caller: &Caller, value_from: &str) -> Result<String, String> {
    let parts: Vec<&str> = value_from.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "secretsmanager", region, _, "secret", _, rest @ ..] => {
            let arn = value_from.split_inclusive(':').take(7).collect::<String>();
            let arn = arn.strip_suffix(':').unwrap_or(&arn);
            secret(&caller.within(region), arn, rest).await.map_err(|why| {
                format!("{FAILED}: unable to retrieve secret from asm: service call has been retried 1 time(s): {why}")
            })
        }
        ["arn", _, "ssm", region, _, resource] => {
            parameter(&caller.within(region), resource.strip_prefix("parameter").unwrap_or(resource)).await
        }
        _ => parameter(caller, value_from).await,
    }
}

async fn secret(caller: &Caller, arn: &str, rest: &[&str]) -> Result<String, String> {
    let part = |index: usize| rest.get(index).copied().filter(|part| !part.is_empty());
    let mut input = json!({ "SecretId": arn });
    if let Some(stage) = part(1) {
        input["VersionStage"] = stage.into();
    }
    if let Some(version) = part(2) {
        input["VersionId"] = version.into();
    }
    let answer = caller.json("secretsmanager", "secretsmanager.GetSecretValue", &input).await;
    let answer = answer.map_err(|Refusal { code, message }| {
        format!("failed to fetch secret {arn} from secrets manager: {code}: {message}")
    })?;
    let text = answer["SecretString"].as_str();
    let text = text.ok_or_else(|| format!("the secret {arn} has no string"))?;
    let Some(key) = part(0) else { return Ok(text.into()) };
    let fields: Value = serde_json::from_str(text)
        .map_err(|_| format!("retrieved secret from Secrets Manager did not contain json key {key}: it is not JSON"))?;
    match &fields[key] {
        Value::Null => Err(format!("retrieved secret from Secrets Manager did not contain json key {key}")),
        Value::String(text) => Ok(text.clone()),
        other => Ok(other.to_string()),
    }
}

async fn parameter(caller: &Caller, name: &str) -> Result<String, String> {
    // An ARN leaves out the slash of a name that has no other.
    let bare = name.strip_prefix('/').filter(|rest| !rest.contains('/'));
    let mut refusal = None;
    for name in [Some(name), bare].into_iter().flatten() {
        let input = json!({"Names": [name], "WithDecryption": true});
        match caller.json("ssm", "AmazonSSM.GetParameters", &input).await {
            Ok(answer) => {
                if let Some(value) = answer["Parameters"][0]["Value"].as_str() {
                    return Ok(value.into());
                }
            }
            Err(refused) => refusal = Some(refused),
        }
    }
    let why = refusal.map_or_else(|| format!("invalid ssm parameters: {name}"), |refusal| refusal.to_string());
    Err(format!("{FAILED}: unable to retrieve secrets from ssm: service call has been retried 1 time(s): {why}"))
}
