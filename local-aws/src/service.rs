//! Has a call done: by the emulator that knows its service, with AWS's rules before and AWS's times after.

use bytes::Bytes;
use hyper::{Request, Response};

use crate::call::Call;
use crate::error::AwsError;
use crate::facts::Facts;
use crate::shared::Shared;
use crate::{replay, strict, view};

/// Performs `call`.
pub(crate) async fn perform(
    call: &Call,
    request: Request<Bytes>,
    shared: &Shared,
) -> Result<Response<Bytes>, AwsError> {
    if shared.in_process.serves(&call.scope.service) {
        return shared.in_process.call(call, request).await;
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
    replay::remember(call, shared, &answer);
    Ok(answer)
}
