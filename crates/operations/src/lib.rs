//! Doctor, resources, archives and update checks.
