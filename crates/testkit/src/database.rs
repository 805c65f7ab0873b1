use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{Client, NoTls};

use crate::Postgres;

/// A database of one test; dropped, with every connection to it, when the value is.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    server: &'static Postgres,
}

/// A new empty database on the run's server.
pub async fn db() -> TestDatabase {
    Postgres::shared().db().await
}

impl Postgres {
    /// A new empty database.
    pub async fn db(&'static self) -> TestDatabase {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let client = self.connect("postgres").await;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database for the test");
        TestDatabase { name, server: self }
    }

    async fn connect(&self, database: &str) -> Client {
        let (client, connection) = self.config(database).connect(NoTls).await.expect("the test server answers");
        tokio::spawn(connection);
        client
    }
}

impl TestDatabase {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How to connect as the superuser over the socket.
    pub fn config(&self) -> tokio_postgres::Config {
        self.server.config(&self.name)
    }

    /// A new connection as the superuser. It ends when the client is dropped.
    pub async fn client(&self) -> Client {
        self.server.connect(&self.name).await
    }

    /// A URL for programs that connect over loopback.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// The server it is on.
    pub fn server(&self) -> &'static Postgres {
        self.server
    }

    /// Makes the schemas and extensions that `nself start` makes in a project's database.
    pub async fn bootstrap(&self) {
        let wanted = postgres::Bootstrap::new(&self.name, []);
        self.server.cluster().bootstrap(&wanted).await.expect("the product's schemas and extensions");
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // Not even FORCE drops a database whose changes somebody follows; a temporary slot goes with its connection.
        let unfollow = format!(
            "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE database = '{}' AND active",
            self.name
        );
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let server = self.server;
        // A thread of its own: this may run inside a runtime, which must not be blocked on. A failure leaves a database
        // behind on a server that is thrown away anyway.
        let _ = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                if let Ok((client, connection)) = server.config("postgres").connect(NoTls).await {
                    tokio::spawn(connection);
                    let _ = client.batch_execute(&unfollow).await;
                    let _ = client.batch_execute(&statement).await;
                }
            });
            std::io::Result::Ok(())
        })
        .join();
    }
}
