//! Every column of schemas that nobody made for the generators takes what they make: the database is the judge.

use bytes::Bytes;
use database::mock::values::{Column, Pcg, Planner, Row, Settings};
use futures::SinkExt;
use postgres::catalog::{Catalog, Table, TableKind};
use tokio_postgres::Client;

const NOW: i64 = 1_767_225_600_000_000;
const ROWS: u64 = 400;

fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

fn stream(row: u64, column: usize) -> Pcg {
    let word = mix(row.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(column as u64 + 1));
    Pcg::new(u128::from(word) << 64 | u128::from(mix(word)))
}

/// The columns of a table, smaller ones before those that must be greater, each compiled from its guess.
fn compiled(planner: &Planner<'_>, table: &Table) -> Vec<(String, Column)> {
    let checks = planner.checks(table);
    assert_eq!(checks.not_understood, [], "{}", table.name);
    let mut columns: Vec<_> = table.columns.iter().filter(|column| column.generated.is_none()).collect();
    for _ in 0..columns.len() {
        for (earlier, later) in &checks.order {
            let place = |name: &String| columns.iter().position(|column| column.name == *name);
            if let (Some(first), Some(second)) = (place(earlier), place(later))
                && second < first
            {
                columns.swap(first, second);
            }
        }
    }
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let compile = |index: usize| {
        let spec = planner.guess(table, columns[index]).spec;
        let made = planner.column(table, columns[index], &spec, &names[..index], &[]);
        let made = made.unwrap_or_else(|error| panic!("{}.{}: {error:?}", table.name, names[index]));
        (names[index].to_owned(), made)
    };
    (0..columns.len()).map(compile).collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn copy(client: &Client, table: &str, columns: &[String], text: Vec<u8>) -> Result<u64, String> {
    let list = columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let sink = client.copy_in(&format!("COPY {table} ({list}) FROM STDIN")).await.map_err(|error| error.to_string())?;
    futures::pin_mut!(sink);
    sink.send(Bytes::from(text)).await.map_err(|error| error.to_string())?;
    sink.finish().await.map_err(|error| format!("{:?}", error.as_db_error()))
}

/// Fills a copy of each table, with its types, NOT NULLs and checks but without its keys.
async fn fill(schema: &str) {
    let database = testkit::db().await;
    let client = database.client().await;
    client.batch_execute(schema).await.unwrap();
    let catalog = Catalog::read(&client, &[]).await.unwrap();
    let planner = Planner::new(&catalog, Settings { locale: "en".to_owned(), now: NOW });
    for table in catalog.tables.iter().filter(|table| table.extension.is_none()) {
        let fillable = matches!(table.kind, TableKind::Table | TableKind::Partitioned) && table.partition_of.is_none();
        if !fillable || table.columns.is_empty() {
            continue;
        }
        let name = format!("{}.{}", quoted(&table.schema), quoted(&table.name));
        let sql = format!("CREATE TEMPORARY TABLE filled (LIKE {name} INCLUDING CONSTRAINTS)");
        client.batch_execute(&sql).await.unwrap();
        let columns = compiled(&planner, table);
        let (mut names, mut text) = (Vec::new(), Vec::new());
        names.extend(columns.iter().map(|(name, _)| name.clone()));
        for index in 0..ROWS {
            let mut cells = Vec::new();
            for (position, (_, column)) in columns.iter().enumerate() {
                if position > 0 {
                    text.push(b'\t');
                }
                let start = text.len();
                let foreign = table.foreign_keys.iter().any(|key| key.columns.contains(&columns[position].0));
                if foreign && !table.column(&columns[position].0).unwrap().not_null {
                    // Another table's business.
                    text.extend_from_slice(b"\\N");
                    cells.push(start..text.len());
                    continue;
                }
                column.text(&Row { index, key: mix(index), cells: &cells }, &mut stream(index, position), &mut text);
                cells.push(start..text.len());
            }
            text.push(b'\n');
        }
        let copied = copy(&client, "filled", &names, text).await;
        assert_eq!(copied, Ok(ROWS), "{name}");
        unique(&client, &columns, &name).await;
        client.batch_execute("DROP TABLE filled").await.unwrap();
    }
}

/// Numbered values are taken too, and the database calls them different where it can compare them.
async fn unique(client: &Client, columns: &[(String, Column)], table: &str) {
    client.batch_execute("TRUNCATE filled").await.unwrap();
    for (position, (name, column)) in columns.iter().enumerate() {
        let count = column.distinct().unwrap_or(ROWS).min(ROWS);
        let mut text = Vec::new();
        for index in 0..count {
            let row = Row { index, key: mix(index), cells: &[] };
            column.nth(index, &row, &mut stream(index, position), &mut text);
            text.push(b'\n');
        }
        let sql = format!("CREATE TEMPORARY TABLE one AS SELECT {0} FROM filled", quoted(name));
        client.batch_execute(&sql).await.unwrap();
        let copied = copy(client, "one", std::slice::from_ref(name), text).await;
        assert_eq!(copied, Ok(count), "{table}.{name}");
        let sql = format!("SELECT count(DISTINCT lower({0}::text)) FROM one", quoted(name));
        let distinct: i64 = client.query_one(&sql, &[]).await.unwrap().get(0);
        assert_eq!(distinct, count as i64, "{table}.{name}");
        client.batch_execute("DROP TABLE one").await.unwrap();
    }
}

#[tokio::test]
async fn mock_values_fit_every_type() {
    fill(include_str!("../schemas/types.sql")).await;
}

#[tokio::test]
async fn mock_values_meet_checks() {
    fill(include_str!("../schemas/constraints.sql")).await;
}

#[tokio::test]
async fn mock_values_fit_other_schemas() {
    for schema in [
        include_str!("../schemas/films.sql"),
        include_str!("../schemas/music.sql"),
        include_str!("../schemas/names.sql"),
        include_str!("../schemas/cycles.sql"),
    ] {
        fill(schema).await;
    }
}

#[tokio::test]
async fn mock_values_meet_usual_checks() {
    fill(
        r"CREATE TYPE level AS ENUM ('low', 'mid', 'high');
        CREATE DOMAIN email AS text CHECK (VALUE ~* '^[A-Z0-9._%-]+@[A-Z0-9.-]+[.][A-Z]+$');
        CREATE TABLE people (
            id bigint PRIMARY KEY, email email NOT NULL, backup email, nick varchar(12) CHECK (length(nick) BETWEEN 3 AND 12),
            born date NOT NULL CHECK (born < CURRENT_DATE - interval '18 years' AND born > '1920-01-01'),
            country char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$'), zip text CHECK (zip SIMILAR TO '[0-9]{5}' OR zip IS NULL),
            site text CHECK (site LIKE 'https://%'), color text CHECK (color ~ '^#[0-9a-f]{6}$'), level level NOT NULL CHECK (level <> 'low'),
            share real CHECK (share >= 0 AND share <= 1), even int CHECK (even % 2 = 0), odd smallint CHECK (odd > 30000),
            lat double precision CHECK (lat BETWEEN -90 AND 90), lng double precision CHECK (lng BETWEEN -180 AND 180),
            tags text[] NOT NULL CHECK (array_length(tags, 1) BETWEEN 1 AND 3 AND tags <@ ARRAY['a', 'b', 'c']),
            data jsonb NOT NULL CHECK (jsonb_typeof(data) = 'object' AND data ? 'kind'), code text CHECK (upper(code) = code AND code <> ''),
            not_this int CHECK (not_this NOT IN (1, 2, 3)), either int, other int, CHECK (num_nonnulls(either, other) = 1),
            pin text CHECK (pin ~ '^\d{4}$'), slug text UNIQUE CHECK (slug ~ '^[a-z0-9-]+$'), tiny numeric(2, 1), huge numeric(30, 10),
            opens time NOT NULL, closes time NOT NULL CHECK (closes > opens), period interval CHECK (period > interval '1 hour'),
            handle text CHECK (handle !~ '[^a-z0-9_]'), nothing text CHECK (nothing IS NULL), always boolean CHECK (always),
            bytes bytea CHECK (octet_length(bytes) = 20), percent numeric CHECK (percent = round(percent, 1) AND percent <= 100)
        );
        CREATE TABLE orders (
            id uuid PRIMARY KEY, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, paid_at timestamptz, shipped_on date,
            total numeric(10, 2) NOT NULL CHECK (total > 0), discount numeric(10, 2) NOT NULL CHECK (discount < total),
            kind text NOT NULL, card text, iban text, starts_on date, ends_on date CHECK (ends_on >= starts_on + 7),
            CHECK (kind = 'card' AND card IS NOT NULL AND iban IS NULL OR kind = 'bank' AND iban IS NOT NULL AND card IS NULL),
            CHECK (updated_at >= created_at), CHECK (paid_at IS NULL OR paid_at >= created_at), quarter int CHECK (quarter IN (1, 2, 3, 4)),
            min_qty int NOT NULL, max_qty int NOT NULL, CHECK (max_qty > min_qty), currency varchar(3) NOT NULL CHECK (currency = upper(currency))
        );",
    )
    .await;
}
