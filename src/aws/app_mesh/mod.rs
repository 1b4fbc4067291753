//! Resource types of AWS App Mesh.
