//! Places that state is kept in, as users write them: a folder, or `s3://BUCKET/PREFIX`.

use std::io;
use std::path::{Component, Path};

/// The place in words that mean the same wherever they are read: a folder by its whole path, which need not exist.
///
/// # Errors
/// Where it is empty, or the current folder can't be told.
pub fn absolute(place: &str) -> io::Result<String> {
    if place.contains("://") {
        return Ok(place.trim_end_matches('/').to_owned());
    }
    let path = std::path::absolute(place)?;
    // What exists is followed through its links, so that one folder has one name.
    let real = path.ancestors().find_map(|ancestor| {
        let mut real = ancestor.canonicalize().ok()?;
        for part in path.strip_prefix(ancestor).ok()?.components() {
            match part {
                Component::ParentDir => drop(real.pop()),
                part => real.push(part),
            }
        }
        Some(real)
    });
    let path = real.unwrap_or(path).into_os_string();
    path.into_string().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "its path is no text"))
}

/// Whether two places are the same, seen from the current folder.
pub fn same(one: &str, other: &str) -> bool {
    matches!((absolute(one), absolute(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether it means the same wherever it is read.
pub fn is_absolute(place: &str) -> bool {
    place.contains("://") || Path::new(place).is_absolute()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_name_however_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("there")).unwrap();
        std::os::unix::fs::symlink(real.join("there"), real.join("link")).unwrap();
        for (written, meant) in
            [("there/", "there"), ("link", "there"), ("link/new", "there/new"), ("no/../new", "new")]
        {
            let written = folder.path().join(written);
            assert_eq!(absolute(written.to_str().unwrap()).unwrap(), real.join(meant).to_str().unwrap());
        }
        assert!(same("kept", "./kept/") && same("s3://acme/z/", "s3://acme/z") && !same("kept", "s3://kept"));
        assert!(absolute("").is_err());
    }
}
