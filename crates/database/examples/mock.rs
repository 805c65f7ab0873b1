//! Mock rows beside plain COPY of the same bytes: `mock <connection> <rows>` fills the table of ten columns below three times each
//! way and prints the best. Part of `benches/database/mock`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring program, run by hand")]

use std::{pin::pin, time::Instant};

use bytes::Bytes;
use database::{
    Options,
    mock::{self, Request, config::Config},
};
use futures::{SinkExt, TryStreamExt};
use tokio_postgres::{Client, NoTls};

const TABLE: &str = "
DROP TABLE IF EXISTS people, companies;
CREATE TABLE companies (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
CREATE TABLE people (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL, first_name text NOT NULL, last_name text NOT NULL,
    city text, company_id bigint NOT NULL REFERENCES companies, score integer NOT NULL, balance numeric(10,2) NOT NULL,
    active boolean NOT NULL, created_at timestamptz NOT NULL DEFAULT now())";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [connection, rows] = arguments.as_slice() else { panic!("see the head of the source") };
    let rows: u64 = rows.parse().unwrap();
    let (mut client, driver) = tokio_postgres::connect(connection, NoTls).await.unwrap();
    tokio::spawn(driver);
    let config = format!("tables: {{ companies: {{ count: 1000 }}, people: {{ count: {rows} }} }}");
    let config = Config::parse("bench".as_ref(), &config).unwrap();
    let (mut generated, mut own_cpu, mut copied) = (f64::MAX, f64::MAX, f64::MAX);
    for _ in 0..3 {
        client.batch_execute("DROP SCHEMA IF EXISTS nself CASCADE").await.unwrap();
        client.batch_execute(TABLE).await.unwrap();
        client.batch_execute("CHECKPOINT").await.unwrap();
        let request = Request { config: &config, seed: 42, preset: None, only: &[], dry_run: false };
        let before = cpu();
        let report = mock::generate(&mut client, &request, &Options::default(), &mut |_| {}).await.unwrap();
        own_cpu = own_cpu.min(cpu() - before);
        let people = report.tables.iter().find(|table| table.table == "people").unwrap();
        generated = generated.min(people.duration_ms as f64 / 1000.0);
        let bytes = copy_out(&client).await;
        assert_eq!(bytes.iter().map(Bytes::len).sum::<usize>() as u64, people.bytes);
        client.batch_execute("TRUNCATE people; ALTER TABLE people DISABLE TRIGGER ALL; CHECKPOINT").await.unwrap();
        let begun = Instant::now();
        let mut sink = pin!(client.copy_in::<_, Bytes>("COPY people FROM STDIN").await.unwrap());
        for chunk in bytes {
            sink.send(chunk).await.unwrap();
        }
        sink.finish().await.unwrap();
        copied = copied.min(begun.elapsed().as_secs_f64());
    }
    let rate = |seconds: f64| rows as f64 / seconds;
    println!("nself mock   {:>9.0} rows/s", rate(generated));
    println!("plain COPY   {:>9.0} rows/s of the same bytes", rate(copied));
    println!("generator    {:>9.0} rows for each second of its own processor time", rate(own_cpu));
}

/// The table as COPY's text, in pieces of about a mebibyte, which is what the generator sends too.
async fn copy_out(client: &Client) -> Vec<Bytes> {
    let mut stream = pin!(client.copy_out("COPY people TO STDOUT").await.unwrap());
    let (mut pieces, mut piece) = (Vec::new(), Vec::new());
    while let Some(part) = stream.try_next().await.unwrap() {
        piece.extend_from_slice(&part);
        if piece.len() > 1 << 20 {
            pieces.push(Bytes::from(std::mem::take(&mut piece)));
        }
    }
    pieces.push(Bytes::from(piece));
    pieces
}

/// Seconds of processor time that this process has had.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // utime and stime, in hundredths of a second on every Linux that people use.
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}
