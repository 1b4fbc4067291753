//! What is told where a record was moved away from the place that it was looked for in, or is not there yet.

use std::path::Path;

use super::args::{DEFAULT_ENVIRONMENT, STACK_FILE, StatePlace};
use super::error::CommandError;
use crate::state::place;

/// Where a record is that was not where it was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// It was moved to this place.
    Moved(String),
    /// It is where it was: the move to the place that it was looked for in was cut off.
    CutOff,
}

impl Elsewhere {
    /// What the user can do about it, where the record was looked for at `place`.
    fn hints(&self, looked: Option<&StatePlace>) -> Vec<String> {
        let stack = looked.and_then(|looked| looked.stack.as_deref());
        let place = looked.map_or("PLACE", |looked| &looked.place);
        match self {
            Self::Moved(to) => {
                vec![named(to, stack), format!("if the move was cut off, `{}` finishes it", migrate(looked, place, to))]
            }
            Self::CutOff => vec![format!(
                "`{}` finishes it, where OLDPLACE is where the record was",
                migrate(looked, "OLDPLACE", place)
            )],
        }
    }
}

impl CommandError {
    /// Adds where the record is.
    #[must_use]
    pub(super) fn elsewhere(self, elsewhere: Elsewhere) -> Self {
        Self { hints: elsewhere.hints(None), elsewhere: Some(elsewhere), ..self }
    }

    /// Tells it more exactly, now that it is known where the record was looked for, and of which stack.
    #[must_use]
    pub(super) fn at(self, place: &StatePlace) -> Self {
        match &self.elsewhere {
            Some(elsewhere) => Self { hints: elsewhere.hints(Some(place)), ..self },
            None => self,
        }
    }
}

/// The command that moves the record of the stack that `looked` is a place of.
fn migrate(looked: Option<&StatePlace>, from: &str, to: &str) -> String {
    let stack = looked.and_then(|looked| looked.stack.as_deref()).map(|file| match file.file_name() {
        Some(name) if name == STACK_FILE => file.parent().filter(|folder| *folder != Path::new("")),
        _ => Some(file),
    });
    let stack = match stack {
        Some(path) => path.unwrap_or(Path::new(".")).display().to_string(),
        None => "STACK".to_owned(),
    };
    let environment = looked.map(|looked| looked.environment.as_str()).filter(|name| *name != DEFAULT_ENVIRONMENT);
    let environment = environment.map(|name| format!(" -e {name}")).unwrap_or_default();
    format!("infra state migrate {stack}{environment} --state {} --to {}", word(from), word(to))
}

/// A place as one word of a command.
fn word(place: &str) -> String {
    if is_plain(place) { place.to_owned() } else { format!("'{}'", place.replace('\'', r"'\''")) }
}

/// Whether a place means itself, unquoted, to a shell and in YAML.
fn is_plain(place: &str) -> bool {
    place.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte))
}

/// How a place is named from now on, in the stack and outside of it.
pub(super) fn named(to: &str, stack: Option<&Path>) -> String {
    if !place::is_absolute(to) {
        return format!(
            "{to} is meant as seen from the folder that it was moved from: give its whole path as --state or \
             INFRA_STATE, and write it as `state:` in the stack, where it is relative to the stack's file"
        );
    }
    let written = stack.and_then(|stack| from_stack(Path::new(to), stack)).unwrap_or_else(|| to.to_owned());
    let written = match is_plain(&written) {
        true => written,
        false => serde_json::Value::from(written).to_string(),
    };
    format!("write `state: {written}` in the stack, or give {to} as --state or INFRA_STATE")
}

/// A folder as the stack's file names it, where it lies below or beside the folder of that file.
fn from_stack(to: &Path, stack: &Path) -> Option<String> {
    let stack = stack.canonicalize().ok()?;
    let folder = stack.parent()?;
    let path = match (to.strip_prefix(folder), folder.parent()) {
        (Ok(below), _) => below.to_owned(),
        // Everything there is lies below the root: that is not beside.
        (_, Some(around)) if around.parent().is_some() => Path::new("..").join(to.strip_prefix(around).ok()?),
        _ => return None,
    };
    let text = path.to_str()?;
    Some(if text.is_empty() { ".".to_owned() } else { text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_names_a_place_from_its_own_folder() {
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path().canonicalize().expect("path");
        let stack = root.join("all/shop/stack.yaml");
        std::fs::create_dir_all(root.join("all/shop")).expect("folder");
        std::fs::write(&stack, "").expect("stack");
        let in_stack = |to: &str| {
            let hint = named(to, Some(&stack));
            hint.split('`').nth(1).and_then(|text| text.strip_prefix("state: ")).map(str::to_owned)
        };
        for (to, written) in
            [("all/shop/kept", "kept"), ("all/kept", "../kept"), ("all/shop", "."), ("all/a b", "\"../a b\"")]
        {
            assert_eq!(in_stack(root.join(to).to_str().expect("text")).as_deref(), Some(written));
        }
        let far = root.join("kept").display().to_string();
        assert_eq!(in_stack(&far), Some(far));
        assert_eq!(in_stack("s3://acme/z").as_deref(), Some("s3://acme/z"));
        assert!(
            named("kept", Some(&stack)).starts_with("kept is meant as seen from the folder that it was moved from")
        );
    }
}
