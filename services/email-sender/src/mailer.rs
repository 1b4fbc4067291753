//! What a worker needs of a mail service, apart from which service it is.

use std::future::Future;

/// What is sent.
#[derive(Clone, PartialEq)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) content: Content,
}

/// What stands in a mail.
#[derive(Clone, PartialEq)]
pub(crate) enum Content {
    /// Plain text.
    Text(String),
    /// Values of the template's variables: a JSON object.
    Template(String),
}

/// Whose fault it is that a mail was not sent, which decides what becomes of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// Too fast: the same mail will be taken later, at a lower rate.
    Throttled,
    /// Nobody's mail is taken until somebody mends the account, its identities or permissions.
    Blocked,
    /// Nobody's mail is taken either, unless others' is: then this is the mail's own matter, and passes or not.
    Denied,
    /// The service, the way to it or something that only this mail needs failed; the mail may even have been sent.
    Transient,
    /// This mail is never taken.
    Permanent,
}

/// Why a mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) code: String,
    /// What the service said, without addresses.
    pub(crate) message: String,
}

/// A mail service.
pub(crate) trait Mailer: Send + Sync + 'static {
    /// Sends one mail, once: a failed call is not tried again here.
    fn send(&self, mail: &Mail) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Tells how many mails a second the account may send.
    fn send_rate(&self) -> impl Future<Output = Result<f64, Fault>> + Send;
}
