//! The description of the API in OpenAPI.

use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{Modify, OpenApi};

use crate::problem::ProblemDetails;
use crate::request::{FieldError, SendRequest};

/// Writes the document.
///
/// # Errors
/// None that the types allow; serde's signature has one.
pub fn document() -> Result<String, serde_json::Error> {
    serde_json::to_string(&Description::openapi())
}

#[derive(OpenApi)]
#[openapi(
    info(title = "notification-api", description = "Queues notifications, which are sent as mail."),
    paths(send_notification, health, health_by_post, ready, description),
    components(schemas(SendRequest, ProblemDetails, FieldError)),
    modifiers(&Keys)
)]
struct Description;

struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let header = ApiKeyValue::with_description("x-api-key", "The key, where the service has one.");
        components.add_security_scheme("key", SecurityScheme::ApiKey(ApiKey::Header(header)));
        if let Some(RefOr::T(Schema::Object(request))) = components.schemas.get_mut("SendRequest") {
            request.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// Queues a notification.
///
/// It is answered with success once the queue has confirmed it. After a 503 the same request may be sent again; with an
/// idempotency key it is delivered once all the same.
#[utoipa::path(
    post,
    path = "/send-notification",
    request_body = SendRequest,
    params(("x-request-id" = Option<String>, Header, description = "The caller's name for the request, up to 128 bytes; answered, and in the log")),
    security((), ("key" = []), ("bearer" = [])),
    responses(
        (status = 200, description = "Queued",
         headers(("x-notification-id" = String, description = "The service's name for the notification; the same for the same idempotency key"),
                 ("x-request-id" = String, description = "The request's name")),
         content_type = "text/plain", body = String,
         example = json!("Notification queued successfully")),
        (status = 400, description = "Not JSON, or not of the form", content_type = "application/problem+json", body = ProblemDetails),
        (status = 401, description = "The key is missing or wrong", content_type = "application/problem+json", body = ProblemDetails),
        (status = 408, description = "The body took too long", content_type = "application/problem+json", body = ProblemDetails),
        (status = 413, description = "Too large", content_type = "application/problem+json", body = ProblemDetails),
        (status = 415, description = "Not application/json", content_type = "application/problem+json", body = ProblemDetails),
        (status = 422, description = "A value can't be", content_type = "application/problem+json", body = ProblemDetails),
        (status = 500, description = "A fault of the service", content_type = "application/problem+json", body = ProblemDetails),
        (status = 503, description = "Not queued; come again after Retry-After", headers(("retry-after" = u32, description = "Seconds to wait")), content_type = "application/problem+json",
         body = ProblemDetails),
    )
)]
#[expect(dead_code, reason = "stands for the route in the description only")]
fn send_notification() {}

/// Says whether the process lives.
#[utoipa::path(
    get,
    path = "/health",
    responses(
        (status = 200, description = "It lives", content_type = "text/plain", body = String, example = json!("ok")),
        (status = 503, description = "It warms up", content_type = "text/plain", body = String),
    )
)]
#[expect(dead_code, reason = "stands for the route in the description only")]
fn health() {}

/// Says whether the process lives, like the same by GET.
#[utoipa::path(
    post,
    path = "/health",
    responses(
        (status = 200, description = "It lives", content_type = "text/plain", body = String, example = json!("ok")),
        (status = 503, description = "It warms up", content_type = "text/plain", body = String),
    )
)]
#[expect(dead_code, reason = "stands for the route in the description only")]
fn health_by_post() {}

/// Returns this description.
#[utoipa::path(
    get,
    path = "/openapi.json",
    responses((status = 200, description = "This description", content_type = "application/json", body = Object))
)]
#[expect(dead_code, reason = "stands for the route in the description only")]
fn description() {}

/// Says whether the service is ready: the queue answers, and it was not asked to end.
#[utoipa::path(
    get,
    path = "/ready",
    responses(
        (status = 200, description = "Ready", content_type = "text/plain", body = String, example = json!("ready")),
        (status = 503, description = "Not ready, and why", content_type = "text/plain", body = String),
    )
)]
#[expect(dead_code, reason = "stands for the route in the description only")]
fn ready() {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_document_names_what_is_required_and_every_status() {
        let document: Value = serde_json::from_str(&document().unwrap()).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3."));
        let schema = &document["components"]["schemas"]["SendRequest"];
        assert_eq!(schema["required"], serde_json::json!(["message"]));
        let statuses = document["paths"]["/send-notification"]["post"]["responses"].as_object().unwrap();
        let statuses: Vec<_> = statuses.keys().map(String::as_str).collect();
        assert_eq!(statuses, ["200", "400", "401", "408", "413", "415", "422", "500", "503"]);
        assert_eq!(schema["additionalProperties"], false);
        for method in ["get", "post"] {
            assert!(document["paths"]["/health"][method]["responses"]["503"].is_object(), "{method}");
        }
        assert!(document["paths"]["/openapi.json"]["get"].is_object());
        let send = &document["paths"]["/send-notification"]["post"];
        assert_eq!(send["parameters"][0]["name"], "x-request-id");
        assert!(send["responses"]["200"]["headers"]["x-request-id"].is_object());
    }
}
