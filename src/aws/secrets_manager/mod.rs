//! Resource types of AWS Secrets Manager.
