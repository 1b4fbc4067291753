//! Where a stack's state is kept: `state`, which is needed before anything of the stack is evaluated.

use std::path::{Path, PathBuf};

use super::document::{Reader, Spanned};
use super::expression::article;
use super::suggest;
use super::yaml::{Data, Node, conceal_passphrases};
use crate::diagnostic::{Diagnostic, Span};

/// The keys of `state`, where it is a map.
pub(super) const KEYS: &[&str] = &["place", "encryption"];
/// The keys of `encryption`.
pub(super) const ENCRYPTION_KEYS: &[&str] = &["kms"];
/// The word for encryption with a passphrase, which the environment gives.
const PASSPHRASE: &str = "passphrase";

/// What a place may be.
pub(crate) const PLACES: &str = "write s3://BUCKET/PREFIX, or a folder";

/// What is wrong with a place, whatever there is.
pub(crate) fn refused_place(place: &str) -> Option<String> {
    match place.split_once(':') {
        _ if place.trim().is_empty() => Some("the place of the state is empty".to_owned()),
        Some(("s3", rest)) if !rest.starts_with("//") => Some(format!("`{place}` is neither a bucket nor a folder")),
        Some((scheme, rest)) if rest.starts_with("//") && scheme != "s3" => {
            Some(format!("state can't be kept in {scheme}://"))
        }
        Some(("s3", rest)) => {
            let bucket = rest.trim_start_matches("//").split('/').next().unwrap_or_default();
            (!is_bucket_name(bucket)).then(|| format!("`{bucket}` is not the name of a bucket"))
        }
        _ => None,
    }
}

/// Whether S3 gives a bucket such a name
/// ([rules](https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html)).
fn is_bucket_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    (3..=63).contains(&name.len()) && name.bytes().all(plain)
}

/// Where a stack's state is kept, and how.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    /// The stack's file, where there is one.
    pub file: Option<PathBuf>,
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
    /// That of the stack in `file`, which says nothing of it.
    pub(super) fn of(file: &Path) -> Self {
        Self { file: Some(file.to_owned()), ..Self::default() }
    }

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
pub(super) fn read(reader: &mut Reader<'_>, mut node: Node) -> Keeping {
    let mut keeping = Keeping::of(&reader.source.path);
    conceal_passphrases(reader.source);
    if matches!(node.data, Data::Text(_)) {
        keeping.place = place(reader, node, "`state`").map(Place::All);
        return keeping;
    }
    conceal(reader, &node);
    take_passphrase(reader, &mut node);
    if !matches!(node.data, Data::Map(_) | Data::Null | Data::Broken) {
        let help = format!("{PLACES}, or a map of {}", suggest::list(KEYS.iter().copied()));
        reader.error_help(&node.range, format!("`state` is {}", article(node.kind())), Some(help));
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

/// Has no message show what may be a passphrase: whatever stands where only words that are known may stand.
fn conceal(reader: &Reader<'_>, node: &Node) {
    match &node.data {
        Data::Map(entries) => {
            let open = |key: &str, node: &Node| {
                key == "place" || key == "kms" && entries.len() == 1 && matches!(node.data, Data::Text(_))
            };
            let hidden = entries.iter().filter(|(key, node)| !open(&key.text, node));
            hidden.for_each(|(_, node)| conceal(reader, node));
        }
        Data::List(items) => items.iter().for_each(|item| conceal(reader, item)),
        Data::Text(word) if word == PASSPHRASE => {}
        _ => reader.source.conceal(node.range.clone()),
    }
}

/// Takes a passphrase out of a map, and says that it does not belong there.
fn take_passphrase(reader: &mut Reader<'_>, node: &mut Node) {
    let Data::Map(entries) = &mut node.data else { return };
    entries.retain(|(key, _)| {
        let stands = key.text.eq_ignore_ascii_case(PASSPHRASE);
        if stands {
            let help = "write `encryption: passphrase`, and give it in INFRA_STATE_PASSPHRASE".to_owned();
            reader.error_help(&key.range, "a passphrase does not stand in a stack", Some(help));
        }
        !stands
    });
}

fn place(reader: &mut Reader<'_>, node: Node, what: &str) -> Option<Spanned<String>> {
    let range = node.range.clone();
    let place = reader.text(node, what)?;
    match refused_place(&place.value) {
        Some(refusal) => {
            reader.error_help(&range, refusal, Some(PLACES.to_owned()));
            None
        }
        None => Some(place),
    }
}

fn encryption(reader: &mut Reader<'_>, mut node: Node) -> Option<Encryption> {
    let range = node.range.clone();
    if matches!(&node.data, Data::Text(word) if word == PASSPHRASE) {
        return Some(Encryption::Passphrase);
    }
    let stood = reader.diagnostics.len();
    take_passphrase(reader, &mut node);
    let mut found = None;
    if matches!(node.data, Data::Map(_)) {
        for (_, node) in reader.fields(node, "`encryption`", ENCRYPTION_KEYS) {
            found = reader.text(node, "`kms`").filter(|key| !key.value.is_empty());
        }
    }
    if found.is_none() && reader.diagnostics.len() == stood {
        reader.error(&range, "`encryption` is `passphrase`, or `{kms: KEY}`");
    }
    found.map(|key| Encryption::Kms(key.value))
}
