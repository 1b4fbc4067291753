//! A plan in a file: made now, reviewed, and applied later exactly as it is, or not at all.
//!
//! Nothing in the file is run. An apply plans again from the stack, the record and the cloud as they then are; the file
//! says what must come out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::address::Address;
use crate::plan::{Options, Plan};
use crate::stack::Origin;
use crate::state::{Seal, SealError};
use crate::value::Value;

mod file;
mod moved;

pub use file::{DecodeError, WriteError, decode, encode, is_saved_plan, write};
pub use moved::{Edit, Moved, Now, moved};

/// Version of the file's format; grows with every change that an older reader would misread.
pub const SAVED_VERSION: u32 = 1;

/// A plan with all that is needed to make the same one again, and to see whether it is the same. It holds no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    /// Version of the infra that made it.
    pub infra: String,
    /// When it was made: to be shown, never compared.
    pub made: Timestamp,
    /// The working directory in which it was made, which relative paths are relative to: to be shown, never used.
    pub folder: PathBuf,
    /// Where the record was: to be shown, never used.
    pub state: String,
    /// The stack's folder or file, as the user named it.
    pub stack: PathBuf,
    /// The environment, as the user named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Values that were given for parameters that are not secret.
    pub values: BTreeMap<String, Json>,
    /// Secret parameters that were given a value, which must be given again.
    pub given: BTreeSet<String>,
    /// Only these were planned, and what they depend on.
    pub targets: Vec<Address>,
    /// These were not planned, nor what depends on them.
    pub excludes: Vec<Address>,
    /// What the plan follows from.
    pub basis: Basis,
    /// The plan.
    pub plan: Plan,
}

impl SavedPlan {
    /// The files that are not as they were, as they stand on disk now, where the record's key is `seal`. A file that is
    /// read now for the first time shows only once the stack is read.
    ///
    /// # Errors
    /// As [`Basis::new`].
    pub fn moved_files(&self, seal: &Seal) -> Result<Vec<Moved>, SealError> {
        let mut found = Vec::new();
        for (path, planned) in &self.basis.files {
            let text = std::fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let now =
                text.map(|text| file_digest(seal, path, text.strip_prefix('\u{feff}').unwrap_or(&text))).transpose()?;
            let edit = match (planned, now) {
                (Some(planned), Some(now)) if *planned != now => Edit::Edited,
                (None, Some(_)) => Edit::Added,
                (Some(_), None) => Edit::Gone,
                _ => continue,
            };
            found.push(Moved::File(path.clone(), edit));
        }
        Ok(found)
    }

    /// What it was planned for.
    pub fn options(&self) -> Options {
        Options { targets: self.targets.clone(), excludes: self.excludes.clone(), ..Options::default() }
    }
}

/// What a plan follows from, beside the record's number and what the cloud tells of its resources.
///
/// Files, secrets and what comes from outside are here as digests that are keyed with the record's own key: whoever has
/// the file alone can't try out what a short secret might be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// Which record: a digest that no other record has.
    pub record: String,
    /// The account.
    pub account: String,
    /// All files read, each with the digest of its text; null for one that would have been read and was not there.
    pub files: BTreeMap<String, Option<String>>,
    /// The secret parameters, each with the digest of its value.
    pub secrets: BTreeMap<String, String>,
    /// The variables that `env(…)` asked for, each with the digest of its value.
    pub variables: BTreeMap<String, String>,
    /// What was looked up, each with the digest of its answer.
    pub lookups: BTreeMap<String, String>,
}

impl Basis {
    /// The basis of what is planned from `origin` in `account`, with the record whose key is `seal`.
    ///
    /// # Errors
    /// Refuses numbers that are not finite.
    pub fn new(origin: &Origin, account: &str, seal: &Seal) -> Result<Self, SealError> {
        let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        let mut files = BTreeMap::new();
        for (path, content) in &origin.files {
            let path = path.to_string_lossy().into_owned();
            let digest = match content {
                Some(content) => Some(file_digest(seal, &path, content)?),
                None => None,
            };
            files.insert(path, digest);
        }
        let secret = origin.parameters.iter().filter(|(_, value)| value.has_secret());
        let digested = |what: &str, name: &str, value: &Value| {
            Ok((name.to_owned(), seal.fingerprint(&format!("{what} {name}"), value)?))
        };
        let variables = origin.variables.iter();
        let lookups = origin.lookups.iter();
        Ok(Self {
            record: seal.fingerprint("record", &Value::Null)?,
            account: account.to_owned(),
            files,
            secrets: secret.map(|(name, value)| digested("secret", name, value)).collect::<Result<_, _>>()?,
            variables: variables
                .map(|(name, value)| digested("variable", name, &text(value)))
                .collect::<Result<_, _>>()?,
            lookups: lookups
                .map(|(lookup, answer)| digested("lookup", &lookup.to_string(), answer))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn file_digest(seal: &Seal, path: &str, text: &str) -> Result<String, SealError> {
    seal.fingerprint(&format!("file {path}"), &Value::from(text))
}
