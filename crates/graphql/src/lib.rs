//! A Hasura-compatible GraphQL API compiled to SQL.
