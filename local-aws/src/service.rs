//! Has a call done: by the emulator that knows its service, with AWS's rules before and AWS's times after.

use bytes::Bytes;
use hyper::{Request, Response};

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::shared::Shared;
use crate::{app_mesh, replay, strict, view};

/// Performs `call`.
pub(crate) async fn perform(
    call: &Call,
    request: Request<Bytes>,
    shared: &Shared,
) -> Result<Response<Bytes>, AwsError> {
    if call.scope.service == "application-autoscaling" {
        return scale(call, request, shared).await;
    }
    if call.scope.service == "appmesh" {
        return app_mesh::perform(call, request, shared).await;
    }
    // Others are not held up: a queue may be listened to for long.
    let _until_answered = if strict::has_rules(call) { Some(shared.changing.lock().await) } else { None };
    let facts = Facts::new(shared, call);
    view::hidden::check(call, shared)?;
    if let Some(answer) = replay::given(call, &facts).await? {
        return Ok(answer);
    }
    strict::check(call, &facts).await?;
    if let Some(answer) = view::instead(call, &facts).await? {
        return Ok(answer);
    }
    view::before(call, &facts).await?;
    let answer = shared.upstream.call(view::adapted(call, request)).await?;
    if !answer.status().is_success() {
        return Ok(answer);
    }
    let answer = view::after(call, &Facts::new(shared, call), answer).await?;
    shared.traffic.note(call, facts.account());
    replay::remember(call, shared, &answer);
    Ok(answer)
}

/// Performs a call to Application Auto Scaling, whose emulator knows nothing of the services that it scales.
async fn scale(call: &Call, request: Request<Bytes>, shared: &Shared) -> Result<Response<Bytes>, AwsError> {
    let _until_answered = if call.is_read() { None } else { Some(shared.changing.lock().await) };
    let facts = Facts::new(shared, call);
    strict::scaling::check(call, &facts).await?;
    view::scaling::before(call, &facts).await?;
    let answer = shared.in_process.call(&call.scope, request).await?;
    if answer.status().is_success() { view::scaling::after(call, &facts, answer).await } else { Ok(answer) }
}
