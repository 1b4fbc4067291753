//! Format 1 as it was first written: every later build must read it, and to the same end.

use super::replay::shown;
use super::*;

const LOG: [&str; 5] = [
    r#"{"version":1,"serial":1,"session":"01JA","at":"2026-11-20T23:00:00.5Z","entries":[{"open":{"holder":{"user":"ann","host":"box","pid":7,"command":"apply","since":"2026-11-20T23:00:00Z"},"lease_ms":60000,"seal":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"}}]}"#,
    r#"{"version":1,"serial":2,"session":"01JA","at":"2026-11-20T23:00:01Z","entries":[{"begin":{"op":"01A","address":"Queue[\"mail\"]","type":"AWS::SQS::Queue","action":"create","properties":{"QueueName":"q","Key":{"infra:secret":"d21965d819fbbae9edced814ab4e2e32051f8b608a3009118f77cb8c05dfc655"},"Rate":0.5},"generated":["QueueName"],"dependencies":["Vpc"],"prevent_destroy":true}},{"begin":{"op":"01B","address":"Vpc","type":"AWS::EC2::VPC","action":"create","properties":{}}}]}"#,
    r#"{"version":1,"serial":3,"session":"01JA","at":"2026-11-20T23:00:02Z","entries":[{"made":{"op":"01A","id":"https://q"}},{"failed":{"op":"01B"}},"renew",{"done":{"op":"01A","address":"Queue[\"mail\"]","outputs":{"Arn":"arn:q"}}}]}"#,
    r#"{"version":1,"serial":4,"session":"01JA","at":"2026-11-20T23:00:03Z","entries":[{"begin":{"op":"01C","address":"Queue[\"mail\"]","type":"AWS::SQS::Queue","action":"create","properties":{}}},{"made":{"op":"01C","id":"https://r"}},{"begin":{"op":"01D","address":"Queue[\"mail\"]","type":"AWS::SQS::Queue","action":{"delete":"https://q"}}},{"begin":{"op":"01E","address":"Queue[\"mail\"]","type":"AWS::SQS::Queue","action":"update","properties":{"A":[true,null]}}}]}"#,
    r#"{"version":1,"serial":5,"session":"01JA","at":"2026-11-20T23:00:04Z","entries":[{"moved":{"moves":[{"from":"Queue[\"mail\"]","to":"Mail"}]}},{"updated":{"address":"Mail","properties":{"~infra:secret":1},"outputs":{}}},{"outputs":{"outputs":{"url":"https://r"}}},"close"]}"#,
];

const SNAPSHOT: &str = r#"{"version":1,"serial":5,"changed":5,"pruned":0,"opens":[1],"lease":null,"seal":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f","resources":{"Mail":{"type":"AWS::SQS::Queue","id":"https://r","op":"01C","properties":{"~infra:secret":1},"outputs":{},"dependencies":[],"settled":false,"prevent_destroy":false}},"deposed":{"Mail":[{"type":"AWS::SQS::Queue","id":"https://q","op":"01A","dependencies":["Vpc"]}]},"begun":{"01D":{"address":"Mail","type":"AWS::SQS::Queue","action":{"delete":"https://q"},"properties":{},"generated":[],"dependencies":[],"prevent_destroy":false},"01E":{"address":"Mail","type":"AWS::SQS::Queue","action":"update","properties":{"A":[true,null]},"generated":[],"dependencies":[],"prevent_destroy":false}},"outputs":{"url":"https://r"}}"#;

async fn log(batches: &[&str]) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    for (serial, batch) in (1..).zip(batches) {
        store.append(&key(), serial, batch.as_bytes().to_vec()).await.unwrap();
    }
    store
}

#[tokio::test]
async fn a_log_in_format_1_is_read() {
    let state = load(&log(&LOG[..3]).await).await;
    insta::assert_snapshot!(
        shown(&state),
        @r#"Queue["mail"] = https://q by 01A {"Key": (secret), "Rate": 0.5} -> {"Arn": "arn:q"} needs [Vpc]"#
    );
    let record = &state.resources[&Address::from("Queue[\"mail\"]")];
    assert!(record.prevent_destroy);
    let digest = state.seal.as_ref().unwrap().seal(&secret("hunter2")).unwrap();
    assert_eq!(record.properties.get("Key"), Some(&digest), "digests stay the same");

    let state = load(&log(&LOG).await).await;
    insta::assert_snapshot!(shown(&state), @r#"
    Mail = https://r by 01C unsettled {"infra:secret": 1} -> {} needs []
    deposed Mail = https://q needs [Vpc]
    begun 01D Delete(https://q) Mail
    begun 01E Update Mail
    "#);
    assert_eq!((state.serial, &state.outputs["url"]), (5, &Value::from("https://r")));
}

#[tokio::test]
async fn a_snapshot_in_format_1_is_read_and_written() {
    let store = log(&LOG).await;
    let replayed = load(&store).await;
    store.write_snapshot(&key(), 5, SNAPSHOT.as_bytes().to_vec()).await.unwrap();
    store.prune(&key(), (1..=5).collect(), Vec::new()).await.unwrap();
    assert_eq!(load(&store).await, replayed);

    let (replay, pruned) = super::super::snapshot::Snapshot::decode(5, SNAPSHOT.as_bytes()).unwrap();
    let written = super::super::snapshot::Snapshot::encode(&replay, pruned).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), SNAPSHOT);
}
