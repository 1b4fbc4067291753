//! A local AWS for tests: one loopback endpoint in front of third-party emulators, which makes them strict, slow and
//! faulty on demand and keeps a record of every call.

mod app_mesh;
mod call;
mod cbor;
mod clock;
mod control;
mod ecs;
mod emulator;
mod error;
mod facts;
mod fault;
mod in_process;
mod inventory;
mod load;
mod memory;
mod operation;
mod pattern;
mod permissions;
pub mod python;
mod record;
mod replay;
mod server;
mod service;
mod shared;
mod strict;
mod tasks;
mod traffic;
mod upstream;
mod view;
mod xml;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures::FutureExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::ecs::runtime::Runtime;
use crate::emulator::{Emulator, Start};
use crate::shared::Shared;
use crate::tasks::docker::{Containers, Engine};
use crate::tasks::{Behaviours, Simulated};
use crate::upstream::Upstream;

pub use control::{Control, ResetError, Settings};
pub use emulator::EmulatorError;
pub use fault::{Action, ActiveFault, Fault, FaultId, When};
pub use inventory::Item;
pub use load::{Load, LoadOptions, LoadReport};
pub use python::InstallError;
pub use record::{CallRecord, Calls};
pub use tasks::behaviour::{Behaviour, Health};
pub use tasks::docker::{EngineError, is_available as docker_available};
pub use traffic::RequestCount;

/// The account that everything belongs to.
pub const ACCOUNT_ID: &str = "123456789012";
/// How much of AWS's provisioning times passes here, unless told otherwise.
pub const DEFAULT_TIME_SCALE: f64 = 0.01;

/// The same where tasks are containers: they start in real time, so that the grace period of health checks, which is scaled,
/// must not be over before they serve.
pub const CONTAINERS_TIME_SCALE: f64 = 0.15;

/// What a local AWS is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The loopback port to listen on; 0 takes a free one.
    pub port: u16,
    /// The share of AWS's provisioning times that passes here: 1 is real time, 0 none at all.
    pub time_scale: f64,
    /// The Python that makes the emulator's virtual environment.
    pub python: String,
    /// The folder of that virtual environment; by default below cargo's target folder.
    pub venv: Option<PathBuf>,
    /// Whether ECS tasks run as containers, which takes Docker's engine on this host; else they are simulated.
    pub containers: bool,
    /// Told before anything slow, such as the installation on first use.
    pub notice: fn(&str),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            time_scale: DEFAULT_TIME_SCALE,
            python: "python3".into(),
            venv: None,
            containers: false,
            notice: |_| {},
        }
    }
}

/// Why a local AWS could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is not free.
    #[error("port {0} is taken; choose another with --port, or 0 for any free one")]
    PortTaken(u16),
    /// The system refused the port for another reason.
    #[error("cannot listen on port {port}: {source}")]
    Listen {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The emulator does not run.
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
    /// Tasks are to run as containers and can't.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system refused a thread or a runtime.
    #[error("cannot start: {0}")]
    Io(#[from] io::Error),
}

/// A running local AWS. It stops when it is stopped or dropped, and when its process ends in whatever way.
#[derive(Debug)]
pub struct LocalAws {
    address: SocketAddr,
    control: Control,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl LocalAws {
    /// Starts a local AWS and waits until it answers.
    ///
    /// It lives on a thread of its own, so it may outlast the runtime of the test that started it.
    ///
    /// # Errors
    /// When the port is taken, or the emulator cannot be installed or started.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let (tell, told) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let thread = std::thread::Builder::new().name("local-aws".into()).spawn(move || {
            runtime.block_on(run(options, tell, stopped));
        })?;
        match told.await {
            Ok(Ok((address, control))) => Ok(Self { address, control, stop: Some(stop), thread: Some(thread) }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(StartError::Io(io::Error::other("the server's thread ended"))),
        }
    }

    /// Returns the endpoint, as `AWS_ENDPOINT_URL` takes it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the environment that makes an AWS SDK or the AWS CLI speak to this endpoint.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 6] {
        [
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_ACCESS_KEY_ID", "test".into()),
            ("AWS_SECRET_ACCESS_KEY", "test".into()),
            ("AWS_REGION", "us-east-1".into()),
            ("AWS_DEFAULT_REGION", "us-east-1".into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
        ]
    }

    /// Returns what steers it: faults, time, the record of calls, the reset.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Stops everything and waits until it is gone.
    pub async fn stop(mut self) {
        self.signal();
        if let Some(thread) = self.thread.take() {
            let _ended_either_way = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }

    fn signal(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _stopped_already = stop.send(());
        }
    }
}

impl Drop for LocalAws {
    fn drop(&mut self) {
        self.signal();
        if let Some(thread) = self.thread.take() {
            let _ended_either_way = thread.join();
        }
    }
}

type Started = Result<(SocketAddr, Control), StartError>;

async fn run(options: Options, tell: oneshot::Sender<Started>, stopped: oneshot::Receiver<()>) {
    let opened = match open(&options).await {
        Ok(opened) => opened,
        Err(error) => {
            let _nobody_waits = tell.send(Err(error));
            return;
        }
    };
    let Opened { listener, address, bridge, emulator } = opened;
    let upstream = Upstream::new(emulator.address());
    let behaviours = Behaviours::default();
    let (engine, inside) = bridge.unzip();
    let runtime: Arc<dyn Runtime> = match &engine {
        Some(engine) => Arc::new(Containers::new(Arc::clone(engine), upstream.clone())),
        None => Arc::new(Simulated::new(upstream.clone(), behaviours.clone())),
    };
    let shared = Arc::new(Shared::new(upstream, behaviours, runtime, options.time_scale));
    shared.traffic.attach(&shared, address.port());
    let control = Control::new(Arc::clone(&shared));
    let seeds = control.remember_seeds().await;
    let started = seeds.map(|()| (address, control)).map_err(|error| StartError::Io(io::Error::other(error)));
    let starts = started.is_ok();
    if tell.send(started).is_ok() && starts {
        let stop = async {
            let _sender_gone_counts_too = stopped.await;
        };
        let stop = stop.shared();
        let listeners = std::iter::once(listener).chain(inside);
        let servers = listeners.map(|listener| server::serve(listener, Arc::clone(&shared), stop.clone()));
        tokio::select! {
            _ = futures::future::join_all(servers) => {}
            () = shared.ecs.run(&shared) => {}
        }
    }
    shared.ecs.reset().await;
    if let Some(engine) = engine {
        engine.close().await;
    }
    emulator.stop().await;
}

/// All that must be there before anything is served.
struct Opened {
    listener: TcpListener,
    address: SocketAddr,
    /// Docker's engine, and where containers find the endpoint.
    bridge: Option<(Arc<Engine>, TcpListener)>,
    emulator: Emulator,
}

/// Takes the port first and Docker then, so that what is not there is said before anything slow.
async fn open(options: &Options) -> Result<Opened, StartError> {
    let port = options.port;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken(port),
        _ => StartError::Listen { port, source },
    })?;
    let address = listener.local_addr()?;
    let bridge = if options.containers {
        let (engine, inside) = Engine::open(address.port()).await?;
        Some((Arc::new(engine), inside))
    } else {
        None
    };
    let settings = Start {
        venv: options.venv.as_deref(),
        python: &options.python,
        public_port: address.port(),
        containers: bridge.as_ref().and_then(|(engine, _)| engine.watched()),
        notice: &options.notice,
    };
    match Emulator::start(&settings).await {
        Ok(emulator) => Ok(Opened { listener, address, bridge, emulator }),
        Err(error) => {
            if let Some((engine, _)) = bridge {
                engine.close().await;
            }
            Err(error.into())
        }
    }
}
