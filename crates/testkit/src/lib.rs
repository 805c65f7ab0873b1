//! A real PostgreSQL per test binary, a database per test, temporary projects, CLI runs.
