//! Where a stack's state is kept: `state`, which is needed before anything of the stack is evaluated.

use std::path::Path;

use super::document::{Reader, Spanned};
use super::yaml::{Data, Node};
use crate::diagnostic::{Diagnostic, Span};

/// The keys of `state`, where it is a map.
pub(super) const KEYS: &[&str] = &["place", "encryption"];
/// The keys of `encryption`.
pub(super) const ENCRYPTION_KEYS: &[&str] = &["kms", "passphrase"];

/// Where a stack's state is kept, and how.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    place: Option<Place>,
    /// What new entries are encrypted with.
    pub encryption: Option<Encryption>,
}

#[derive(Clone, Debug)]
enum Place {
    /// One for all environments.
    All(Spanned<String>),
    /// One for each environment.
    Each(Span, Vec<(String, Spanned<String>)>),
}

/// What state is encrypted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// A key of AWS KMS: its id, ARN or alias.
    Kms(String),
    /// A passphrase, which the environment gives.
    Passphrase,
}

impl Keeping {
    /// The place for an environment: `s3://BUCKET/PREFIX`, or a folder, taken relative to that of the stack's file.
    ///
    /// # Errors
    /// Where the stack names places, and none for this environment.
    pub fn place(&self, environment: &str) -> Result<Option<String>, Diagnostic> {
        let place = match &self.place {
            None => return Ok(None),
            Some(Place::All(place)) => place,
            Some(Place::Each(span, places)) => {
                let found = places.iter().find(|(name, _)| name == environment);
                let missing = || {
                    Diagnostic::error(span, format!("`state` names no place for the environment `{environment}`"))
                        .help(format!("add `{environment}: PLACE`, or say --state PLACE"))
                };
                &found.ok_or_else(missing)?.1
            }
        };
        if place.value.contains("://") || Path::new(&place.value).is_absolute() {
            return Ok(Some(place.value.clone()));
        }
        let folder = place.span.source.path.parent().unwrap_or(Path::new(""));
        Ok(Some(folder.join(&place.value).display().to_string()))
    }
}

/// Reads `state`.
pub(super) fn read(reader: &mut Reader<'_>, node: Node) -> Keeping {
    let mut keeping = Keeping::default();
    if matches!(node.data, Data::Text(_)) {
        keeping.place = place(reader, node, "`state`").map(Place::All);
        return keeping;
    }
    for (key, node) in reader.fields(node, "`state`", KEYS) {
        match key.text.as_str() {
            "place" if matches!(node.data, Data::Map(_)) => {
                let span = reader.span(&key.range);
                let places = reader.map(node, "`place`").into_iter();
                let places = places.filter_map(|(key, node)| Some((key.text, place(reader, node, "a place")?)));
                keeping.place = Some(Place::Each(span, places.collect()));
            }
            "place" => keeping.place = place(reader, node, "`place`").map(Place::All),
            _ => keeping.encryption = encryption(reader, node),
        }
    }
    keeping
}

fn place(reader: &mut Reader<'_>, node: Node, what: &str) -> Option<Spanned<String>> {
    let range = node.range.clone();
    let place = reader.text(node, what)?;
    if place.value.is_empty() {
        reader.error(&range, format!("{what} is empty: write s3://BUCKET/PREFIX, or a folder"));
        return None;
    }
    if let Some((scheme, _)) = place.value.split_once("://").filter(|(scheme, _)| *scheme != "s3") {
        let help = "state is kept in s3://BUCKET/PREFIX, or in a folder".to_owned();
        reader.error_help(&range, format!("state can't be kept in {scheme}://"), Some(help));
        return None;
    }
    Some(place)
}

fn encryption(reader: &mut Reader<'_>, node: Node) -> Option<Encryption> {
    let range = node.range.clone();
    if let Data::Text(word) = &node.data
        && word == "passphrase"
    {
        return Some(Encryption::Passphrase);
    }
    let both = "`encryption` is `passphrase`, or `{kms: KEY}`";
    if !matches!(node.data, Data::Map(_)) {
        reader.error(&range, both);
        return None;
    }
    let mut found = None;
    for (key, node) in reader.fields(node, "`encryption`", ENCRYPTION_KEYS) {
        if key.text == "passphrase" {
            let help = "write `encryption: passphrase`, and give it in INFRA_STATE_PASSPHRASE".to_owned();
            reader.error_help(&key.range, "a passphrase does not stand in a stack", Some(help));
            return None;
        }
        found = reader.text(node, "`kms`").map(|key| Encryption::Kms(key.value));
    }
    if found.is_none() {
        reader.error(&range, both);
    }
    found
}
