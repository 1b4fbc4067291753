//! A stack's name alone, for what needs no more of it.

use std::path::Path;

use super::{files, yaml};
use crate::diagnostic::{Diagnostic, Span};

/// The name of the stack at `path`, a folder with a `stack.yaml` or a file, whatever else is wrong in it.
///
/// # Errors
///
/// Why it can't be told.
pub fn name(path: &Path) -> Result<String, Vec<Diagnostic>> {
    let file = if path.is_dir() { path.join("stack.yaml") } else { path.to_owned() };
    let source = files::source(&file).map_err(|error| vec![error])?;
    let mut diagnostics = Vec::new();
    let Some(root) = yaml::parse(&source, &mut diagnostics) else { return Err(diagnostics) };
    let missing = || {
        let message = "this is no stack: it has no `stack: NAME`";
        vec![Diagnostic::error(&Span::new(&source, root.range.start..root.range.start), message)]
    };
    let yaml::Data::Map(entries) = &root.data else { return Err(missing()) };
    let named = entries.iter().find(|(key, _)| key.text == "stack");
    match named.map(|(_, node)| &node.data) {
        Some(yaml::Data::Text(name)) => Ok(name.clone()),
        _ => Err(missing()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("stack.yaml"), text).expect("write");
        name(folder.path()).map_err(|errors| errors[0].message.clone())
    }

    #[test]
    fn other_mistakes_do_not_hide_the_name() {
        assert_eq!(named("stack: mail\nresourcse: 5\n"), Ok("mail".to_owned()));
    }

    #[test]
    fn what_has_no_name_is_no_stack() {
        for text in ["resources: {}\n", "- stack\n", "stack: [a]\n"] {
            assert!(named(text).is_err_and(|message| message.contains("no stack")), "{text}");
        }
        assert!(named("stack: \"mail\n").is_err());
    }
}
