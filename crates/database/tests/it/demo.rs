use std::path::Path;

use database::{
    Options,
    migrate::Sources,
    seed::{self, Seeds, Selection},
};
use project::{EnvName, Tier};
use tokio_postgres::Client;

use crate::support::{down, text, up};

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/starters/demo")
}

async fn seed(client: &mut Client, force: bool) -> usize {
    let seeds = Seeds::new(root(), "nself/seeds", EnvName::dev(), Tier::Dev);
    let report = seed::run(client, &seeds, &Selection::All, force, &Options::default(), &mut |_| {}).await.unwrap();
    report.ran.len()
}

/// Everything in the public schema, rows included, as one hash.
async fn fingerprint(client: &Client) -> String {
    let tables = client
        .query("SELECT format('%I', relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1", &[])
        .await
        .unwrap();
    let mut rows = Vec::new();
    for table in &tables {
        let table: &str = table.get(0);
        let sql = format!("SELECT string_agg(t::text, ' ' ORDER BY t::text) FROM {table} t");
        rows.push(format!("{table} {}", text(client, &sql).await));
    }
    rows.join("\n")
}

#[tokio::test]
async fn the_demo_goes_up_is_filled_comes_down_and_goes_up_again() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client.batch_execute("SET TimeZone = 'Asia/Tokyo'").await.unwrap();
    let sources = Sources::new(root(), "nself/migrations");
    assert_eq!(up(&mut client, &sources).await.unwrap().len(), 5);
    assert_eq!(seed(&mut client, false).await, 3);
    assert_eq!(seed(&mut client, false).await, 0);
    let first = fingerprint(&client).await;
    // Seeds are repeatable: running them again adds nothing. (Catalogue rows are updated, so their stamp moves.)
    assert_eq!(seed(&mut client, true).await, 3);
    let counts = "SELECT (SELECT count(*) FROM orders) || ' ' || (SELECT count(*) FROM order_items) || ' '
                      || (SELECT count(*) FROM reviews) || ' ' || (SELECT count(*) FROM products)";
    assert_eq!(text(&client, counts).await, "150 368 118 30");

    assert_eq!(down(&mut client, &sources, 99).await.unwrap().len(), 5);
    let left = "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace)
                    + (SELECT count(*) FROM pg_type WHERE typnamespace = 'public'::regnamespace)
                    + (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)";
    assert_eq!(text(&client, left).await, "0", "nothing stays behind");
    assert_eq!(up(&mut client, &sources).await.unwrap().len(), 5);
    assert_eq!(seed(&mut client, true).await, 3);
    assert_eq!(fingerprint(&client).await, first, "the same rows on every run");
    assert_ne!(text(&client, "SELECT count(*) FROM search_products('berries')").await, "0");
    // A new row gets the next id.
    client.batch_execute("INSERT INTO categories (slug, name) VALUES ('new', 'New')").await.unwrap();
}

#[tokio::test]
async fn everything_in_the_demo_is_described() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    up(&mut client, &Sources::new(root(), "nself/migrations")).await.unwrap();
    let silent = "SELECT coalesce(string_agg(relname, ' '), '') FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND obj_description(oid, 'pg_class') IS NULL";
    assert_eq!(text(&client, silent).await, "");
}
