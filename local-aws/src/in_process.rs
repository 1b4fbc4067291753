//! The emulators in this process: App Mesh and Application Auto Scaling, which ministack lacks.

use bytes::Bytes;
use hyper::{Request, Response};

use crate::call::Scope;
use crate::error::AwsError;

/// The services that are served here.
const SERVICES: [&str; 2] = ["appmesh", "application-autoscaling"];

/// The emulators in this process.
#[derive(Debug)]
pub(crate) struct InProcess {
    #[cfg(feature = "winterbaume")]
    mocks: std::sync::RwLock<mocks::Mocks>,
}

impl InProcess {
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(feature = "winterbaume")]
            mocks: std::sync::RwLock::default(),
        }
    }

    /// Says whether `service` is served here.
    pub(crate) fn serves(&self, service: &str) -> bool {
        SERVICES.contains(&service)
    }

    #[cfg(not(feature = "winterbaume"))]
    pub(crate) async fn call(&self, scope: &Scope, _request: Request<Bytes>) -> Result<Response<Bytes>, AwsError> {
        let message = format!("local-aws was built without its feature `winterbaume`, which serves {}", scope.service);
        Err(AwsError { status: 501, code: "NotImplemented".into(), message })
    }

    #[cfg(not(feature = "winterbaume"))]
    pub(crate) fn reset(&self) {}

    /// Answers a call to the service of `scope`, which is served here.
    #[cfg(feature = "winterbaume")]
    pub(crate) async fn call(&self, scope: &Scope, request: Request<Bytes>) -> Result<Response<Bytes>, AwsError> {
        let (parts, body) = request.into_parts();
        // The emulator finds the region in the host name that AWS's endpoint would have.
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let uri = format!("https://{}.{}.amazonaws.com{path}", scope.service, scope.region);
        let headers = parts.headers;
        let request = winterbaume_core::MockRequest { method: parts.method.to_string(), uri, headers, body };
        let mock = self.mocks.read().unwrap_or_else(std::sync::PoisonError::into_inner).of(&scope.service);
        let answer = mock.handle(request).await;
        let mut response = Response::new(answer.body);
        let status = hyper::StatusCode::from_u16(answer.status);
        *response.status_mut() = status.unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = answer.headers;
        Ok(response)
    }

    /// Forgets everything.
    #[cfg(feature = "winterbaume")]
    pub(crate) fn reset(&self) {
        *self.mocks.write().unwrap_or_else(std::sync::PoisonError::into_inner) = mocks::Mocks::default();
    }
}

#[cfg(feature = "winterbaume")]
mod mocks {
    use std::fmt;
    use std::sync::Arc;

    use winterbaume_applicationautoscaling::ApplicationAutoScalingService;
    use winterbaume_appmesh::AppMeshService;
    use winterbaume_core::MockService;

    /// One emulator a service, with all that it holds.
    pub(super) struct Mocks {
        app_mesh: Arc<dyn MockService>,
        auto_scaling: Arc<dyn MockService>,
    }

    impl Mocks {
        pub(super) fn of(&self, service: &str) -> Arc<dyn MockService> {
            Arc::clone(if service == "appmesh" { &self.app_mesh } else { &self.auto_scaling })
        }
    }

    impl Default for Mocks {
        fn default() -> Self {
            // The first to install it wins, and everyone installs the same.
            winterbaume_core::set_default_account_id(crate::ACCOUNT_ID);
            Self {
                app_mesh: Arc::new(AppMeshService::new()),
                auto_scaling: Arc::new(ApplicationAutoScalingService::new()),
            }
        }
    }

    impl fmt::Debug for Mocks {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.debug_struct("Mocks").finish_non_exhaustive()
        }
    }
}
