//! Brings the worker up with its queue, its mail service, its rate and its health endpoint.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use service_runtime::aws::{self, Patience};
use service_runtime::health::router;
use service_runtime::{Context, Fatal};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::compose::Composer;
use crate::mailer::Mailer;
use crate::pacer::Pacer;
use crate::queue::{Queue, QueueFacts};
use crate::ses::SesMailer;
use crate::settings::Settings;
use crate::sqs::SqsQueue;
use crate::worker;

/// Calls to SQS may be tried again without harm.
const QUEUE_PATIENCE: Patience =
    Patience { attempt: Duration::from_secs(5), call: Duration::from_secs(15), attempts: 3 };
/// A mail may have been sent although the answer was lost, so it is not tried again in secret.
const MAIL_PATIENCE: Patience =
    Patience { attempt: Duration::from_secs(15), call: Duration::from_secs(15), attempts: 1 };
/// The rate until SES tells the account's: that of a new account out of the sandbox.
const FIRST_RATE: f64 = 14.0;
const RATE_EVERY: Duration = Duration::from_secs(300);
/// How soon the rate is asked for again when SES did not tell it.
const RATE_AGAIN: Duration = Duration::from_secs(60);
/// How long the start waits for the rate, so that a slow account is not overrun.
const FIRST_RATE_WITHIN: Duration = Duration::from_secs(5);
/// How often the queue is asked for its attributes until it tells them.
const FACTS_TRIES: u32 = 5;
const FACTS_AGAIN: Duration = Duration::from_secs(2);
/// What a receiver that lives may do between two beats beside a receive.
const SILENCE_MARGIN: Duration = Duration::from_secs(60);

/// Works until it is asked to end, and has ended.
pub(crate) async fn serve(context: Context, settings: Settings) -> Result<(), Fatal> {
    let no_client = |error| Fatal::new("cannot make the HTTPS client", error);
    let for_queue = aws::config(&context.region, QUEUE_PATIENCE).await.map_err(no_client)?;
    let for_mail = aws::config(&context.region, MAIL_PATIENCE).await.map_err(no_client)?;

    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, context.port))
        .await
        .map_err(|error| Fatal::new("cannot listen", error))?;
    let health = axum::serve(listener, router(context.health.clone()));
    let _answering_until_the_end = AbortOnDropHandle::new(tokio::spawn(health.into_future()));

    let budget = context.shutdown.budget();
    // A receive under way is waited for at the end: two of them would use the time to stop up.
    let wait = settings.receive_wait.min(Duration::from_secs((budget / 2).as_secs().max(1)));
    let queue = Arc::new(SqsQueue::new(
        aws_sdk_sqs::Client::new(&for_queue),
        settings.queue_url.clone(),
        settings.dead_letter_queue_url.clone(),
        wait,
    ));
    let mailer = Arc::new(SesMailer {
        client: aws_sdk_sesv2::Client::new(&for_mail),
        sender: settings.sender_address.clone(),
        template: settings.template_name.clone(),
        configuration_set: settings.configuration_set.clone(),
    });
    let started = async { tokio::join!(facts(&*queue), rate(Arc::clone(&mailer), &settings)) };
    let (facts, (pacer, _following)) = tokio::select! {
        () = context.shutdown.requested() => return Ok(()),
        (facts, rate) = started => (facts?, rate),
    };
    tracing::info!(
        port = context.port,
        queue = settings.queue_url,
        concurrency = settings.concurrency,
        rate = pacer.rate(),
        visibility_timeout_seconds = facts.visibility_timeout.as_secs(),
        max_receives = facts.max_receives,
        max_message_bytes = facts.max_message_bytes,
        "working"
    );
    let worker = worker::Settings {
        concurrency: settings.concurrency,
        remembered: settings.remembered,
        composer: Composer {
            default_subject: settings.default_subject,
            has_template: settings.template_name.is_some(),
        },
        facts,
        longest_silence: SqsQueue::longest_receive(wait) + SILENCE_MARGIN,
    };
    worker::run(queue, mailer, pacer, worker, &context.health, context.metrics.clone(), &context.shutdown).await;
    Ok(())
}

/// Asks the queue what it is. Without it, the worker could lose messages it still works on.
async fn facts(queue: &impl Queue) -> Result<QueueFacts, Fatal> {
    let mut tries = 1;
    loop {
        match queue.facts().await {
            Ok(facts) => return Ok(facts),
            Err(error) if tries == FACTS_TRIES => return Err(Fatal::new("cannot read the queue's attributes", error)),
            Err(error) => tracing::warn!(%error, "could not read the queue's attributes; trying again"),
        }
        tries += 1;
        sleep(FACTS_AGAIN).await;
    }
}

/// Makes a pacer of the rate given, or one that follows this task's share of the account's rate.
async fn rate<M: Mailer>(mailer: Arc<M>, settings: &Settings) -> (Arc<Pacer>, Option<AbortOnDropHandle<()>>) {
    if let Some(rate) = settings.send_rate {
        return (Arc::new(Pacer::new(rate)), None);
    }
    let workers = f64::from(settings.workers);
    let pacer = Arc::new(Pacer::new(FIRST_RATE / workers));
    let first = match timeout(FIRST_RATE_WITHIN, mailer.send_rate()).await {
        Ok(Ok(rate)) => {
            pacer.set_ceiling(rate / workers);
            RATE_EVERY
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, rate = pacer.rate(), "SES does not tell the account's sending rate");
            RATE_AGAIN
        }
        Err(_) => RATE_AGAIN,
    };
    let following = Arc::clone(&pacer);
    let task = tokio::spawn(async move {
        let mut next = first;
        loop {
            sleep(next).await;
            next = match mailer.send_rate().await {
                Ok(rate) => {
                    following.set_ceiling(rate / workers);
                    RATE_EVERY
                }
                Err(_) => RATE_AGAIN,
            };
        }
    });
    (pacer, Some(AbortOnDropHandle::new(task)))
}
