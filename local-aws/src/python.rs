//! Finds Python and makes virtual environments that hold pinned packages, once.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

/// The oldest Python that the packages run on.
const OLDEST_PYTHON: (u32, u32) = (3, 10);
/// How many of pip's last lines an error shows.
const LINES_SHOWN: usize = 15;

/// Why packages could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// There is no such program.
    #[error("Python is missing: no `{program}` in PATH; install Python {min}.{max} or later, or name one with {chosen_by}", min = OLDEST_PYTHON.0, max = OLDEST_PYTHON.1)]
    NoPython {
        /// The program looked for.
        program: String,
        /// How the user chooses another.
        chosen_by: &'static str,
    },
    /// The program is there and did not say which version it is.
    #[error("`{program}` is not a working Python: {reason}")]
    BrokenPython {
        /// The program asked.
        program: String,
        /// What it said instead.
        reason: String,
    },
    /// Python is too old for the packages.
    #[error("Python {found} is too old: {what} needs {min}.{max} or later; name one with {chosen_by}", min = OLDEST_PYTHON.0, max = OLDEST_PYTHON.1)]
    OldPython {
        /// The version found.
        found: String,
        /// What it is for.
        what: &'static str,
        /// How the user chooses another.
        chosen_by: &'static str,
    },
    /// `python -m venv` failed.
    #[error("`python -m venv {path}` failed (on Debian and Ubuntu it needs the package python3-venv):\n{lines}")]
    Venv {
        /// Where the virtual environment was to be.
        path: PathBuf,
        /// The last lines it wrote.
        lines: String,
    },
    /// pip could not install the requirements.
    #[error("pip could not install {what} (PIP_INDEX_URL, PIP_CERT and the like are honoured):\n{lines}")]
    Pip {
        /// What they are for.
        what: &'static str,
        /// The last lines it wrote.
        lines: String,
    },
    /// A file or folder could not be written.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Pinned packages, in a virtual environment of their own.
#[derive(Debug, Clone)]
pub struct Packages<'a> {
    /// What they are, in messages.
    pub what: &'static str,
    /// The text of a requirements file.
    pub requirements: &'a str,
    /// Whether what the requirements need, and do not name, is installed too.
    pub dependencies: bool,
    /// The folder of the virtual environment.
    pub venv: PathBuf,
    /// The Python that makes it.
    pub program: &'a str,
    /// How the user chooses another, in messages.
    pub chosen_by: &'static str,
}

impl Packages<'_> {
    /// Returns the Python of the virtual environment, which is made if need be.
    ///
    /// Processes that do so at once wait for each other. `notice` is called before anything slow.
    ///
    /// # Errors
    /// When Python is missing or too old, or pip fails.
    pub async fn python(&self, notice: &dyn Fn(&str)) -> Result<PathBuf, InstallError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| InstallError::Io { path, source }
        };
        let venv = &self.venv;
        let inside = venv.join("bin").join("python");
        let marker = venv.join("requirements.txt");
        let is_ready = || inside.exists() && fs::read_to_string(&marker).is_ok_and(|text| text == self.requirements);
        if is_ready() {
            return Ok(inside);
        }
        self.check_version().await?;
        let folder = venv.parent().unwrap_or(venv);
        fs::create_dir_all(folder).map_err(io(folder))?;
        let lock_path = venv.with_extension("lock");
        let lock = File::create(&lock_path).map_err(io(&lock_path))?;
        let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await;
        let _held_until_return = match lock {
            Ok(result) => result.map_err(io(&lock_path))?,
            Err(stopped) => return Err(io(&lock_path)(io::Error::other(stopped))),
        };
        if is_ready() {
            return Ok(inside);
        }
        notice(&format!("installing {} in {} (first use)", self.what, venv.display()));
        let made = run(Command::new(self.program).args(["-m", "venv", "--clear"]).arg(venv)).await;
        made.map_err(|lines| InstallError::Venv { path: venv.to_owned(), lines })?;
        let wanted = venv.join("wanted.txt");
        fs::write(&wanted, self.requirements).map_err(io(&wanted))?;
        let mut pip = Command::new(&inside);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        if !self.dependencies {
            pip.arg("--no-deps");
        }
        pip.arg("--requirement").arg(&wanted);
        run(&mut pip).await.map_err(|lines| InstallError::Pip { what: self.what, lines })?;
        fs::rename(&wanted, &marker).map_err(io(&marker))?;
        Ok(inside)
    }

    async fn check_version(&self) -> Result<(), InstallError> {
        let Self { what, chosen_by, .. } = *self;
        let program = self.program.to_owned();
        let script = "import sys; print(*sys.version_info[:2])";
        let output = match Command::new(&program).args(["-c", script]).stdin(Stdio::null()).output().await {
            Ok(output) => output,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(InstallError::NoPython { program, chosen_by });
            }
            Err(error) => return Err(InstallError::BrokenPython { program, reason: error.to_string() }),
        };
        let text = String::from_utf8_lossy(&output.stdout);
        let numbers: Vec<u32> = text.split_whitespace().filter_map(|part| part.parse().ok()).collect();
        match numbers[..] {
            [major, minor] if output.status.success() => match (major, minor) >= OLDEST_PYTHON {
                true => Ok(()),
                false => Err(InstallError::OldPython { found: format!("{major}.{minor}"), what, chosen_by }),
            },
            _ => {
                let reason = last_lines(&String::from_utf8_lossy(&output.stderr));
                Err(InstallError::BrokenPython { program, reason })
            }
        }
    }
}

/// Returns the folder of the virtual environment `<name>/venv` when nobody names one: below cargo's target folder if
/// this program runs from there, else in the user's cache.
pub fn default_venv(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let built_in = || {
        let program = std::env::current_exe().ok()?;
        program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).map(Path::to_owned)
    };
    let cache = || {
        let home = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        home.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
    };
    target.or_else(built_in).or_else(cache).unwrap_or_else(std::env::temp_dir).join(name).join("venv")
}

/// Runs `command`, giving the last lines it wrote when it fails.
async fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().await.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(last_lines(&String::from_utf8_lossy(&text)))
}

/// Returns the last lines of `text`, indented.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let shown = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
    shown.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
