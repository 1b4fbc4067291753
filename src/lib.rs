//! `infra`: infrastructure as code for containers on AWS.
//!
//! ```text
//! stack   text ─parse→ Document ─check→ Graph     (no I/O but reading files)
//! plan    Graph + State + Live ─→ Plan            (pure)
//! apply   Plan ─→ Events, through a Journal and a Cloud
//! aws     the one Cloud: SDK clients, resource types, waits, error meanings
//! lint    what in a stack would cause downtime (pure)
//! probe   watches what a stack serves while it is applied
//! saved   a plan in a file, to be applied as it was reviewed
//! state   what we made: an append-only log and its snapshot
//! cli     arguments in; diagnostics, plans, progress out (the only part that prints)
//! ```

pub mod address;
pub mod apply;
#[cfg(feature = "aws")]
pub mod aws;
pub mod catalog;
pub mod cli;
pub mod cloud;
pub mod diagnostic;
pub mod driver;
pub mod lint;
pub mod plan;
pub mod probe;
pub mod rollback;
pub mod saved;
pub mod stack;
pub mod state;
pub mod value;
