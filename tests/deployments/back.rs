//! The way back: what it names, warns of, and leaves.

use infra::address::{Address, Id, OpId};
use infra::aws::AwsCloud;
use infra::cloud::{Cloud, Op};
use serde_json::Value as Json;

/// Who deployed last, for pipelines to go by; and the same as an output.
const DEPLOYED: &str = r#"
  Deployed:
    type: AWS::SSM::Parameter
    depends_on: [Api]
    properties: { Name: /shop/image, Type: String, Value: "${params.image}" }
outputs:
  image: { value: "${Deployed.Value}" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_at_the_newer_image_is_named_with_the_way_out() {
    let shop = super::empty().await.with(DEPLOYED);
    shop.apply("app:1", &[]).expect(0);
    shop.apply("app:2", &[]).expect(0);
    let left = "Still at app:2, where app:1 serves: Deployed (Value), output image";
    let back = shop.run(&["rollback", "--auto-approve"]).expect(0);
    back.says(&[left, "an apply with the images that serve changes these", "The next apply deploys what"]);
    assert_eq!(shop.recorded("Deployed")["properties"]["Value"], "app:2");
    shop.apply("app:1", &[]).expect(0);
    assert_eq!(shop.recorded("Deployed")["properties"]["Value"], "app:1");
    // To a program the same; the way back from here goes to app:2 again, and `Deployed` is at app:1.
    let back = shop.run(&["rollback", "--auto-approve", "--format", "json"]).expect(0);
    let told: Json = serde_json::from_str(back.out.lines().last().unwrap()).unwrap();
    assert_eq!((&told["event"], &told["services"][0]["service"]), (&"rolled_back".into(), &"Api".into()), "{told:#}");
    assert_eq!((&told["left"][0]["address"], &told["left"][0]["image"]), (&"Deployed".into(), &"app:1".into()));
    assert_eq!((&told["left"][1]["output"], &told["left"][1]["serves"]), (&"image".into(), &"app:2".into()));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_name_is_told_before_approval_is_asked_for() {
    let shop = super::open().await;
    let wrong = shop.run(&["rollback", "--service", "Apii"]).expect(64);
    let wrong = wrong.says(&["no service `Apii` is on record", "did you mean `Api`?"]);
    assert!(!wrong.err.contains("approval"), "{wrong}");
    shop.run(&["rollback", "--service", "Api"]).expect(64).says(&["there is no terminal to ask for approval on"]);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_group_that_is_gone_is_a_warning() {
    let shop = super::open().await;
    shop.apply("app:2", &[]).expect(0);
    let cloud = AwsCloud::local("us-east-1", &shop.local.endpoint()).await;
    let kind = cloud.catalog().get("AWS::Logs::LogGroup").unwrap().clone();
    let op = Op::new(OpId::generate(), Address::from("Logs"), "shop".into(), "default".into());
    cloud.delete(&kind, &op, &Id::new("/shop")).await.unwrap();
    let back = shop.run(&["rollback", "--auto-approve"]);
    back.says(&["warning: Api: ", " needs the log group /shop, which is not there any more"]);
    shop.close().await;
}
