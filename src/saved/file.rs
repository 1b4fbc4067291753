//! The file of a saved plan: written whole or not at all, read with distrust.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use super::{SAVED_VERSION, SavedPlan};
use crate::plan::PLAN_VERSION;

/// What a file says it is.
const FORMAT: &str = "infra saved plan";
/// How every file begins, but for spaces.
const START: &str = "{\"format\":\"infrasavedplan\"";
/// So many bytes at a file's beginning tell what it is.
const HEAD: usize = 512;
/// Fewer bytes than this, spaces left out, may begin anything.
const LEAST: usize = 5;

/// Why bytes are no saved plan that can be used.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It was written by a newer build.
    #[error("is in format {found}, which a newer infra{by} wrote; this one knows formats up to {known}")]
    Newer {
        /// Its version.
        found: u64,
        /// The highest version that this build knows.
        known: u32,
        /// Which infra wrote it, where it says so.
        by: String,
    },
    /// It ends too early, or something in it was changed.
    #[error("is damaged: {0}")]
    Damaged(String),
}

/// Why a saved plan could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Something else stands there.
    #[error("{0} is there already and is no saved plan: it is left as it is")]
    Occupied(PathBuf),
    /// The system refused.
    #[error("{path} can't be written: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A path in it is not UTF-8, or the like.
    #[error("the plan can't be saved: {0}")]
    Encode(#[from] serde_json::Error),
}

/// Whether a file that begins with `head` is a saved plan, whole or cut off.
pub fn is_saved_plan(head: &[u8]) -> bool {
    let head = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head);
    let bare: Vec<u8> = head.iter().take(HEAD).copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    bare.starts_with(START.as_bytes()) || bare.len() >= LEAST && START.as_bytes().starts_with(&bare)
}

/// The bytes of a saved plan.
///
/// # Errors
/// Refuses paths that are not UTF-8.
pub fn encode(saved: &SavedPlan) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Document<'a> {
        format: &'static str,
        version: u32,
        plan: &'a SavedPlan,
    }
    let mut json = serde_json::to_value(Document { format: FORMAT, version: SAVED_VERSION, plan: saved })?;
    let digest = digest(&json)?;
    if let Some(map) = json.as_object_mut() {
        map.insert("digest".to_owned(), Json::from(digest));
    }
    let mut bytes = serde_json::to_vec(&json)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a saved plan.
///
/// # Errors
/// [`DecodeError::Newer`] before anything else is looked at, then whatever is wrong.
pub fn decode(bytes: &[u8]) -> Result<SavedPlan, DecodeError> {
    let damaged = |why: &str| DecodeError::Damaged(why.to_owned());
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let json: Json = serde_json::from_slice(bytes).map_err(|error| match error.is_eof() {
        true => damaged("it ends too early"),
        false => damaged("it is no JSON"),
    })?;
    let Json::Object(mut map) = json else { return Err(damaged("it is no JSON object")) };
    newer(&map, map.get("version").and_then(Json::as_u64), SAVED_VERSION)?;
    let said = map.get("digest").and_then(Json::as_str).map(str::to_owned);
    map.shift_remove("digest");
    let found = digest(&Json::Object(map.clone())).map_err(|_| damaged("it has no digest"))?;
    if said.as_deref() != Some(found.as_str()) {
        return Err(damaged("it is not as it was written"));
    }
    let plan = map.get("plan").and_then(|saved| saved.get("plan"));
    newer(&map, plan.and_then(|plan| plan.get("version")).and_then(Json::as_u64), PLAN_VERSION)?;
    let saved = map.shift_remove("plan").unwrap_or_default();
    SavedPlan::deserialize(saved).map_err(|error| DecodeError::Damaged(error.to_string()))
}

fn newer(document: &Map<String, Json>, found: Option<u64>, known: u32) -> Result<(), DecodeError> {
    let by = document.get("plan").and_then(|plan| plan.get("infra")).and_then(Json::as_str);
    let plain = |version: &&str| version.len() < 32 && version.chars().all(|character| character.is_ascii_graphic());
    let by = by.filter(plain).map(|version| format!(" ({version})")).unwrap_or_default();
    match found {
        Some(found) if found > u64::from(known) => Err(DecodeError::Newer { found, known, by }),
        Some(0) | None => Err(DecodeError::Damaged("it does not say its version".to_owned())),
        Some(_) => Ok(()),
    }
}

/// SHA-256 of the document without its digest; there is nothing in it to be guessed. Tells damage, not forgery: what a
/// file says is never done because the file says it.
fn digest(json: &Json) -> Result<String, serde_json::Error> {
    let hash = Sha256::digest(serde_json::to_vec(&sorted(json))?);
    Ok(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The same JSON with the keys of every map in order.
fn sorted(json: &Json) -> Json {
    match json {
        Json::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            Json::Object(entries.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect::<Map<_, _>>())
        }
        Json::Array(list) => list.iter().map(sorted).collect(),
        plain => plain.clone(),
    }
}

/// Writes a saved plan so that nobody ever sees a part of it, and nobody else may read it.
///
/// # Errors
/// [`WriteError::Occupied`] where something that is no saved plan stands at `path`: a slip must not cost a stack.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let failed = |source: io::Error| WriteError::Io { path: path.to_owned(), source };
    match File::open(path) {
        Ok(mut file) => {
            let mut head = Vec::new();
            let metadata = file.metadata().map_err(failed)?;
            if metadata.is_file() {
                io::Read::read_to_end(&mut io::Read::take(&mut file, HEAD as u64), &mut head).map_err(failed)?;
            }
            if !metadata.is_file() || !head.is_empty() && !is_saved_plan(&head) {
                return Err(WriteError::Occupied(path.to_owned()));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let Some(name) = path.file_name() else { return Err(failed(io::Error::from(io::ErrorKind::IsADirectory))) };
    let unfinished = folder.join(format!(".{}.{}", name.to_string_lossy(), ulid::Ulid::new()));
    let result = write_whole(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
    if let Err(error) = result {
        // What is left of it is of no use to anybody.
        let _ = fs::remove_file(&unfinished);
        return Err(failed(error));
    }
    // The name is durable once its folder is; not every system can sync a folder.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::json;

    use super::*;
    use crate::cli::samples;
    use crate::saved::Basis;

    fn saved() -> SavedPlan {
        SavedPlan {
            infra: "0.1.0".to_owned(),
            made: jiff::Timestamp::UNIX_EPOCH,
            folder: "/work".into(),
            state: ".infra".into(),
            stack: "stacks/notification".into(),
            environment: Some("dev".to_owned()),
            values: BTreeMap::from([("share".to_owned(), json!(0.1)), ("big".to_owned(), json!(i64::MIN))]),
            given: BTreeSet::from(["password".to_owned()]),
            targets: vec!["Api".into()],
            excludes: Vec::new(),
            basis: Basis {
                record: "ab".repeat(32),
                account: "123456789012".to_owned(),
                files: BTreeMap::from([
                    ("stack.yaml".to_owned(), Some("cd".repeat(32))),
                    ("dev.yaml".to_owned(), None),
                ]),
                secrets: BTreeMap::new(),
                variables: BTreeMap::new(),
                lookups: BTreeMap::new(),
            },
            plan: samples::plan(),
        }
    }

    #[test]
    fn what_is_written_reads_back_as_it_was() {
        let bytes = encode(&saved()).unwrap();
        assert!(is_saved_plan(&bytes));
        assert_eq!(decode(&bytes).unwrap(), saved());
        let json: Json = serde_json::from_slice(&bytes).unwrap();
        let pretty = serde_json::to_vec_pretty(&json).unwrap();
        assert!(is_saved_plan(&pretty));
        assert_eq!(decode(&pretty).unwrap(), saved(), "spaces don't count");
    }

    #[test]
    fn a_file_that_is_cut_off_anywhere_is_refused() {
        let bytes = encode(&saved()).unwrap();
        let end = bytes.len() - 1;
        for length in (LEAST..end).step_by(7).chain([end - 1]) {
            assert!(is_saved_plan(&bytes[..length]), "{length}");
            let error = decode(&bytes[..length]).unwrap_err().to_string();
            assert_eq!(error, "is damaged: it ends too early", "{length}");
        }
    }

    #[test]
    fn a_file_that_was_changed_anywhere_is_refused() {
        let bytes = encode(&saved()).unwrap();
        for at in (0..bytes.len() - 1).step_by(11) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            decode(&changed).unwrap_err();
        }
        for text in ["", "{}", "[]", "null", "{\"format\":\"infra saved plan\",\"version\":1}"] {
            decode(text.as_bytes()).unwrap_err();
        }
        let deep = format!("{{\"format\":\"infra saved plan\",\"version\":1,\"plan\":{}", "[".repeat(100_000));
        decode(deep.as_bytes()).unwrap_err();
    }

    #[test]
    fn a_newer_format_is_refused_by_name_whatever_else_is_in_it() {
        let text = r#"{"format": "infra saved plan", "version": 7, "plan": {"infra": "9.1.0"}, "anything": []}"#;
        let error = decode(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "is in format 7, which a newer infra (9.1.0) wrote; this one knows formats up to 1");
        let mut newer = saved();
        newer.plan.version = PLAN_VERSION + 1;
        let error = decode(&encode(&newer).unwrap()).unwrap_err();
        assert!(matches!(error, DecodeError::Newer { .. }), "{error}");
    }

    #[test]
    fn the_page_of_formats_has_every_field() {
        let mut plain = saved();
        plain.values.clear();
        plain.basis.files.clear();
        let mut json: Json = serde_json::from_slice(&encode(&plain).unwrap()).unwrap();
        json["plan"]["plan"] = json!({});
        samples::assert_page_has("## A saved plan", &[json]);
    }

    #[test]
    fn stacks_are_no_saved_plans() {
        for text in ["", "{", "stack: a\n", "{\"stack\": \"a\"}", "{\"format\":1}", "{\"format\":\"infra\"}"] {
            assert!(!is_saved_plan(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_overwritten_and_nothing_unfinished_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan");
        let bytes = encode(&saved()).unwrap();
        write(&path, b"").unwrap();
        write(&path, &bytes).unwrap();
        write(&path, &bytes).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let stack = folder.path().join("stack.yaml");
        fs::write(&stack, "stack: a\n").unwrap();
        assert!(matches!(write(&stack, &bytes), Err(WriteError::Occupied(_))));
        assert!(matches!(write(folder.path(), &bytes), Err(WriteError::Occupied(_))));
        assert!(matches!(write(&folder.path().join("no/plan"), &bytes), Err(WriteError::Io { .. })));
        assert_eq!(fs::read(&stack).unwrap(), b"stack: a\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
