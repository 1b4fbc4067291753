//! Metric filters: what the emulator drops of them.

use serde_json::Value;

use crate::call::Call;
use crate::shared::Shared;

const DROPPED: [&str; 3] = ["applyOnTransformedLogs", "emitSystemFieldDimensions", "fieldSelectionCriteria"];

pub(super) fn show(call: &Call, answer: &mut Value, shared: &Shared) {
    if call.scope.service != "logs" {
        return;
    }
    let key = |filter: &Value| {
        let part = |name: &str| filter[name].as_str().unwrap_or_default().to_owned();
        format!("metric-filter/{}/{}/{}", call.scope.region, part("logGroupName"), part("filterName"))
    };
    if call.operation == "PutMetricFilter" {
        shared.memory().kept.insert(key(&call.json), call.json.clone());
    }
    let filters = answer.get_mut("metricFilters").and_then(Value::as_array_mut);
    for filter in filters.into_iter().flatten() {
        let Some(put) = shared.memory().kept.get(&key(filter)).cloned() else { continue };
        for name in DROPPED.iter().filter(|name| !put[**name].is_null()) {
            filter[*name] = put[*name].clone();
        }
    }
}
