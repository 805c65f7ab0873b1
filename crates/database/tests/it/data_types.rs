//! Whatever a column holds, it comes back the same through every format.

use std::sync::Arc;

use database::data::{Format, export, reset};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use tokio_postgres::Client;

use crate::{
    data::{export as wanted, fingerprint, from, place, run_import},
    support::{Folder, allowed, text},
};

const TYPES: &str = "
    CREATE TYPE mood AS ENUM ('fine', 'so \"so\"', 'a,b', '');
    CREATE DOMAIN cents AS numeric(12, 2);
    CREATE DOMAIN words AS text[];
    CREATE TYPE pair AS (a int, b text);
    CREATE TYPE span AS RANGE (subtype = float8);";

/// SQL of a value, of one of its kinds.
type Value = BoxedStrategy<String>;

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn any_text() -> BoxedStrategy<String> {
    let odd = prop::sample::select(vec![
        "",
        "NULL",
        "null",
        "\\N",
        "\\.",
        " ",
        "\n",
        "\r\n",
        "\t",
        "\"",
        "'",
        ",",
        "{}",
        "{\"$json\": \"1\"}",
        "\\",
        "é😀",
        "\u{1}\u{7f}",
        "true",
        "1e5",
        "[1]",
        "a,b",
        "-0",
    ]);
    prop_oneof![odd.prop_map(str::to_owned), "[ -~äß\\\\\"\n\t]{0,12}"].boxed()
}

fn list(values: &'static [&'static str]) -> Value {
    prop::sample::select(values).prop_map(quoted).boxed()
}

fn json() -> Value {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1e400".to_owned()),
        Just("12345678901234567890.10".to_owned()),
        Just("{\"$json\": \"x\"}".to_owned()),
        Just("{\"$json\": 1}".to_owned()),
        Just("{ \"b\":1,\n\"a\" : [ ] }".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any_text().prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    let tree = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec(("[a-z$\" ]{0,5}", inner), 0..4).prop_map(|fields| {
                let fields =
                    fields.iter().map(|(name, value)| format!("{}: {value}", serde_json::Value::from(name.as_str())));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
            }),
        ]
    });
    tree.prop_map(|json| quoted(&json)).boxed()
}

/// A type with the values to try.
fn kinds() -> Vec<(&'static str, Value)> {
    let number = |digits: &'static str| digits.prop_map(|text| quoted(&text)).boxed();
    let text = || any_text().prop_map(|text| quoted(&text)).boxed();
    let or = |first: Value, special: &'static [&'static str]| prop_oneof![4 => first, 1 => list(special)].boxed();
    let float = any::<f64>().prop_map(|number| quoted(&number.to_string())).boxed();
    let single = any::<f32>().prop_map(|number| quoted(&number.to_string())).boxed();
    vec![
        ("bool", list(&["t", "f"])),
        ("int2", any::<i16>().prop_map(|number| quoted(&number.to_string())).boxed()),
        ("int4", any::<i32>().prop_map(|number| quoted(&number.to_string())).boxed()),
        ("int8", any::<i64>().prop_map(|number| quoted(&number.to_string())).boxed()),
        ("oid", any::<u32>().prop_map(|number| quoted(&number.to_string())).boxed()),
        ("numeric", or(number("-?[0-9]{1,40}(\\.[0-9]{1,30})?"), &["NaN", "Infinity", "-Infinity", "0.000", "1e-100"])),
        ("numeric(12,3)", number("-?[0-9]{1,9}(\\.[0-9]{1,3})?")),
        ("numeric(5,0)", or(number("-?[0-9]{1,5}"), &["NaN"])),
        ("numeric(3,-2)", number("[0-9]{1,5}")),
        ("float4", or(single, &["NaN", "Infinity", "-Infinity", "-0"])),
        ("float8", or(float, &["NaN", "Infinity", "-Infinity", "-0", "1e-300"])),
        ("text", text()),
        ("varchar(40)", text()),
        ("char(5)", list(&["a", "", "ab  ", "abcde"])),
        ("\"char\"", list(&["a", ""])),
        ("name", list(&["a", "B c"])),
        (
            "bytea",
            prop::collection::vec(any::<u8>(), 0..20)
                .prop_map(|bytes| {
                    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                    format!("'\\x{digits}'")
                })
                .boxed(),
        ),
        (
            "date",
            or(
                (-2_440_000_i64..2_000_000_000)
                    .prop_map(|days| format!("('2000-01-01'::date + ({}))", days.rem_euclid(9_000_000) - 2_000_000))
                    .boxed(),
                &["infinity", "-infinity", "4713-01-01 BC", "5874897-12-31"],
            ),
        ),
        (
            "timestamp",
            or(
                (-60_000_000_000_000_000_i64..900_000_000_000_000_000)
                    .prop_map(|micros| format!("('2000-01-01'::timestamp + interval '1 us' * {micros})"))
                    .boxed(),
                &["2026-01-01 00:00:00.000001", "0001-01-01 00:00:00 BC"],
            ),
        ),
        (
            "timestamptz",
            or(
                list(&["2026-03-29 02:30:00.5+02", "1883-11-18 12:03:58-08"]),
                &["infinity", "-infinity", "294276-12-31 23:59:59.999999+00", "4713-01-01 00:00:00+00 BC"],
            ),
        ),
        ("time", or(list(&["00:00:00", "23:59:59.999999"]), &["24:00:00"])),
        ("timetz", list(&["12:00:00.1+05:30", "24:00:00-15:59"])),
        ("interval", list(&["1 year -2 months 3 days 04:05:06.789", "-00:00:01", "178000000 years"])),
        ("uuid", any::<u128>().prop_map(|number| format!("'{number:032x}'")).boxed()),
        ("json", json()),
        ("jsonb", json()),
        ("mood", list(&["fine", "so \"so\"", "a,b", ""])),
        ("cents", or(number("-?[0-9]{1,9}\\.[0-9]{2}"), &["NaN"])),
        ("words", list(&["{}", "{a,NULL,\"NULL\",\"\"}"])),
        ("pair", list(&["(1,\"a,\\\"b\")", "(,)", "(5,\"\")"])),
        ("int4range", list(&["empty", "[1,5)", "(,5)", "(,)"])),
        ("tstzrange", list(&["[\"2026-01-01 00:00:00+00\",infinity)", "empty"])),
        ("span", list(&["[1.5,NaN]", "(-Infinity,Infinity)"])),
        ("int4multirange", list(&["{}", "{[1,3),[5,9)}"])),
        ("int4[]", list(&["{}", "{1,NULL,3}", "{{1,2},{3,4}}", "[0:1]={1,2}", "[-1:0][2:3]={{1,2},{3,4}}"])),
        ("numeric(6,2)[]", list(&["{1.50,NaN,NULL}", "{}"])),
        ("bool[]", list(&["{t,f,NULL}", "{{t},{f}}"])),
        (
            "text[]",
            prop::collection::vec(prop::option::of(any_text()), 0..5)
                .prop_map(|items| {
                    let item = |item: &Option<String>| item.as_ref().map_or("NULL".to_owned(), |text| quoted(text));
                    format!("ARRAY[{}]::text[]", items.iter().map(item).collect::<Vec<_>>().join(","))
                })
                .boxed(),
        ),
        ("jsonb[]", list(&["{}", "{\"null\",NULL,\"{\\\"a\\\": [1]}\",\"[1, 2]\",\"\\\"x\\\"\"}", "{{1},{\"[2]\"}}"])),
        ("mood[]", list(&["{fine,\"so \\\"so\\\"\",\"a,b\",\"\"}"])),
        ("bytea[]", list(&["{\"\\\\x00ff\",NULL}"])),
        ("timestamptz[]", list(&["{infinity,\"2026-01-01 00:00:00+00\"}"])),
        ("pair[]", list(&["{\"(1,\\\"a,b\\\")\",NULL}"])),
        ("int4range[]", list(&["{\"[1,5)\",empty}"])),
        ("box[]", list(&["{(2,2),(1,1);(4,4),(3,3)}"])),
        ("cents[]", list(&["{1.50,NULL}"])),
        ("inet", list(&["10.0.0.1/8", "::1"])),
        ("cidr", list(&["10.0.0.0/8"])),
        ("macaddr", list(&["08:00:2b:01:02:03"])),
        ("bit(4)", list(&["0101"])),
        ("varbit", list(&["", "1"])),
        ("money", list(&["12.34", "-1"])),
        ("point", list(&["(1.5,-2)", "(NaN,Infinity)"])),
        ("box", list(&["(2,2),(1,1)"])),
        ("polygon", list(&["((0,0),(1,1),(2,0))"])),
        ("tsvector", list(&["'a':1A 'it''s':2", ""])),
        ("tsquery", list(&["'a' & !'b'"])),
        ("xml", list(&["<a b=\"c\">é</a>", "text only"])),
        ("pg_lsn", list(&["16/B374D848"])),
    ]
}

/// A table with a column of every type, filled with rows of generated values and NULLs.
async fn fill(client: &Client, runner: &mut TestRunner, rows: usize) {
    let mut kinds = kinds();
    let installed = text(client, "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'").await;
    if installed == "1" {
        client.batch_execute("CREATE EXTENSION postgis").await.unwrap();
        kinds.push(("geometry", list(&["SRID=4326;POINT(1 2)", "LINESTRING(0 0, 1 1)", "POLYGON EMPTY"])));
        kinds.push(("geography", list(&["POINT(13.4 52.5)"])));
    }
    let columns: Vec<String> =
        kinds.iter().enumerate().map(|(at, (kind, _))| format!("\"c{at} {}\" {kind}", kind.replace('"', ""))).collect();
    client
        .batch_execute(&format!("{TYPES} CREATE TABLE everything (id int PRIMARY KEY, {})", columns.join(", ")))
        .await
        .unwrap();
    for row in 0..rows {
        let values: Vec<String> = kinds
            .iter()
            .map(|(kind, values)| {
                let value =
                    prop_oneof![1 => Just("NULL".to_owned()), 9 => values.clone()].new_tree(runner).unwrap().current();
                format!("{value}::{kind}")
            })
            .collect();
        let sql = format!("INSERT INTO everything VALUES ({row}, {})", values.join(", "));
        client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_survives_every_format() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client
        .batch_execute(
            "SET TimeZone = 'America/New_York'; SET DateStyle = 'German'; SET IntervalStyle = 'sql_standard'",
        )
        .await
        .unwrap();
    // Fixed seed and no clock: what fails, fails again.
    let mut runner = TestRunner::deterministic();
    fill(&client, &mut runner, 60).await;
    // The server's own text of every value is what has to be the same.
    let expected = fingerprint(&client).await;
    let folder = Folder::new(&[]);
    for format in [Format::Json, Format::Ndjson, Format::Csv, Format::Parquet] {
        let output = folder.root().join(format.as_str());
        export::run(&place(&database), &wanted(format, &output), &Arc::default(), &mut std::io::sink()).await.unwrap();
        reset::reset(&mut client, &[], &database::Options::default(), &allowed()).await.unwrap();
        client
            .batch_execute(
                "SET TimeZone = 'America/New_York'; SET DateStyle = 'German'; SET IntervalStyle = 'sql_standard'",
            )
            .await
            .unwrap();
        let report = run_import(&mut client, &from(&output)).await;
        let report =
            report.unwrap_or_else(|error| panic!("{format:?}: {error} {:?}", project::Diagnostic::why(&error)));
        assert_eq!(report.tables[0].rows, 60);
        let now = fingerprint(&client).await;
        for (row, (now, before)) in now.lines().zip(expected.lines()).enumerate() {
            assert_eq!(now, before, "{format:?}, line {row}");
        }
        assert_eq!(now, expected, "{format:?}");
    }
}
