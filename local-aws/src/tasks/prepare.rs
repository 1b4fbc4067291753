//! What must be had before a task's containers start: the values of its secrets and its log streams.

use super::caller::Caller;
use super::definition::Definition;
use super::logs::LogStream;
use super::secrets;

/// Fetches the secrets of each container, in the order of the containers, as variables.
///
/// # Errors
/// Why the task can't start, in ECS's words.
pub(super) async fn secrets(caller: &Caller, definition: &Definition) -> Result<Vec<Vec<(String, String)>>, String> {
    let mut all = Vec::new();
    for container in &definition.container_definitions {
        let mut variables = Vec::new();
        for secret in &container.secrets {
            variables.push((secret.name.clone(), secrets::fetch(caller, &secret.value_from).await?));
        }
        all.push(variables);
    }
    Ok(all)
}

/// Makes the log stream of each container that has one, in the order of the containers.
///
/// # Errors
/// Why the task can't start, in ECS's words.
pub(super) async fn logs(
    caller: &Caller,
    definition: &Definition,
    task: &str,
) -> Result<Vec<Option<LogStream>>, String> {
    let mut all = Vec::new();
    for container in &definition.container_definitions {
        all.push(match container.awslogs() {
            Some(options) => Some(LogStream::open(caller, options, &container.name, task).await?),
            None => None,
        });
    }
    Ok(all)
}
