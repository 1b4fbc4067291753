//! Logs in a folder: `<stack>/<environment>/log/0000000001.json` and `…/snapshot/0000000064.json`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use tokio::task::spawn_blocking;

use super::{Files, LogKey, Store, StoreError, plain_name};

const LOG: &str = "log";
const SNAPSHOT: &str = "snapshot";

/// Keeps logs in a folder of this machine.
#[derive(Clone, Debug)]
pub struct LocalStore {
    directory: PathBuf,
    /// Whether what crashes left unfinished was removed.
    tidied: Arc<AtomicBool>,
}

impl LocalStore {
    /// The store in `directory`, which is made when first written to.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), tidied: Arc::default() }
    }

    /// The folder of one kind of file of one log.
    fn folder(&self, log: &LogKey, kind: &str) -> Result<PathBuf, StoreError> {
        Ok(self.directory.join(plain_name(&log.stack)?).join(plain_name(&log.environment)?).join(kind))
    }
}

impl Store for LocalStore {
    fn location(&self, log: &LogKey) -> String {
        self.directory.join(&*log.stack).join(&*log.environment).display().to_string()
    }

    fn append<'a>(&'a self, log: &'a LogKey, serial: u64, entry: Vec<u8>) -> BoxFuture<'a, Result<(), StoreError>> {
        let folders = (self.folder(log, LOG), self.folder(log, SNAPSHOT));
        let tidied = Arc::clone(&self.tidied);
        blocking(move || {
            let (folder, snapshots) = (folders.0?, folders.1?);
            write_once(&folder, serial, &entry)?;
            if !tidied.swap(true, Ordering::Relaxed) {
                remove_unfinished(&folder, serial);
                remove_unfinished(&snapshots, serial);
            }
            Ok(())
        })
    }

    fn read<'a>(&'a self, log: &'a LogKey, from: u64) -> BoxFuture<'a, Result<Files, StoreError>> {
        let folder = self.folder(log, LOG);
        blocking(move || {
            let folder = folder?;
            let mut entries = Vec::new();
            for serial in serials(&folder, from)? {
                let file = path(&folder, serial);
                entries.push((serial, fs::read(&file).map_err(failed(&file))?));
            }
            Ok(entries)
        })
    }

    fn write_snapshot<'a>(
        &'a self,
        log: &'a LogKey,
        serial: u64,
        snapshot: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let folder = self.folder(log, SNAPSHOT);
        blocking(move || match write_once(&folder?, serial, &snapshot) {
            Err(StoreError::Taken(_)) => Ok(()),
            result => result,
        })
    }

    fn snapshots<'a>(&'a self, log: &'a LogKey) -> BoxFuture<'a, Result<Vec<u64>, StoreError>> {
        let folder = self.folder(log, SNAPSHOT);
        blocking(move || serials(&folder?, 0))
    }

    fn read_snapshot<'a>(&'a self, log: &'a LogKey, serial: u64) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        let folder = self.folder(log, SNAPSHOT);
        blocking(move || read_if_there(&path(&folder?, serial)))
    }

    fn delete_snapshots<'a>(&'a self, log: &'a LogKey, serials: Vec<u64>) -> BoxFuture<'a, Result<(), StoreError>> {
        let folder = self.folder(log, SNAPSHOT);
        blocking(move || {
            let folder = folder?;
            for file in serials.into_iter().map(|serial| path(&folder, serial)) {
                match fs::remove_file(&file) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&file)(error)),
                    _ => {}
                }
            }
            Ok(())
        })
    }

    fn logs(&self) -> BoxFuture<'_, Result<Vec<LogKey>, StoreError>> {
        let directory = self.directory.clone();
        blocking(move || {
            let mut logs = Vec::new();
            for stack in folders(&directory)? {
                for environment in folders(&directory.join(&stack))? {
                    if directory.join(&stack).join(&environment).join(LOG).is_dir() {
                        logs.push(LogKey::new(stack.as_str(), environment));
                    }
                }
            }
            logs.sort();
            Ok(logs)
        })
    }
}

fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> BoxFuture<'static, Result<T, StoreError>> {
    Box::pin(async move {
        spawn_blocking(work).await.unwrap_or_else(|stopped| {
            Err(StoreError::Io { location: "the state".to_owned(), source: io::Error::other(stopped) })
        })
    })
}

fn path(folder: &Path, serial: u64) -> PathBuf {
    folder.join(format!("{serial:010}.json"))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let location = path.display().to_string();
    move |source| StoreError::Io { location, source }
}

/// Writes a file under its number if none has it, durably, and so that it is never seen half written: it is written
/// whole under another name first, then linked, which fails where the name is taken.
fn write_once(folder: &Path, serial: u64, bytes: &[u8]) -> Result<(), StoreError> {
    create_durably(folder)?;
    let path = path(folder, serial);
    let unfinished = Unfinished(folder.join(format!(".{serial:010}.{}", ulid::Ulid::new())));
    let mut file = File::create_new(&unfinished.0).map_err(failed(&unfinished.0))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed(&unfinished.0))?;
    match fs::hard_link(&unfinished.0, &path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(StoreError::Taken(serial)),
        // Whoever wrote a later entry took it for what a crash had left.
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.exists() => {
            return Err(StoreError::Taken(serial));
        }
        result => result.map_err(failed(&path))?,
    }
    drop(unfinished);
    sync_folder(folder)
}

/// The name under which a file is written; gone when it is dropped.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // What stays behind after a crash begins with a dot, so that it is never read; a later run removes it.
        let _ = fs::remove_file(&self.0);
    }
}

/// Removes what crashes left unfinished of numbers below `serial`, which are all taken. What can't be removed is in
/// nobody's way.
fn remove_unfinished(folder: &Path, serial: u64) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let number =
            entry.file_name().to_str().and_then(|name| name.strip_prefix('.')?.split('.').next()?.parse().ok());
        if number.is_some_and(|number: u64| number < serial) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn create_durably(folder: &Path) -> Result<(), StoreError> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_durably(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(folder)(error)),
        _ => sync_folder(parent),
    }
}

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))
}

/// The numbers of the files in a folder, from `from` on, in order; none where there is no folder.
fn serials(folder: &Path, from: u64) -> Result<Vec<u64>, StoreError> {
    let mut serials: Vec<u64> = names(folder)?
        .iter()
        .filter_map(|name| name.strip_suffix(".json")?.parse().ok())
        .filter(|serial| *serial >= from)
        .collect();
    serials.sort_unstable();
    Ok(serials)
}

fn folders(folder: &Path) -> Result<Vec<String>, StoreError> {
    Ok(names(folder)?.into_iter().filter(|name| folder.join(name).is_dir()).collect())
}

fn names(folder: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed(folder))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed(folder))?.file_name();
        // No file of ours has another name than plain text.
        names.extend(name.into_string().ok().filter(|name| !name.starts_with('.')));
    }
    Ok(names)
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        bytes => bytes.map(Some).map_err(failed(path)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::future::join_all;

    use super::*;

    fn key() -> LogKey {
        LogKey::new("shop", "dev")
    }

    #[tokio::test]
    async fn of_many_that_write_a_number_one_does_and_its_entry_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(LocalStore::new(directory.path()));
        for serial in 1..=5 {
            let writers = (0..16u8).map(|writer| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.append(&key(), serial, vec![writer; 100_000]).await })
            });
            let results: Vec<_> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
            let winner = results.iter().position(Result::is_ok).unwrap();
            let others = results.iter().enumerate().filter(|(writer, _)| *writer != winner);
            others.for_each(|(_, result)| assert!(matches!(result, Err(StoreError::Taken(taken)) if *taken == serial)));
            let entries = store.read(&key(), serial).await.unwrap();
            assert_eq!(entries, [(serial, vec![winner as u8; 100_000])]);
        }
        let names: Vec<_> = fs::read_dir(directory.path().join("shop/dev/log")).unwrap().collect();
        assert_eq!(names.len(), 5, "nothing unfinished stays behind");
    }

    #[tokio::test]
    async fn what_a_crash_left_unfinished_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path());
        assert_eq!(store.read(&key(), 1).await.unwrap(), []);
        store.append(&key(), 1, b"one".to_vec()).await.unwrap();
        let folder = directory.path().join("shop/dev/log");
        for stray in [".0000000002.01J0", "notes.txt", "x.json"] {
            fs::write(folder.join(stray), b"stray").unwrap();
        }
        assert_eq!(store.read(&key(), 1).await.unwrap(), [(1, b"one".to_vec())]);
        store.append(&key(), 2, b"two".to_vec()).await.unwrap();
        assert_eq!(store.read(&key(), 2).await.unwrap(), [(2, b"two".to_vec())]);

        let unfinished = folder.join(".0000000002.01J0");
        assert!(unfinished.exists(), "it may be somebody's who is about to find the number taken");
        LocalStore::new(directory.path()).append(&key(), 3, b"three".to_vec()).await.unwrap();
        assert!(!unfinished.exists() && folder.join("notes.txt").exists());
    }

    #[tokio::test]
    async fn names_that_lead_elsewhere_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path().join("state"));
        for name in ["", ".", "..", "a/b", "../a", "a\\b", ".git", "å", "a b"] {
            for key in [LogKey::new(name, "dev"), LogKey::new("shop", name)] {
                let error = store.append(&key, 1, Vec::new()).await.unwrap_err();
                assert!(matches!(error, StoreError::Name(_)), "{name}: {error}");
                store.read(&key, 1).await.unwrap_err();
            }
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn logs_are_listed_and_pruned_apart() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path());
        assert_eq!(store.logs().await.unwrap(), []);
        let keys = [LogKey::new("net", "dev"), LogKey::new("shop", "dev"), LogKey::new("shop", "prod")];
        for key in keys.iter().rev() {
            for serial in 1..=3 {
                store.append(key, serial, b"x".to_vec()).await.unwrap();
                store.write_snapshot(key, serial, b"s".to_vec()).await.unwrap();
            }
        }
        fs::create_dir(directory.path().join("empty")).unwrap();
        assert_eq!(store.logs().await.unwrap(), keys);
        store.delete_snapshots(&keys[0], vec![1, 9]).await.unwrap();
        assert_eq!(store.snapshots(&keys[0]).await.unwrap(), [2, 3]);
        assert_eq!(store.read_snapshot(&keys[0], 1).await.unwrap(), None);
        assert_eq!(store.read_snapshot(&keys[0], 2).await.unwrap(), Some(b"s".to_vec()));
        assert_eq!(store.read(&keys[1], 1).await.unwrap().len(), 3);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_named() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("state"), b"a file").unwrap();
        let store = LocalStore::new(directory.path().join("state"));
        let error = store.append(&key(), 1, Vec::new()).await.unwrap_err().to_string();
        assert!(error.contains("state"), "{error}");
    }
}
