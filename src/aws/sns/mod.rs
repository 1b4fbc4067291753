//! Resource types of Amazon SNS.
