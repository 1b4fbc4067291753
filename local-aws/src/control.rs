//! The control API: faults, behaviours, time, the record of calls and the reset, over HTTP and from tests.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use bytes::Bytes;
use hyper::Request;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::AwsError;
use crate::fault::{ActiveFault, Fault, FaultId};
use crate::inventory::{self, Item};
use crate::memory::Memory;
use crate::record::Calls;
use crate::shared::Shared;
use crate::tasks::behaviour::Behaviour;
use crate::traffic::RequestCount;

/// What the paths of the control API begin with.
pub(crate) const PREFIX: &str = "/_local/";

/// Why the local AWS could not be reset.
#[derive(Debug, thiserror::Error)]
#[error("the emulator did not forget its state: {0}")]
pub struct ResetError(String);

/// Why it can't be told what stands in the account.
#[derive(Debug, thiserror::Error)]
#[error("what stands in the account can't be listed: {}", .0.message)]
pub struct InventoryError(AwsError);

/// How a local AWS behaves, apart from faults. What is left out when it is set stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The share of AWS's provisioning times that passes here.
    #[serde(default)]
    pub time_scale: Option<f64>,
    /// For how many milliseconds a new EC2 id is not visible.
    #[serde(default)]
    pub hidden_ms: Option<u64>,
    /// After how many calls of the record every connection is dropped unanswered; 0 lifts the limit.
    #[serde(default)]
    pub cut_after: Option<u64>,
}

/// Steers a running local AWS.
#[derive(Debug, Clone)]
pub struct Control(pub(crate) Arc<Shared>);

impl Control {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Adds a fault.
    #[must_use = "the number deletes the fault"]
    pub fn add_fault(&self, fault: Fault) -> FaultId {
        self.0.faults().add(fault)
    }

    /// Returns all faults and how often each was applied.
    #[must_use]
    pub fn faults(&self) -> Vec<ActiveFault> {
        self.0.faults().list().to_vec()
    }

    /// Deletes a fault; says whether there was one.
    pub fn remove_fault(&self, id: FaultId) -> bool {
        let removed = self.0.faults().remove(id);
        self.0.release(Some(id));
        removed
    }

    /// Deletes all faults.
    pub fn clear_faults(&self) {
        self.0.faults().clear();
        self.0.release(None);
    }

    /// Says whether a fault holds a call by now, and all after it.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.0.holds()
    }

    /// Has simulated tasks behave so, those too that run already; the newest behaviour that matches an image counts.
    pub fn behave(&self, behaviour: Behaviour) {
        self.0.behaviours.add(behaviour);
    }

    /// Returns all behaviours, the oldest first.
    #[must_use]
    pub fn behaviours(&self) -> Vec<Behaviour> {
        self.0.behaviours.list()
    }

    /// Has all simulated tasks run well again.
    pub fn clear_behaviours(&self) {
        self.0.behaviours.clear();
    }

    /// Returns the record of all calls since it was last cleared.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.0.recorder().calls()
    }

    /// Starts a new record.
    pub fn clear_calls(&self) {
        self.0.recorder().clear();
    }

    /// Returns how many requests each load balancer answered, by target group and status.
    #[must_use]
    pub fn traffic(&self) -> Vec<RequestCount> {
        self.0.traffic.counts()
    }

    /// Counts requests from 0 again.
    pub fn clear_traffic(&self) {
        self.0.traffic.clear_counts();
    }

    /// Returns how it behaves.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let hidden_ms = u64::try_from(self.0.hidden_for().as_millis()).unwrap_or(u64::MAX);
        Settings {
            time_scale: Some(self.0.clock().scale()),
            hidden_ms: Some(hidden_ms),
            cut_after: Some(self.0.recorder().limit().unwrap_or(0)),
        }
    }

    /// Changes how it behaves; a time scale below 0 or above 1,000 becomes that.
    pub fn set(&self, settings: Settings) {
        if let Some(scale) = settings.time_scale {
            self.0.clock().set_scale(scale);
            self.0.traffic.rescaled();
        }
        if let Some(hidden) = settings.hidden_ms {
            *self.0.hidden_for() = Duration::from_millis(hidden);
        }
        if let Some(most) = settings.cut_after {
            self.0.recorder().cut_after((most > 0).then_some(most));
        }
    }

    /// Makes everything as it was at the start, but for the time scale: nothing made, no faults, no calls.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn reset(&self) -> Result<(), ResetError> {
        let shared = &self.0;
        let _nothing_changes_meanwhile = shared.changing.lock().await;
        let request = Request::post("/_ministack/reset").header("host", "localhost").body(Bytes::new());
        let answer = shared.upstream.call(request.map_err(|error| ResetError(error.to_string()))?).await;
        let answer = answer.map_err(|error| ResetError(error.to_string()))?;
        if !answer.status().is_success() {
            return Err(ResetError(format!("it answered {}", answer.status())));
        }
        shared.ecs.reset().await;
        shared.in_process.reset();
        *shared.memory() = Memory::default();
        shared.traffic.clear();
        shared.clock().clear();
        self.clear_faults();
        shared.behaviours.clear();
        self.set(Settings { time_scale: None, hidden_ms: Some(0), cut_after: Some(0) });
        shared.recorder().clear();
        self.remember_seeds().await.map_err(|error| ResetError(error.to_string()))
    }

    /// Returns what stands in the account (of the access key `test`, in `us-east-1`) beyond what it starts with.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn inventory(&self) -> Result<Vec<Item>, InventoryError> {
        let now = inventory::everything(&self.0).await.map_err(InventoryError)?;
        let seeds = self.0.seeds.lock().await;
        Ok(now.difference(&seeds).cloned().collect())
    }

    /// Takes what stands in the account now for what it starts with.
    pub(crate) async fn remember_seeds(&self) -> Result<(), InventoryError> {
        *self.0.seeds.lock().await = inventory::everything(&self.0).await.map_err(InventoryError)?;
        Ok(())
    }
}

/// Returns the control API over HTTP.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/_local/health", get(health))
        .route("/_local/settings", get(settings).put(set))
        .route("/_local/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/_local/faults/{id}", delete(remove_fault))
        .route("/_local/behaviours", get(behaviours).post(behave).delete(clear_behaviours))
        .route("/_local/calls", get(calls).delete(clear_calls))
        .route("/_local/traffic", get(traffic).delete(clear_traffic))
        .route("/_local/inventory", get(inventory_now))
        .route("/_local/reset", post(reset))
        .with_state(Control::new(shared))
}

async fn health(State(control): State<Control>) -> (StatusCode, Json<Value>) {
    let up = control.0.upstream.answers().await;
    let status = if up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"status": if up { "ok" } else { "the emulator does not answer" }})))
}

async fn settings(State(control): State<Control>) -> Json<Settings> {
    Json(control.settings())
}

async fn set(State(control): State<Control>, Json(settings): Json<Settings>) -> Json<Settings> {
    control.set(settings);
    Json(control.settings())
}

async fn faults(State(control): State<Control>) -> Json<Vec<ActiveFault>> {
    Json(control.faults())
}

async fn add_fault(State(control): State<Control>, Json(fault): Json<Fault>) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({"id": control.add_fault(fault)})))
}

async fn clear_faults(State(control): State<Control>) -> StatusCode {
    control.clear_faults();
    StatusCode::NO_CONTENT
}

async fn remove_fault(State(control): State<Control>, Path(id): Path<u64>) -> StatusCode {
    if control.remove_fault(FaultId(id)) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn behaviours(State(control): State<Control>) -> Json<Vec<Behaviour>> {
    Json(control.behaviours())
}

async fn behave(State(control): State<Control>, Json(behaviour): Json<Behaviour>) -> StatusCode {
    control.behave(behaviour);
    StatusCode::CREATED
}

async fn clear_behaviours(State(control): State<Control>) -> StatusCode {
    control.clear_behaviours();
    StatusCode::NO_CONTENT
}

async fn calls(State(control): State<Control>) -> Json<Calls> {
    Json(control.calls())
}

async fn clear_calls(State(control): State<Control>) -> StatusCode {
    control.clear_calls();
    StatusCode::NO_CONTENT
}

async fn traffic(State(control): State<Control>) -> Json<Vec<RequestCount>> {
    Json(control.traffic())
}

async fn clear_traffic(State(control): State<Control>) -> StatusCode {
    control.clear_traffic();
    StatusCode::NO_CONTENT
}

async fn inventory_now(State(control): State<Control>) -> Result<Json<Vec<Item>>, (StatusCode, String)> {
    let items = control.inventory().await;
    items.map(Json).map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string()))
}

async fn reset(State(control): State<Control>) -> Result<StatusCode, (StatusCode, String)> {
    match control.reset().await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error) => Err((StatusCode::BAD_GATEWAY, error.to_string())),
    }
}
