//! An image that may be another one tomorrow.

use crate::lint::scene::{Found, Scene, list, text};
use crate::lint::{Lint, TASK_DEFINITION};

pub(in crate::lint) const LINT: Lint = Lint {
    name: "image-tag",
    about: "an image without a tag, or with `latest`: a task that is restarted may run another version",
    kind: TASK_DEFINITION,
    check,
};

fn check(scene: &Scene<'_>, task: usize) -> Found {
    let properties = scene.properties(task)?;
    let mut faults = Vec::new();
    for (index, container) in list(&properties, "ContainerDefinitions")?.iter().enumerate() {
        let Some(image) = text(container, "Image")?.filter(|image| moves(image)) else { continue };
        let message =
            format!("the image `{image}` may be another one whenever a task starts, and can't be rolled back to");
        let path = format!("ContainerDefinitions[{index}].Image");
        faults.push(scene.fault(task, &[&path], message, "give it a tag that is never moved, or its digest"));
    }
    Ok(faults)
}

/// Whether what the image's name stands for changes: it has no digest, and no tag but `latest`.
fn moves(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or_default();
    !name.contains('@') && matches!(name.split_once(':'), None | Some((_, "latest" | "")))
}

#[cfg(test)]
mod tests {
    use super::moves;

    #[test]
    fn a_port_is_no_tag() {
        for image in ["nginx", "nginx:latest", "localhost:5000/web", "a.dkr.ecr.eu-1.amazonaws.com/b/c:latest"] {
            assert!(moves(image), "{image}");
        }
        for image in ["nginx:1.27", "localhost:5000/web:2", "nginx@sha256:0123", "nginx:latest@sha256:0123"] {
            assert!(!moves(image), "{image}");
        }
    }
}
