//! The patterns of schemas, each compiled once: that costs a thousand times what a match does.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use regex::Regex;

static COMPILED: LazyLock<RwLock<HashMap<String, Option<Regex>>>> = LazyLock::new(RwLock::default);

/// Whether `text` is of the form that a schema's `pattern` asks for; one that is no pattern asks for nothing.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let fits = |regex: &Option<Regex>| regex.as_ref().is_none_or(|regex| regex.is_match(text));
    if let Some(regex) = COMPILED.read().unwrap_or_else(PoisonError::into_inner).get(pattern) {
        return fits(regex);
    }
    let regex = Regex::new(pattern).ok();
    let matches = fits(&regex);
    COMPILED.write().unwrap_or_else(PoisonError::into_inner).insert(pattern.to_owned(), regex);
    matches
}
