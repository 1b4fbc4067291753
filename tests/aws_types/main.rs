//! Every resource type lives a whole life on the local AWS: made, read, found, changed, deleted.
//!
//! A type's fixture is `fixtures/<its name, :: as ->.json`; a type without one fails. While working on a type, run it alone with
//! `INFRA_TEST_TYPE=EC2::VPC cargo test --test aws_types`.

mod agree;
mod faults;
mod fixture;
mod life;
mod lookups;
mod pending;
mod taken;
mod warnings;

use std::env;

use futures::StreamExt;
use infra::aws::AwsCloud;
use infra::cloud::Cloud;
use local_aws::{LocalAws, Options};

const REGION: &str = "us-east-1";
/// Lives that are lived at the same time.
const CONCURRENT: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn every_type_lives_a_whole_life() {
    let local = LocalAws::start(Options::default()).await.expect("the local AWS starts");
    let cloud = AwsCloud::local(REGION, &local.endpoint()).await;
    let only = env::var("INFRA_TEST_TYPE").unwrap_or_default();
    let types: Vec<_> = cloud.catalog().iter().filter(|kind| kind.name.contains(&only)).cloned().collect();
    assert!(!types.is_empty(), "no type is called {only}");
    let lives = types.iter().map(|kind| async {
        let outcome = life::live(&cloud, kind).await;
        outcome.err().map(|why| format!("{}: {why}", kind.name))
    });
    let lives = futures::stream::iter(lives.collect::<Vec<_>>()).buffer_unordered(CONCURRENT);
    let failures: Vec<_> = lives.filter_map(|failure| async { failure }).collect().await;
    local.stop().await;
    assert!(failures.is_empty(), "{} of {} types fail:\n{}", failures.len(), types.len(), failures.join("\n"));
}

#[test]
fn every_fixture_is_of_a_type() {
    let catalog = infra::aws::catalog();
    for name in fixture::names() {
        assert!(catalog.get(&name).is_some(), "there is a fixture of {name}, but no such type");
    }
}
