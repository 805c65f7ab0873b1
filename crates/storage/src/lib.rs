//! Files in an object store, described in PostgreSQL, served to whom GraphQL's permissions let.
