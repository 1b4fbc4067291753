//! AWS Key Management Service: keys and their aliases.

mod alias;
mod key;
mod key_calls;

pub use alias::Alias;
pub use key::Key;
