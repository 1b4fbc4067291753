//! Reading files, within limits.

use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::expression::Problem;
use crate::diagnostic::{Diagnostic, Source};

/// The largest file that is read, in bytes.
pub(super) const MAX_FILE: u64 = 1 << 20;

/// The text of the file at `path`, or what keeps it from being read.
pub(super) fn text(path: &Path) -> Result<String, Problem> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Problem::new("there is no such file"),
        std::io::ErrorKind::PermissionDenied => Problem::new("the file may not be read"),
        _ => Problem::new(format!("the file can't be read: {error}")),
    })?;
    if !metadata.is_file() {
        return Err(Problem::new("this is no regular file"));
    }
    let too_large = |size: u64| {
        let problem = Problem::new(format!("the file has {size} bytes, more than the {MAX_FILE} that are read"));
        problem.help("split it into components, or let `for_each` repeat what repeats")
    };
    if metadata.len() > MAX_FILE {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| Problem::new(format!("the file can't be read: {error}")))?;
    let read = file.take(MAX_FILE + 1).read_to_end(&mut bytes);
    read.map_err(|error| Problem::new(format!("the file can't be read: {error}")))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(too_large(bytes.len() as u64));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        Problem::new(format!("the file is not UTF-8: line {line} holds other bytes")).help("save it as UTF-8")
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// The source at `path`, shown to the user as it is given.
pub(super) fn source(path: &Path) -> Result<Arc<Source>, Diagnostic> {
    text(path).map(|text| Source::new(path, text)).map_err(|problem| {
        let mut error = Diagnostic::file_error(path, problem.message);
        error.help = problem.help;
        error
    })
}

/// The text of the file that an expression in `from` names: below the folder of `from`, and nowhere else.
pub(super) fn beside(from: &Path, path: &str) -> Result<String, Problem> {
    let outside = || {
        Problem::new(format!("`{path}` is not below the folder of the file that names it"))
            .help("a path is relative, without `..`")
    };
    let relative = Path::new(path);
    if path.is_empty() || !relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(outside());
    }
    let folder = folder(from);
    let whole = folder.join(relative);
    let missing = |problem: Problem| Problem {
        message: format!("`{path}`: {}", problem.message),
        help: problem.help,
        origin: None,
    };
    if let (Ok(folder), Ok(real)) = (folder.canonicalize(), whole.canonicalize())
        && !real.starts_with(folder)
    {
        return Err(outside());
    }
    text(&whole).map_err(missing)
}

/// The folder that a file stands in.
pub(super) fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// `path` as named in the file `from`, without the `.` and `..` that can be taken out.
pub(super) fn relative_to(from: &Path, path: &Path) -> PathBuf {
    let mut joined = from.parent().map(Path::to_owned).unwrap_or_default();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(joined.components().next_back(), Some(Component::Normal(_))) => {
                joined.pop();
            }
            part => joined.push(part),
        }
    }
    joined
}
