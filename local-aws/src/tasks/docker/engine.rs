//! Docker's engine, and the network on it that one local AWS has for its tasks.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use bollard::{API_DEFAULT_VERSION, Docker};
use ipnet::Ipv4Net;
use tokio::net::TcpListener;

use super::leftovers;
use crate::tasks::address::{Address, Addresses};

/// What the address of an engine begins with that has a socket on this host.
const SOCKET: &str = "unix://";
const DEFAULT_SOCKET: &str = "unix:///var/run/docker.sock";
/// How long the engine may take for one answer: above the longest `stopTimeout`, for which it keeps a call waiting.
const TIMEOUT_SECONDS: u64 = 180;
/// How long it may take to say that it is there.
const PING: Duration = Duration::from_secs(5);
/// How often a range of addresses is tried that another takes in the meantime.
const ATTEMPTS: usize = 5;

/// Why tasks can't run as containers.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no engine.
    #[error("Docker does not answer at {at}: start it, or leave out --containers ({reason})")]
    Silent {
        /// Where it should be.
        at: String,
        /// What happened instead.
        reason: String,
    },
    /// It does not give the tasks their network.
    #[error("Docker makes no network for the tasks: {0}")]
    Network(String),
    /// Its network is not one of this host.
    #[error(
        "cannot listen on {address}, where containers look for the endpoint ({source}); is Docker's engine on this host?"
    )]
    Gateway {
        /// The gateway of the network.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Says whether Docker's engine answers, so that tests which need it can leave off where it does not.
pub async fn is_available() -> bool {
    connect().await.is_ok()
}

/// Docker's engine with the network of one local AWS.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(super) docker: Docker,
    /// The name of the network, with which all other names begin, and the label of everything that is made.
    pub(super) name: String,
    /// The engine's socket, where it has one.
    socket: Option<String>,
    /// Where the endpoint is for containers.
    pub(super) endpoint: SocketAddr,
    /// The port of the endpoint, which is a registry too, on loopback.
    pub(super) port: u16,
    /// How many processors containers can have.
    pub(super) processors: i64,
    subnet: Ipv4Net,
    addresses: Addresses,
}

impl Engine {
    /// Connects, removes what dead processes left, makes the network, and listens on its gateway's address at `port` if
    /// that is free there.
    pub(crate) async fn open(port: u16) -> Result<(Self, TcpListener), EngineError> {
        let (docker, at) = connect().await?;
        leftovers::remove(&docker).await;
        let info = docker.info().await.map_err(|error| EngineError::Network(reason(error)))?;
        let name = format!("local-aws-{}-{port}", std::process::id());
        let subnet = network(&docker, &name).await?;
        let gateway = gateway(subnet);
        let listener = match TcpListener::bind((gateway, port)).await {
            Ok(listener) => Ok(listener),
            Err(_) => TcpListener::bind((gateway, 0)).await,
        };
        let mut engine = Self {
            docker,
            name,
            socket: at.strip_prefix(SOCKET).map(str::to_owned),
            endpoint: SocketAddr::new(IpAddr::V4(gateway), port),
            port,
            processors: info.ncpu.unwrap_or(1).max(1),
            subnet,
            addresses: Addresses::default(),
        };
        match listener.and_then(|listener| Ok((listener.local_addr()?, listener))) {
            Ok((endpoint, listener)) => {
                engine.endpoint = endpoint;
                Ok((engine, listener))
            }
            Err(source) => {
                engine.close().await;
                Err(EngineError::Gateway { address: engine.endpoint, source })
            }
        }
    }

    /// Takes an address of the network that no other task has.
    pub(super) fn address(&self) -> Option<Address> {
        self.addresses.take(&self.name, self.subnet)
    }

    /// Returns the engine's socket and the label of everything that is made there.
    pub(crate) fn watched(&self) -> Option<(&str, &str)> {
        Some((self.socket.as_deref()?, &self.name))
    }

    /// Removes the network, on which there must be no container any more.
    pub(crate) async fn close(&self) {
        let _gone_already = self.docker.remove_network(&self.name).await;
    }
}

/// Says what an error of the engine says, without what the client says about it.
pub(super) fn reason(error: Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message,
        Error::DockerStreamError { error } => error,
        other => other.to_string(),
    }
}

/// Connects to the engine; returns also where it is.
async fn connect() -> Result<(Docker, String), EngineError> {
    let at = std::env::var("DOCKER_HOST").ok().filter(|at| !at.is_empty()).unwrap_or_else(|| DEFAULT_SOCKET.into());
    let silent = |reason: String| EngineError::Silent { at: at.clone(), reason };
    let connected = if at.starts_with(SOCKET) {
        Docker::connect_with_unix(&at, TIMEOUT_SECONDS, API_DEFAULT_VERSION)
    } else {
        Docker::connect_with_host(&at)
    };
    let docker = connected.map_err(|error| silent(reason(error)))?;
    let negotiated = tokio::time::timeout(PING, docker.negotiate_version()).await;
    let docker = negotiated.map_err(|_| silent(format!("no answer within {} s", PING.as_secs())))?;
    let docker = docker.map_err(|error| silent(reason(error)))?;
    Ok((docker, at))
}

/// Makes a network without a way out, in a range of addresses that the engine chooses.
async fn network(docker: &Docker, name: &str) -> Result<Ipv4Net, EngineError> {
    let failed = |error| EngineError::Network(reason(error));
    let request = |ipam| NetworkCreateRequest {
        name: name.into(),
        driver: Some("bridge".into()),
        internal: Some(true),
        ipam,
        labels: Some(leftovers::labels(name)),
        ..NetworkCreateRequest::default()
    };
    let mut last = EngineError::Network("it names no range of addresses".into());
    for _ in 0..ATTEMPTS {
        // A container can be given its address only in a range that was asked for: so the engine chooses one first.
        docker.create_network(request(None)).await.map_err(failed)?;
        let chosen = docker.inspect_network(name, None).await;
        docker.remove_network(name).await.map_err(failed)?;
        let config = chosen.map_err(failed)?.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let subnet = config.iter().find_map(|config| config.subnet.as_deref()?.parse::<Ipv4Net>().ok());
        let Some(subnet) = subnet else { continue };
        let config = IpamConfig {
            subnet: Some(subnet.to_string()),
            gateway: Some(gateway(subnet).to_string()),
            ..IpamConfig::default()
        };
        match docker.create_network(request(Some(Ipam { config: Some(vec![config]), ..Ipam::default() }))).await {
            Ok(_) => return Ok(subnet),
            // Another took it in between.
            Err(error) => last = failed(error),
        }
    }
    Err(last)
}

/// The host's address on a network: its first.
fn gateway(subnet: Ipv4Net) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(subnet.network()) + 1)
}
