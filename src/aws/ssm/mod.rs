//! Resource types of AWS Systems Manager.
