//! Resource types of AWS Cloud Map.
