//! Serves the engine over a fresh database of the tests' PostgreSQL, with the settings that Hasura's fixtures want.
//!
//! `cargo run -p nself-graphql --example serve -- --port 9120 [--secret S] [--role ROLE]`

#![allow(clippy::unwrap_used, reason = "a tool for developers")]

use std::net::Ipv4Addr;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| arguments.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1].clone());
    let port: u16 = value("--port").unwrap_or_else(|| "9180".to_owned()).parse()?;
    let database = testkit::db().await;
    let mut options = graphql::Options::new(postgres::Pool::new(database.config(), 10));
    options.admin_secret = Some(project::Secret::new(value("--secret").unwrap_or_else(|| "S".to_owned())));
    options.unauthorized_role = value("--role");
    options.stringify_numeric = true;
    options.dev_mode = true;
    options.allowlist = std::env::var("HASURA_GRAPHQL_ENABLE_ALLOWLIST").is_ok_and(|value| value == "true");
    options.environment = std::sync::Arc::new(std::env::vars().collect());
    let handle = graphql::Service::start(options).await?;
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    axum::serve(listener, handle.router()).await?;
    Ok(())
}
