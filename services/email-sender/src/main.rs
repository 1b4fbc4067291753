//! `email-sender`: works notifications off a queue and sends them through SES.

mod backoff;
mod batch;
mod compose;
mod dead_letter;
mod delete;
mod denials;
mod ending;
mod facts;
mod figures;
mod hold;
mod mailer;
mod once;
mod pacer;
mod queue;
mod sender;
mod serve;
mod ses;
mod settings;
mod sqs;
mod verdict;
mod work;
mod worker;

#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod fake;

use std::process::ExitCode;

use service_runtime::service::Service;

fn main() -> ExitCode {
    let service = Service { name: "email-sender", metrics: figures::METRICS, settings: settings::Settings::read };
    service_runtime::run(&service, serve::serve)
}
