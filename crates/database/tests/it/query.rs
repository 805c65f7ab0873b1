use database::{
    Error,
    query::{self, Format, Script, Writer},
};
use tokio_postgres::{Client, types::Type};

use crate::support::text;

fn script(sql: &str) -> Script {
    Script::new(sql.to_owned(), None).unwrap()
}

async fn run(client: &Client, script: &Script, format: Format) -> Result<String, Error> {
    let mut out = Vec::new();
    let mut writer = Writer::new(format, |bytes: &[u8]| out.extend_from_slice(bytes));
    let result = query::run(client, script, &mut writer).await;
    writer.flush();
    drop(writer);
    result.map(|()| String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn json_keeps_types() {
    let database = testkit::db().await;
    let client = database.client().await;
    client.batch_execute("CREATE TYPE mood AS ENUM ('fine'); CREATE DOMAIN cents AS bigint").await.unwrap();
    let sql = "SELECT 1 AS i, 9007199254740993::bigint AS big, 1.500::numeric AS n, 'NaN'::numeric AS nan, true AS b,
                      NULL::int AS nothing, 'it''s' AS t, '{\"a\": [1]}'::jsonb AS j, ARRAY[1,NULL] AS ia,
                      ARRAY['fine']::mood[] AS ea, 'fine'::mood AS e, 7::cents AS d, '2026-01-01'::date AS day,
                      E'{\\n\"x\": 1}'::json AS pretty, '\\x00ff'::bytea AS bytes, 1 AS i";
    let expected = concat!(
        r#"{"i":1,"big":9007199254740993,"n":1.500,"nan":"NaN","b":true,"nothing":null,"t":"it's","j":{"a": [1]},"#,
        r#""ia":[1,null],"ea":["fine"],"e":"fine","d":7,"day":"2026-01-01","pretty":{ "x": 1},"bytes":"\\x00ff","i_2":1}"#,
        "\n"
    );
    assert_eq!(run(&client, &script(sql), Format::Ndjson).await.unwrap(), expected);
}

#[tokio::test]
async fn several_statements_several_results() {
    let database = testkit::db().await;
    let client = database.client().await;
    let sql = "CREATE TABLE a (id int, name text); INSERT INTO a VALUES (1, 'x'), (2, NULL); SELECT * FROM a; SELECT 1 WHERE false;";
    let json = run(&client, &script(sql), Format::Json).await.unwrap();
    assert_eq!(json, "[\n  {\"id\":1,\"name\":\"x\"},\n  {\"id\":2,\"name\":null}\n]\n[]\n");
    let csv = run(&client, &script("SELECT * FROM a; SELECT 2 AS b"), Format::Csv).await.unwrap();
    assert_eq!(csv, "id,name\n1,x\n2,\n\nb\n2\n");
    let copy = run(&client, &script("COPY a TO STDOUT; SELECT 1 AS x"), Format::Csv).await.unwrap();
    assert_eq!(copy, "1\tx\n2\t\\N\nx\n1\n");
    run(&client, &script("COPY a FROM STDIN;\n3\tz\n\\.\n"), Format::Csv).await.unwrap();
    let returned = run(&client, &script("UPDATE a SET id = 9 WHERE id = 3 RETURNING id, name"), Format::Ndjson).await;
    assert_eq!(returned.unwrap(), "{\"id\":9,\"name\":\"z\"}\n");
    assert_eq!(text(&client, "SELECT count(*) FROM a").await, "3");
}

#[tokio::test]
async fn an_error_has_a_place_and_a_single_transaction_leaves_nothing() {
    let database = testkit::db().await;
    let client = database.client().await;
    client.batch_execute("CREATE TABLE a (id int)").await.unwrap();
    let mut script = script("INSERT INTO a VALUES (1);\nSELECT idd FROM a;");
    let Error::Statement(failure) = run(&client, &script, Format::Csv).await.unwrap_err() else { panic!("refused") };
    assert_eq!((failure.position.line, failure.position.column), (2, 8));
    assert!(failure.hint.unwrap().contains("a.id"));
    assert_eq!(text(&client, "SELECT count(*) FROM a").await, "1");
    script.single_transaction = true;
    run(&client, &script, Format::Csv).await.unwrap_err();
    assert_eq!(text(&client, "SELECT count(*) FROM a").await, "1");
}

#[test]
fn types_are_called_as_in_sql() {
    let column = |kind| query::Column { name: "a".to_owned(), kind };
    assert_eq!(column(Type::INT4_ARRAY).type_name(), "int4[]");
    assert_eq!(column(Type::TIMESTAMPTZ).type_name(), "timestamptz");
}

#[tokio::test]
async fn readonly_refuses_to_write() {
    let database = testkit::db().await;
    let client = database.client().await;
    let mut script = script("CREATE TABLE a (id int)");
    script.readonly = true;
    let Error::Statement(failure) = run(&client, &script, Format::Csv).await.unwrap_err() else { panic!("refused") };
    assert_eq!(failure.sqlstate.as_deref(), Some("25006"));
    assert!(matches!(Script::new(" -- nothing".to_owned(), None), Err(Error::Nothing)));
}
