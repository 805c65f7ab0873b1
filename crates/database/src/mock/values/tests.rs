use std::collections::{BTreeMap, HashSet};

use postgres::catalog::{Catalog, Table};
use serde_json::json;

use super::*;

const NOW: i64 = 1_767_225_600_000_000;

/// A table as the catalog would read it, from `name type` lines.
fn table(name: &str, columns: &[(&str, &str, &str)], checks: &[&str]) -> Table {
    let columns: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(index, (name, sql, category))| {
            let (base, modifier) = match sql.split_once('(') {
                Some((base, rest)) => (base, rest.trim_end_matches(')').parse::<i32>().ok().map(|length| length + 4)),
                None => (*sql, None),
            };
            json!({
                "name": name, "position": index + 1, "not_null": false,
                "type": { "schema": "pg_catalog", "name": base, "kind": "base", "category": category, "sql": sql, "modifier": modifier },
            })
        })
        .collect();
    let checks: Vec<_> = checks.iter().map(|expression| json!({ "name": "check", "expression": expression })).collect();
    serde_json::from_value(json!({
        "schema": "public", "name": name, "kind": "table", "owner": "o", "columns": columns, "checks": checks,
    }))
    .unwrap()
}

fn planner(catalog: &Catalog, locale: &str) -> Planner<'static> {
    // Leaked: a test's catalog may live as long as the program.
    let catalog: &'static Catalog = Box::leak(Box::new(catalog.clone()));
    Planner::new(catalog, Settings { locale: locale.to_owned(), now: NOW })
}

fn compiled(sql: &str, category: &str, spec: &Spec) -> Result<Column, SpecError> {
    let table = table("t", &[("c", sql, category)], &[]);
    planner(&Catalog::default(), "en").column(&table, &table.columns[0], spec, &[], &[])
}

fn values(column: &Column, count: u64) -> Vec<String> {
    (0..count)
        .map(|index| {
            let row = Row { index, key: stream::mix(index), cells: &[] };
            let mut out = Vec::new();
            column.text(&row, &mut stream::shared(row.key, 9), &mut out);
            String::from_utf8(out).unwrap()
        })
        .collect()
}

/// A type that takes the kind.
fn home(kind: &Kind) -> (&'static str, &'static str) {
    match kind.name {
        "enum" | "array" | "range" | "foreignKey" | "default" => ("", ""),
        "bits" => ("varbit", "V"),
        "point" => ("point", "G"),
        "json" => ("jsonb", "U"),
        "bytes" => ("bytea", "U"),
        _ => ("text", "S"),
    }
}

fn example(kind: &Kind) -> Spec {
    let spec = Spec::kind(kind.name);
    match kind.name {
        "oneOf" => spec.option("values", json!(["a", "b"])),
        "constant" => spec.option("value", "x"),
        "regex" => spec.option("pattern", "^[A-Z]{3}-[0-9]{4}$"),
        "template" => spec.option("template", "INV-{year}-{sequence}-##"),
        _ => spec,
    }
}

#[test]
fn every_kind_makes_values_that_never_change() {
    let mut all = String::new();
    for kind in KINDS {
        let (sql, category) = home(kind);
        if sql.is_empty() {
            continue;
        }
        let column = compiled(sql, category, &example(kind)).unwrap_or_else(|error| panic!("{}: {error:?}", kind.name));
        let made = values(&column, 40);
        all.push_str(&format!("{} {made:?}\n", kind.name));
    }
    // When this fails, a kind's bytes changed: raise VERSION and write the new hash here.
    assert_eq!((VERSION, stream::hash(all.as_bytes())), (2, 16_859_760_766_140_675_756), "{all}");
}

#[test]
fn unique_values_differ_without_regard_to_case() {
    for kind in KINDS {
        let (sql, category) = home(kind);
        if sql.is_empty() {
            continue;
        }
        let column = compiled(sql, category, &example(kind)).unwrap();
        let count = column.distinct().unwrap_or(3_000).min(3_000);
        let last = column.distinct().unwrap_or(1 << 40) - 1;
        let mut seen = HashSet::new();
        for index in (0..count).chain([last.max(count)].into_iter().filter(|_| last >= count)) {
            // The stream and the row must not matter.
            let row = Row { index: 7, key: stream::mix(index % 3), cells: &[] };
            let mut out = Vec::new();
            column.nth(index, &row, &mut stream::shared(index % 5, 1), &mut out);
            let text = String::from_utf8(out).unwrap();
            assert!(seen.insert(text.to_lowercase()), "{}: {text} twice", kind.name);
        }
    }
}

#[test]
fn names_are_unique_and_known() {
    let mut seen = HashSet::new();
    for kind in KINDS {
        for name in kind.aliases.iter().chain([&kind.name]) {
            assert!(seen.insert(name.to_lowercase()), "{name} twice");
        }
        assert!(kind.description.ends_with('.'), "{}", kind.name);
    }
    assert!(guess::kinds().all(|name| kinds::find(name).is_some_and(|kind| kind.name == name)));
    assert!(KINDS.len() >= 80);
}

/// With NSELF_UPDATE_DOCS set, the page is written instead.
#[test]
fn the_page_of_kinds_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/mock-kinds.md");
    if std::env::var_os("NSELF_UPDATE_DOCS").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == page(), "docs/reference/mock-kinds.md is old: run this test with NSELF_UPDATE_DOCS=1");
}

#[test]
fn mistakes_are_explained() {
    let error = |spec: Spec| compiled("text", "S", &spec).unwrap_err();
    assert_eq!(error(Spec::kind("emial")).hint.unwrap(), "did you mean email?");
    assert_eq!(error(Spec::kind("sentence").option("word", 3)).hint.unwrap(), "it has: words");
    assert!(error(Spec::kind("sentence").option("words", "many")).message.contains("whole number"));
    assert!(error(Spec::kind("oneOf")).message.contains("`values`"));
    assert!(error(Spec::kind("email").option("nulls", 2)).message.contains("`nulls`"));
    assert!(error(Spec::kind("foreignKey")).message.contains("foreignKey"));
    let uuid = compiled("uuid", "U", &Spec::kind("email")).unwrap_err();
    assert!(uuid.message.contains("type uuid"), "{}", uuid.message);
    let table = table("t", &[("c", "text", "S")], &[]);
    let planner = planner(&Catalog::default(), "xx");
    let unknown = planner.column(&table, &table.columns[0], &Spec::kind("word"), &[], &[]).unwrap_err();
    assert!(unknown.message.contains("locale `xx`"));
}

#[test]
fn the_columns_of_a_row_agree() {
    let columns = [
        ("first_name", "text", "S"),
        ("last_name", "text", "S"),
        ("email", "text", "S"),
        ("city", "text", "S"),
        ("country", "text", "S"),
        ("billing_city", "text", "S"),
    ];
    let table = table("users", &columns, &[]);
    let planner = planner(&Catalog::default(), "de_DE");
    let made: Vec<Vec<String>> = table
        .columns
        .iter()
        .map(|column| {
            let guess = planner.guess(&table, column);
            values(&planner.column(&table, column, &guess.spec, &[], &[]).unwrap(), 50)
        })
        .collect();
    for ((last, email), country) in made[1].iter().zip(&made[2]).zip(&made[4]) {
        assert!(email.contains(&words::fold(last)), "{last} {email}");
        assert_eq!(country, "Germany");
    }
    assert_ne!(made[3], made[5]);
}

#[test]
fn later_columns_follow_earlier_ones() {
    let columns = [
        ("starts_at", "timestamptz", "D"),
        ("ends_at", "timestamptz", "D"),
        ("low", "int4", "N"),
        ("high", "int4", "N"),
    ];
    let checks = ["(ends_at > starts_at)", "((low <= high) AND ((high - low) < 20))"];
    let table = table("bookings", &columns, &checks);
    let planner = planner(&Catalog::default(), "en");
    let order = planner.checks(&table).order;
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert!(order.contains(&pair("starts_at", "ends_at")) && order.contains(&pair("low", "high")), "{order:?}");
    let names: Vec<&str> = columns.iter().map(|(name, ..)| *name).collect();
    let compiled: Vec<Column> = (0..4)
        .map(|index| {
            let column = &table.columns[index];
            planner.column(&table, column, &planner.guess(&table, column).spec, &names[..index], &[]).unwrap()
        })
        .collect();
    assert_eq!([false, true, false, true], [0, 1, 2, 3].map(|index| compiled[index].reads_cells()));
    for index in 0..2_000 {
        let (mut out, mut cells) = (Vec::new(), Vec::new());
        for (position, column) in compiled.iter().enumerate() {
            let start = out.len();
            let row = Row { index, key: stream::mix(index), cells: &cells };
            column.text(&row, &mut stream::shared(stream::mix(index), position as u64), &mut out);
            cells.push(start..out.len());
        }
        let cell = |position: usize| std::str::from_utf8(&out[cells[position].clone()]).unwrap();
        assert!(cell(1) > cell(0), "{} {}", cell(0), cell(1));
        let distance = cell(3).parse::<i32>().unwrap() - cell(2).parse::<i32>().unwrap();
        assert!((0..20).contains(&distance), "{} {}", cell(2), cell(3));
    }
}

#[test]
fn guesses() {
    let expected = [
        ("email", "text", "S", "email"),
        ("avatar_url", "varchar(255)", "S", "avatar"),
        ("name", "text", "S", "fullName"),
        ("price", "numeric", "N", "price"),
        ("publishedAt", "timestamptz", "D", "pastDate"),
        ("is_active", "bool", "B", "boolean"),
        ("country", "bpchar(2)", "S", "countryCode"),
        ("birth_date", "date", "D", "birthDate"),
        ("bio", "text", "S", "bio"),
        ("phone", "text", "S", "phone"),
        ("deleted_at", "timestamptz", "D", "pastDate"),
        ("views", "int4", "N", "count"),
        ("external_id", "uuid", "U", "uuid"),
        ("settings", "jsonb", "U", "json"),
        ("x", "text", "S", "title"),
        ("title", "text", "S", "jobTitle"),
        ("last_ip", "inet", "I", "ipv4"),
        ("expires_at", "timestamp", "D", "futureDate"),
    ];
    let columns: Vec<_> = expected.iter().map(|(name, sql, category, _)| (*name, *sql, *category)).collect();
    let table = table("users", &columns, &[]);
    let planner = planner(&Catalog::default(), "en");
    let found: BTreeMap<&str, String> =
        table.columns.iter().map(|column| (column.name.as_str(), planner.guess(&table, column).spec.kind)).collect();
    for (name, _, _, kind) in expected {
        assert_eq!(found[name], kind, "{name}");
    }
    let deleted = planner.guess(&table, table.column("deleted_at").unwrap());
    assert_eq!(deleted.spec.options["nulls"], json!(0.95));
}

#[test]
fn options_do_what_they_say() {
    let made = |sql: &str, category: &str, spec: Spec| values(&compiled(sql, category, &spec).unwrap(), 400);
    let words = made("text", "S", Spec::kind("sentence").option("words", 5));
    assert!(words.iter().all(|text| text.split(' ').count() == 5 && text.ends_with('.')));
    let years = made("date", "D", Spec::kind("pastDate").option("years", 1));
    assert!(years.iter().all(|day| day.as_str() >= "2024-12-30" && day.as_str() <= "2026-01-01"), "{years:?}");
    let bounded = made("int4", "N", Spec::kind("integer").option("min", 10).option("max", 12));
    assert!(bounded.iter().all(|number| ["10", "11", "12"].contains(&number.as_str())));
    let mostly = made("bool", "B", Spec::kind("boolean").option("probability", 0.8));
    assert!((290..350).contains(&mostly.iter().filter(|value| *value == "t").count()));
    let weighted =
        made("text", "S", Spec::kind("oneOf").option("values", json!(["a", "b"])).option("weights", json!([3, 1])));
    assert!((260..340).contains(&weighted.iter().filter(|value| *value == "a").count()));
    let nulls = made("text", "S", Spec::kind("word").option("nulls", 0.25));
    assert!((70..130).contains(&nulls.iter().filter(|value| *value == "\\N").count()));
    let json = Spec::kind("json").option(
        "schema",
        json!({ "who": "fullName", "tags": ["tag"], "deep": { "n": { "type": "integer", "max": 3 } } }),
    );
    for text in made("jsonb", "U", json) {
        let value: serde_json::Value = serde_json::from_str(&text.replace("\\\\", "\\")).unwrap();
        assert!(value["who"].is_string() && value["tags"].is_array() && value["deep"]["n"].as_i64().unwrap() <= 3);
    }
    let office = made("timestamptz", "D", Spec::kind("pastDate").option("hours", "office"));
    assert!(office.iter().all(|moment| ("06".."18").contains(&&moment[11..13])), "{office:?}");
    assert!(
        made("text", "S", Spec::kind("email").option("domains", json!(["shop.test"])))
            .iter()
            .all(|text| text.ends_with("@shop.test"))
    );
}
