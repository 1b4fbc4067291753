//! Images of containers: what the engine has, and what this endpoint's own registry has.

use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::StreamExt;

use super::engine::{Engine, reason};

impl Engine {
    /// Has the engine have `image`, and returns the name that it has there.
    ///
    /// # Errors
    /// Why it can't be had, in ECS's words.
    pub(super) async fn pulled(&self, image: &str) -> Result<String, String> {
        if self.docker.inspect_image(image).await.is_ok() {
            return Ok(image.into());
        }
        let failed = |why: String| {
            format!(
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {why}"
            )
        };
        let Some(local) = local_name(image, self.port) else {
            let port = self.port;
            return Err(failed(format!("the engine does not have it, and only 127.0.0.1:{port} is pulled from")));
        };
        let options = CreateImageOptionsBuilder::default().from_image(&local).build();
        let mut progress = self.docker.create_image(Some(options), None, None);
        while let Some(step) = progress.next().await {
            step.map_err(|error| failed(reason(error)))?;
        }
        Ok(local)
    }
}

/// Returns the name of `image` in the registry at `port` of loopback, with its tag; none if it is of another registry.
fn local_name(image: &str, port: u16) -> Option<String> {
    let (registry, name) = image.split_once('/')?;
    let own = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let is_ecr = registry.contains(".dkr.ecr.") && registry.ends_with(".amazonaws.com");
    if !own.iter().any(|own| own == registry) && !is_ecr {
        return None;
    }
    let tagged = name.contains('@') || name.rsplit('/').next().is_some_and(|last| last.contains(':'));
    let tag = if tagged { "" } else { ":latest" };
    Some(format!("127.0.0.1:{port}/{name}{tag}"))
}

#[cfg(test)]
mod tests {
    use super::local_name;

    #[test]
    fn only_the_own_registry_is_pulled_from() {
        let cases = [
            ("127.0.0.1:4566/team/web:1", Some("127.0.0.1:4566/team/web:1")),
            ("localhost:4566/web", Some("127.0.0.1:4566/web:latest")),
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1", Some("127.0.0.1:4566/web:1")),
            ("127.0.0.1:4566/web@sha256:00", Some("127.0.0.1:4566/web@sha256:00")),
            ("127.0.0.1:5000/web:1", None),
            ("docker.io/library/nginx:1", None),
            ("nginx", None),
        ];
        for (image, wanted) in cases {
            assert_eq!(local_name(image, 4566).as_deref(), wanted, "{image}");
        }
    }
}
