//! The little of a stack that is needed where only its record is looked at: its name, and where its state is kept.

use std::path::Path;

use super::document::Reader;
use super::expression::Compiler;
use super::{Keeping, files, keeping, yaml};
use crate::diagnostic::{Diagnostic, Span};

/// What a stack is called, and where its state is kept.
#[derive(Debug)]
pub struct Head {
    /// Its name.
    pub name: String,
    /// Where its state is kept.
    pub keeping: Keeping,
}

/// The head of the stack at `path`, a folder with a `stack.yaml` or a file, whatever else is wrong in it.
///
/// # Errors
///
/// Why it can't be told.
pub fn head(path: &Path) -> Result<Head, Vec<Diagnostic>> {
    let file = if path.is_dir() { path.join("stack.yaml") } else { path.to_owned() };
    let source = files::source(&file).map_err(|error| vec![error])?;
    let mut diagnostics = Vec::new();
    let Some(root) = yaml::parse(&source, &mut diagnostics) else { return Err(diagnostics) };
    let start = Span::new(&source, root.range.start..root.range.start);
    let missing = || vec![Diagnostic::error(&start, "this is no stack: it has no `stack: NAME`")];
    let yaml::Data::Map(entries) = root.data else { return Err(missing()) };
    let (mut name, mut state) = (None, None);
    for (key, node) in entries {
        match (key.text.as_str(), &node.data) {
            ("stack", yaml::Data::Text(text)) => name = Some(text.clone()),
            ("state", _) => state = Some(node),
            _ => {}
        }
    }
    let name = name.ok_or_else(missing)?;
    let (mut compiler, mut wrong) = (Compiler::default(), Vec::new());
    let mut reader = Reader { source: &source, compiler: &mut compiler, diagnostics: &mut wrong };
    let keeping = state.map_or_else(|| Keeping::of(&file), |node| keeping::read(&mut reader, node));
    if wrong.is_empty() { Ok(Head { name, keeping }) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Head, String> {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("stack.yaml"), text).expect("write");
        head(folder.path()).map_err(|errors| errors[0].message.clone())
    }

    fn named(text: &str) -> Result<String, String> {
        read(text).map(|head| head.name)
    }

    fn place(text: &str, environment: &str) -> Result<Option<String>, String> {
        read(&format!("stack: mail\n{text}\n"))?.keeping.place(environment).map_err(|error| error.message)
    }

    #[test]
    fn state_is_kept_where_the_stack_says() {
        let s3 = Ok(Some("s3://acme/infra".to_owned()));
        assert_eq!(place("state: s3://acme/infra", "dev"), s3);
        assert_eq!(place("state: {place: s3://acme/infra}", "dev"), s3);
        assert_eq!(place("state: {place: {dev: s3://acme/infra, prod: s3://other}}", "dev"), s3);
        assert_eq!(place("state: {encryption: passphrase}", "dev"), Ok(None));
        assert_eq!(place("", "dev"), Ok(None));
        let folder = place("state: kept", "dev").expect("a place").expect("a folder");
        assert!(folder.starts_with('/') && folder.ends_with("/kept"), "beside the stack: {folder}");
        let missing = place("state: {place: {prod: s3://other}}", "dev");
        assert_eq!(missing, Err("`state` names no place for the environment `dev`".to_owned()));
    }

    #[test]
    fn encryption_is_by_a_key_or_a_passphrase_that_does_not_stand_there() {
        let encryption = |text: &str| read(&format!("stack: mail\nstate: {{encryption: {text}}}\n"));
        let of = |text: &str| encryption(text).map(|head| head.keeping.encryption);
        assert_eq!(of("{kms: alias/state}"), Ok(Some(super::super::Encryption::Kms("alias/state".to_owned()))));
        assert_eq!(of("passphrase"), Ok(Some(super::super::Encryption::Passphrase)));
        assert_eq!(of("{passphrase: hunter2}"), Err("a passphrase does not stand in a stack".to_owned()));
        for text in ["kms", "{}", "5"] {
            assert_eq!(of(text), Err("`encryption` is `passphrase`, or `{kms: KEY}`".to_owned()), "{text}");
        }
    }

    #[test]
    fn state_is_not_kept_just_anywhere() {
        assert_eq!(place("state: gs://acme", "dev"), Err("state can't be kept in gs://".to_owned()));
        assert_eq!(place("state: s3://${params.x}", "dev"), Err("`state` can't hold an expression".to_owned()));
        assert_eq!(place("state: {palce: x}", "dev"), Err("`state` has no key `palce`".to_owned()));
        assert_eq!(place("state: s3:/acme", "dev"), Err("`s3:/acme` is neither a bucket nor a folder".to_owned()));
        for bucket in ["", "Team", "a_b"] {
            let refused = Err(format!("`{bucket}` is not the name of a bucket"));
            assert_eq!(place(&format!("state: s3://{bucket}/c"), "dev"), refused);
        }
        assert_eq!(place("state: ''", "dev"), Err("the place of the state is empty".to_owned()));
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

    #[test]
    fn no_message_shows_what_may_be_a_passphrase() {
        for text in [
            "encryption: {passphrase: hunter2}",
            "encryption: {passphrases: hunter2}",
            "encryption: {Passphrase: hunter2, passphrase: hunter2}",
            "encryption: {kms: a, x: hunter2}",
            "encryption: {passphrase: x, key: [hunter2]}",
            "encryption: {key: {passphrase: hunter2}}",
            "encryption: [hunter2]",
            "encryption: hunter2",
            "encryption: {kms: [hunter2]}",
            "encryption: {kms: {passphrase: hunter2}}",
            "encryption: {passphrase: x, kms: hunter2}",
            "encryption: {passphrase: x, passphrase: hunter2}",
            "passphrase: hunter2",
            "encryption: passphrase: hunter2",
        ] {
            let folder = tempfile::tempdir().expect("folder");
            let stack = format!("stack: mail\nstate: {{{text}}}\n");
            std::fs::write(folder.path().join("stack.yaml"), &stack).expect("write");
            let shown = crate::diagnostic::render(&head(folder.path()).expect_err("it is wrong"), false);
            assert!(!shown.contains("hunter2"), "{shown}");
            let written = stack.replace("state: {", "state:\n  ").replace("}\n", "\n");
            std::fs::write(folder.path().join("stack.yaml"), written).expect("write");
            let shown = crate::diagnostic::render(&head(folder.path()).expect_err("it is wrong"), false);
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
