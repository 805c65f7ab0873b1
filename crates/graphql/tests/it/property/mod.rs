//! Random schemas, rows, permissions and requests: the engine's answers against a naive evaluator's.
//!
//! `NSELF_PROPERTY_CASES` is how many databases are tried, `NSELF_PROPERTY_SEED` the first one's seed; a failure tells
//! its seed and the smallest request that fails alike.

mod answer;
mod change;
mod condition;
mod nonsense;
mod query;
mod text;
mod value;
mod viewer;
mod world;

use graphql::Request;
use serde_json::{Value as Json, json};

use self::answer::Evaluator;
use self::change::{Change, Outcome};
use self::query::{Maker, Query};
use self::text::Text;
use self::value::Rng;
use self::viewer::Viewer;
use self::world::World;
use crate::foreign::metadata;
use crate::support::{Shop, database_with};

const CASES: u64 = 24;

/// Requests of each viewer of a database.
const QUERIES: usize = 12;
const CHANGES: usize = 6;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn seeds() -> impl Iterator<Item = u64> {
    let first = setting("NSELF_PROPERTY_SEED", 1);
    first..first + setting("NSELF_PROPERTY_CASES", CASES)
}

async fn build(shop: &Shop, world: &World, seed: u64) {
    let client = shop.database.client().await;
    let sql = world.sql();
    client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("seed {seed}: {error:?}\n{sql}"));
    shop.handle.reload().await.unwrap();
    let args = json!({ "metadata": world.metadata(), "allow_inconsistent_metadata": true });
    let command = json!({ "type": "replace_metadata", "version": 2, "args": args });
    let (status, answer) = metadata(shop, command).await;
    // Two roles that may not write the same leave the third without.
    let known = |problem: &Json| problem["type"] == "inherited role permission inconsistency";
    let problems = answer["inconsistent_objects"].as_array().is_none_or(|all| all.iter().all(known));
    assert!(status == 200 && problems, "seed {seed}: {answer:#}\n{sql}\n{:#}", world.metadata());
}

#[tokio::test]
async fn queries_answer_as_a_naive_evaluator_does() {
    let shop = database_with("SELECT 1", |_| {}).await;
    for seed in seeds() {
        let mut rng = Rng::new(seed);
        let world = World::random(&mut rng);
        build(&shop, &world, seed).await;
        for viewer in Viewer::all(&world) {
            let mut maker = Maker { world: &world, viewer: &viewer, rng: Rng::new(rng.next()) };
            for _ in 0..QUERIES {
                let Some(query) = maker.query() else { break };
                if fails(&shop, &world, &viewer, &query).await.is_some() {
                    report(&shop, &world, &viewer, query, seed).await;
                }
            }
        }
    }
}

/// What was asked, answered and expected, where the two differ.
async fn fails(shop: &Shop, world: &World, viewer: &Viewer<'_>, query: &Query) -> Option<(Request, Json, Json)> {
    let request = Text::new(world, viewer, query.style).query(query);
    let answer = shop.ask_as(&viewer.session(), &request).await;
    let expected = json!({ "data": Evaluator { world, viewer }.query(query) });
    // As text: the order of keys counts too.
    let (found, wanted) = (answer.to_string(), expected.to_string());
    (found != wanted).then_some((request, answer, expected))
}

async fn report(shop: &Shop, world: &World, viewer: &Viewer<'_>, mut query: Query, seed: u64) -> ! {
    'smaller: loop {
        for candidate in query.smaller() {
            if fails(shop, world, viewer, &candidate).await.is_some() {
                query = candidate;
                continue 'smaller;
            }
        }
        break;
    }
    let (request, answer, expected) = fails(shop, world, viewer, &query).await.expect("it fails each time");
    panic!(
        "seed {seed}, as {}\n{}\n{}\n{}\nanswer   {answer}\nexpected {expected}\n{:#}",
        viewer.name,
        request.query,
        Json::Object(request.variables),
        world.sql(),
        world.metadata(),
    );
}

#[tokio::test]
async fn changes_change_what_a_naive_evaluator_changes() {
    let shop = database_with("SELECT 1", |_| {}).await;
    for seed in seeds() {
        let mut rng = Rng::new(seed);
        let mut world = World::random(&mut rng);
        build(&shop, &world, seed).await;
        for turn in 0..CHANGES * 3 {
            let before = world.clone();
            let viewers = Viewer::all(&before);
            let viewer = &viewers[turn % 3];
            let Some(change) = Change::random(&before, viewer, &mut rng) else { continue };
            let request = change.text(&before, viewer);
            let answer = shop.ask_as(&viewer.session(), &request).await;
            let outcome = change.outcome(&before, viewer);
            let told = || {
                format!(
                    "seed {seed}, turn {turn}, as {}\n{}\n{}\n{}\nanswer   {answer}\nexpected {outcome:?}\n{:#}",
                    viewer.name,
                    request.query,
                    Json::Object(request.variables.clone()),
                    before.sql(),
                    before.metadata(),
                )
            };
            match &outcome {
                Outcome::Refused => assert!(answer["errors"].is_array(), "{}", told()),
                Outcome::Done(after, expected) => {
                    assert_eq!(change::sorted(&answer), change::sorted(&json!({ "data": expected })), "{}", told());
                    world = (**after).clone();
                }
            }
            assert_eq!(content(&shop, &world).await, expected_content(&world), "{}", told());
        }
    }
}

/// What is in the tables, sorted.
async fn content(shop: &Shop, world: &World) -> Vec<Vec<Json>> {
    let client = shop.database.client().await;
    let mut found = Vec::new();
    for table in &world.tables {
        let text = format!("SELECT row_to_json(t)::text FROM {} t", table.relation());
        let rows = client.query(text.as_str(), &[]).await.unwrap();
        let mut rows: Vec<Json> = rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect();
        rows.sort_by_key(Json::to_string);
        found.push(rows);
    }
    found
}

fn expected_content(world: &World) -> Vec<Vec<Json>> {
    let tables = world.tables.iter().map(|table| {
        let rows = table.rows.iter().map(|row| {
            let cells = table.columns.iter().zip(row).map(|(column, value)| (column.sql.clone(), value.json()));
            Json::Object(cells.collect())
        });
        let mut rows: Vec<Json> = rows.collect();
        rows.sort_by_key(Json::to_string);
        rows
    });
    tables.collect()
}
