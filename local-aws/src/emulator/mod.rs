//! The Python emulator as a child process that cannot outlive this one.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, ChildStdin, Command};

use crate::python::{self, InstallError, Packages};
use crate::upstream::Upstream;

const BOOTSTRAP: &str = include_str!("bootstrap.py");
/// What its virtual environment must hold, pinned.
const REQUIREMENTS: &str = include_str!("../../requirements.txt");
/// How long it may take from its start to its first answer.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long it may take to stop; its bootstrap kills the whole group before that.
const STOP_TIMEOUT: Duration = Duration::from_secs(8);
/// Settings of the emulator that would change what it does behind our back.
const SETTINGS_CLEARED: [&str; 7] =
    ["AUTH", "EDGE_PORT", "LOCALSTACK_PERSISTENCE", "PERSIST_STATE", "S3_PERSIST", "SERVICES", "USE_SSL"];

/// Why the emulator does not run.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// It could not be installed.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The system refused something needed to start it.
    #[error("cannot start the emulator: {0}")]
    Io(#[from] io::Error),
    /// It ended by itself.
    #[error("the emulator ended at once ({status}); its last lines:\n{lines}")]
    Ended {
        /// How it ended.
        status: String,
        /// The end of its log.
        lines: String,
    },
    /// It never answered.
    #[error("the emulator did not answer within {} seconds; its last lines:\n{lines}", START_TIMEOUT.as_secs())]
    Silent {
        /// The end of its log.
        lines: String,
    },
}

/// What the emulator is started with.
pub(crate) struct Start<'a> {
    /// The folder of its virtual environment; by default one below cargo's target folder.
    pub(crate) venv: Option<&'a Path>,
    /// The Python to make that with.
    pub(crate) python: &'a str,
    /// The port that its answers name.
    pub(crate) public_port: u16,
    /// The socket of Docker's engine and the label of what runs there, which it removes when this process is killed.
    pub(crate) containers: Option<(&'a str, &'a str)>,
    /// Told before anything slow.
    pub(crate) notice: &'a dyn Fn(&str),
}

/// A running emulator. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Emulator {
    address: SocketAddr,
    child: Child,
    /// The child ends when this closes, however it comes to that.
    pipe: Option<ChildStdin>,
    folder: PathBuf,
}

impl Emulator {
    /// Starts the emulator on a free loopback port and waits until it answers.
    pub(crate) async fn start(settings: &Start<'_>) -> Result<Self, EmulatorError> {
        let packages = Packages {
            what: "the emulator",
            requirements: REQUIREMENTS,
            dependencies: true,
            venv: settings.venv.map_or_else(|| python::default_venv("local-aws"), Path::to_owned),
            program: settings.python,
            chosen_by: "--python",
        };
        let python = packages.python(settings.notice).await?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let folder = std::env::temp_dir().join(format!("local-aws-{}-{}", std::process::id(), address.port()));
        fs::create_dir_all(&folder)?;
        let log = File::create(folder.join("ministack.log"))?;
        let mut command = Command::new(python);
        command
            .args(["-c", BOOTSTRAP])
            .arg(address.port().to_string())
            .env("BIND_HOST", "127.0.0.1")
            // Whatever runs in containers is not the emulator's to run.
            .env("DOCKER_HOST", format!("unix://{}", folder.join("no-docker.sock").display()))
            .env("GATEWAY_PORT", settings.public_port.to_string())
            .env("IOT_MTLS_ENABLED", "0")
            .env("LOG_LEVEL", "WARNING")
            .env("MINISTACK_ACCOUNT_ID", crate::ACCOUNT_ID)
            .env("SFTP_ENABLED", "0")
            .env("TMPDIR", &folder)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(false);
        if let Some((socket, instance)) = settings.containers {
            command.env("LOCAL_AWS_ENGINE", socket).env("LOCAL_AWS_INSTANCE", instance);
        }
        for setting in SETTINGS_CLEARED {
            command.env_remove(setting);
        }
        let mut child = command.spawn()?;
        let pipe = child.stdin.take();
        let mut emulator = Self { address, child, pipe, folder };
        emulator.wait_until_ready().await?;
        Ok(emulator)
    }

    /// Returns where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the emulator and waits until it is gone.
    pub(crate) async fn stop(mut self) {
        self.pipe = None;
        if tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            // Its bootstrap has failed to; there is nothing gentler left.
            let _gone_already = self.child.kill().await;
        }
    }

    async fn wait_until_ready(&mut self) -> Result<(), EmulatorError> {
        let upstream = Upstream::new(self.address);
        let started = Instant::now();
        while started.elapsed() < START_TIMEOUT {
            if let Some(status) = self.child.try_wait()? {
                return Err(EmulatorError::Ended { status: status.to_string(), lines: self.log() });
            }
            if upstream.answers().await {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(EmulatorError::Silent { lines: self.log() })
    }

    fn log(&self) -> String {
        python::last_lines(&fs::read_to_string(self.folder.join("ministack.log")).unwrap_or_default())
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _left_in_the_temporary_folder = fs::remove_dir_all(&self.folder);
    }
}
