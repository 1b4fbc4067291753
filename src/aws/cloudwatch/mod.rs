//! Resource types of Amazon CloudWatch.
