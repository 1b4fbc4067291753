//! Amazon ECR: container images.

mod repository;

pub use repository::Repository;
