use serde_json::json;

use crate::support::shop;

#[tokio::test]
async fn a_reload_shows_what_changed() {
    let shop = shop().await;
    let query = "{ users(where: {id: {_eq: 1}}) { name } }";
    shop.data(query).await;
    let client = shop.database.client().await;
    client.batch_execute("ALTER TABLE users RENAME COLUMN name TO title; CREATE TABLE extra (id int)").await.unwrap();
    shop.handle.reload().await.unwrap();
    shop.invalid(query, "$.selectionSet.users.selectionSet.name", "field 'name' not found in type: 'users'").await;
    assert_eq!(
        shop.data("{ users_by_pk(id: 1) { title } extra { id } }").await,
        json!({"users_by_pk": {"title": "Ada"}, "extra": []})
    );
}

#[tokio::test]
async fn requests_go_on_while_the_schema_is_swapped() {
    let shop = shop().await;
    let asking = async {
        for _ in 0..50 {
            shop.data("{ users_by_pk(id: 1) { name manager { id } } }").await;
        }
    };
    let swapping = async {
        for _ in 0..5 {
            shop.handle.reload().await.unwrap();
        }
    };
    tokio::join!(asking, swapping);
}

#[tokio::test]
async fn a_reload_that_fails_changes_nothing() {
    let shop = shop().await;
    let pool = postgres::Pool::new(shop.database.config(), 1);
    let options = graphql::Options::new(pool.clone());
    let handle = graphql::Service::start(options).await.unwrap();
    let before = handle.schema_sdl();
    pool.close();
    let error = handle.reload().await.unwrap_err();
    assert_eq!(project::Diagnostic::code(&error), "NS-GQL-001");
    assert_eq!(handle.schema_sdl(), before);
}
