//! `notification-api`: takes notifications over HTTP and queues them to SQS.

use std::process::ExitCode;

use notification_api::{SERVICE, serve};

fn main() -> ExitCode {
    service_runtime::run(&SERVICE, serve)
}
