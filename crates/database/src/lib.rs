//! The database toolchain: migrations, seeds, queries.
