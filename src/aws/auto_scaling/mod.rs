//! Resource types of Application Auto Scaling.
