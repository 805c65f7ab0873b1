//! PostgreSQL itself: find, install, initdb, tune, start, connect, and read the catalog.
