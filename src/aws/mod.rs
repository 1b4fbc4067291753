//! AWS: the one real [`crate::cloud::Cloud`].
