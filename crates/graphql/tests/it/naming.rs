//! What a source's customization makes of names: namespace, prefixes and suffixes, GraphQL's own convention.

use graphql::{Request, Session};
use serde_json::{Value, json};

use crate::socket::{Socket, serve};
use crate::support::{Shop, database_with};

const SQL: &str = "
    CREATE TABLE mood_kinds (value text PRIMARY KEY);
    INSERT INTO mood_kinds VALUES ('good'), ('so_so');
    CREATE TABLE app_users (
        user_id int PRIMARY KEY, full_name text, app_mood text REFERENCES mood_kinds, extra_data jsonb
    );
    CREATE TABLE user_posts (
        post_id int PRIMARY KEY, author_id int REFERENCES app_users, post_title text, is_done boolean NOT NULL
    );
    INSERT INTO app_users VALUES (1, 'Ada', 'good', '{\"a\": 1}'), (2, 'Bob', 'so_so', NULL);
    INSERT INTO user_posts VALUES (1, 1, 'First', true), (2, 1, 'Second', false), (3, 2, 'Third', false);
    CREATE FUNCTION find_posts(search_term text) RETURNS SETOF user_posts STABLE LANGUAGE sql
        AS 'SELECT * FROM user_posts WHERE post_title ILIKE search_term';
";

async fn source(customization: Value) -> Shop {
    let shop = database_with(SQL, |options| options.auto_track = false).await;
    let key = |column: &str, table: &str| json!({"foreign_key_constraint_on": {"column": column, "table": table}});
    let tables = json!([
        {"table": "mood_kinds", "is_enum": true},
        {"table": "app_users",
         "array_relationships": [{"name": "own_posts", "using": key("author_id", "user_posts")}],
         "select_permissions": [{"role": "user", "permission": {"columns": ["user_id"], "filter": {}}}]},
        {"table": "user_posts",
         "object_relationships": [{"name": "post_author", "using": {"foreign_key_constraint_on": "author_id"}}],
         "insert_permissions": [{"role": "user", "permission": {"check": {}, "columns": "*", "backend_only": true}}]},
    ]);
    let source = json!({"name": "default", "kind": "postgres", "configuration": {}, "tables": tables,
        "functions": [{"function": "find_posts"}], "customization": customization});
    shop.command(json!({"type": "replace_metadata", "args": {"version": 3, "sources": [source]}})).await;
    shop
}

async fn namespaced() -> Shop {
    source(json!({"root_fields": {"namespace": "app", "prefix": "my_", "suffix": "_all"},
        "type_names": {"prefix": "T_", "suffix": "_x"}}))
    .await
}

#[tokio::test]
async fn a_namespace_holds_what_the_database_answers() {
    let shop = namespaced().await;
    let data = shop
        .data(
            "{ __typename first: app { __typename my_app_users_all(order_by: {user_id: asc}) { user_id __typename } }
               app { users: my_app_users_by_pk_all(user_id: 2) { full_name } ...more } }
             fragment more on T_app_query_x { my_user_posts_aggregate_all { aggregate { count } } }",
        )
        .await;
    assert_eq!(
        data,
        json!({"__typename": "query_root",
            "first": {"__typename": "T_app_query_x", "my_app_users_all":
                [{"user_id": 1, "__typename": "T_app_users_x"}, {"user_id": 2, "__typename": "T_app_users_x"}]},
            "app": {"users": {"full_name": "Bob"}, "my_user_posts_aggregate_all": {"aggregate": {"count": 3}}}})
    );
    let skipped = shop.data("{ app { my_app_users_all @skip(if: true) { user_id } } }").await;
    assert_eq!(skipped, json!({"app": {}}));
    let path = "$.selectionSet.my_app_users_all";
    shop.invalid("{ my_app_users_all { user_id } }", path, "field 'my_app_users_all' not found in type: 'query_root'")
        .await;
    let path = "$.selectionSet.app.selectionSet.nothing";
    shop.invalid("{ app { nothing } }", path, "field 'nothing' not found in type: 'T_app_query_x'").await;
    shop.invalid("{ app }", "$.selectionSet.app", "missing selection set for 'T_app_query_x'").await;
}

#[tokio::test]
async fn mutations_inside_a_namespace_are_one_transaction() {
    let shop = namespaced().await;
    let insert =
        |id: i32| format!("my_insert_user_posts_one_all(object: {{post_id: {id}, is_done: true}}) {{ post_id }}");
    let answer = shop.ask(&format!("mutation {{ app {{ __typename {} }} }}", insert(10)), json!({})).await;
    let expected = json!({"data": {"app": {"__typename": "T_app_mutation_frontend_x",
        "my_insert_user_posts_one_all": {"post_id": 10}}}});
    assert_eq!(answer, expected);
    let both = format!("mutation {{ app {{ a: {} b: {} }} }}", insert(11), insert(10));
    let (code, path, _) = shop.error(&both, json!({})).await;
    let expected = ("constraint-violation", "$.selectionSet.app.selectionSet.b.args.object");
    assert_eq!((code.as_str(), path.as_str()), expected);
    let count = shop.data("{ app { my_user_posts_aggregate_all { aggregate { count } } } }").await;
    assert_eq!(count["app"]["my_user_posts_aggregate_all"]["aggregate"]["count"], 4, "nothing of it stayed");
}

#[tokio::test]
async fn a_namespace_shows_what_the_role_may_and_is_not_there_for_others() {
    let shop = namespaced().await;
    let fields = "{ __schema { queryType { fields { name type { name kind } } } mutationType { name fields { type { name } } } } }";
    let ask = async |session: Session| shop.ask_as(&session, &Request::new(fields)).await["data"]["__schema"].clone();
    let user = ask(Session::role("user")).await;
    let namespace = json!([{"name": "app", "type": {"name": "T_app_query_x", "kind": "OBJECT"}}]);
    assert_eq!((&user["queryType"]["fields"], &user["mutationType"]), (&namespace, &Value::Null));
    let nobody = ask(Session::role("nobody")).await;
    assert_eq!(nobody["queryType"]["fields"][0]["name"], "no_queries_available");
    let mut backend = Session::role("user");
    backend.backend = true;
    let backend = ask(backend).await;
    assert_eq!(backend["mutationType"]["fields"], json!([{"type": {"name": "T_app_mutation_backend_x"}}]));
    let inside = Request::new("{ app { my_app_users_all { full_name } } }");
    let refused = shop.ask_as(&Session::role("user"), &inside).await;
    assert_eq!(refused["errors"][0]["message"], "field 'full_name' not found in type: 'T_app_users_x'");
}

#[tokio::test]
async fn the_convention_of_graphql_names_everything() {
    let shop = source(json!({"naming_convention": "graphql-default"})).await;
    let data = shop
        .data(
            r#"{ appUsers(orderBy: {fullName: DESC_NULLS_LAST}, where: {appMood: {_isNull: false, _in: [GOOD, SO_SO]}}) {
                 userId appMood __typename own_postsAggregate { aggregate { stddevPop { postId } } } }
               userPosts(distinctOn: [authorId], orderBy: {authorId: ASC}) { postTitle }
               userPostsByPk(postId: 3) { post_author { fullName } }
               findPosts(args: {searchTerm: "f%"}, limit: 1) { __typename } }"#,
        )
        .await;
    assert_eq!(
        data,
        json!({"appUsers": [
                {"userId": 2, "appMood": "SO_SO", "__typename": "AppUsers",
                 "own_postsAggregate": {"aggregate": {"stddevPop": {"postId": 0}}}},
                {"userId": 1, "appMood": "GOOD", "__typename": "AppUsers",
                 "own_postsAggregate": {"aggregate": {"stddevPop": {"postId": 0.5}}}}],
            "userPosts": [{"postTitle": "First"}, {"postTitle": "Third"}],
            "userPostsByPk": {"post_author": {"fullName": "Bob"}},
            "findPosts": [{"__typename": "UserPosts"}]})
    );
    let counted =
        "{ appUsers(where: {own_postsAggregate: {bool_and: {arguments: isDone, predicate: {_eq: true}}}}) { userId } }";
    assert_eq!(shop.data(counted).await, json!({"appUsers": []}));
    let path = "$.selectionSet.appUsers";
    shop.invalid("{ appUsers(order_by: {}) { userId } }", path, "'appUsers' has no argument named 'order_by'").await;
    let path = "$.selectionSet.appUsers.args.where.extraData._is_null";
    let message = "field '_is_null' not found in type: 'JsonbComparisonExp'";
    shop.invalid("{ appUsers(where: {extraData: {_is_null: true}}) { userId } }", path, message).await;
    let path = "$.selectionSet.appUsers.args.orderBy.userId";
    let message = "expected one of the values ['ASC', 'ASC_NULLS_FIRST', 'ASC_NULLS_LAST', 'DESC', 'DESC_NULLS_FIRST', \
         'DESC_NULLS_LAST'] for type 'OrderBy', but found 'asc'";
    shop.invalid("{ appUsers(orderBy: {userId: asc}) { userId } }", path, message).await;
}

#[tokio::test]
async fn the_convention_of_graphql_in_mutations() {
    let shop = source(json!({"naming_convention": "graphql-default"})).await;
    let answer = shop
        .ask(
            r#"mutation ($mood: MoodKindsEnum) {
                 insertAppUsersOne(object: {userId: 1, appMood: $mood, own_posts: {data: [{postId: 9, isDone: true}]}},
                     onConflict: {constraint: app_users_pkey, updateColumns: [appMood]}) { appMood }
                 updateAppUsersByPk(pkColumns: {userId: 1}, _append: {extraData: {b: 2}}) { extraData }
                 second: updateAppUsersByPk(pkColumns: {userId: 1}, _deleteKey: {extraData: "a"}) { extraData }
                 updateAppUsersMany(updates: [{where: {userId: {_eq: 2}}, _set: {fullName: "Bo"}}]) { affectedRows returning { fullName } }
                 deleteUserPostsByPk(postId: 9) { postId } }"#,
            json!({"mood": "SO_SO"}),
        )
        .await;
    assert_eq!(
        answer,
        json!({"data": {"insertAppUsersOne": {"appMood": "SO_SO"},
            "updateAppUsersByPk": {"extraData": {"a": 1, "b": 2}}, "second": {"extraData": {"b": 2}},
            "updateAppUsersMany": [{"affectedRows": 1, "returning": [{"fullName": "Bo"}]}],
            "deleteUserPostsByPk": {"postId": 9}}})
    );
    let stored = shop.database.client().await.query_one("SELECT app_mood FROM app_users WHERE user_id = 1", &[]).await;
    assert_eq!(stored.unwrap().get::<_, String>(0), "so_so", "the database keeps its own spelling");
    let path = "$.selectionSet.deleteUserPosts.selectionSet.affected_rows";
    let message = "field 'affected_rows' not found in type: 'UserPostsMutationResponse'";
    shop.invalid("mutation { deleteUserPosts(where: {}) { affected_rows } }", path, message).await;
}

#[tokio::test]
async fn introspection_shows_the_convention() {
    let shop = source(json!({"naming_convention": "graphql-default"})).await;
    let sdl = shop.handle.schema_sdl();
    let lines = [
        "appUsers(distinctOn: [AppUsersSelectColumn!], limit: Int, offset: Int, orderBy: [AppUsersOrderBy!], where: AppUsersBoolExp): [AppUsers!]!",
        "appUsersStream(batchSize: Int!, cursor: [AppUsersStreamCursorInput]!, where: AppUsersBoolExp): [AppUsers!]!",
        "initialValue: AppUsersStreamCursorValueInput!",
        "updateAppUsers(_append: AppUsersAppendInput, _deleteAtPath: AppUsersDeleteAtPathInput, _deleteElem: AppUsersDeleteElemInput, _deleteKey: AppUsersDeleteKeyInput, _inc: AppUsersIncInput, _prepend: AppUsersPrependInput, _set: AppUsersSetInput, where: AppUsersBoolExp!): AppUsersMutationResponse",
        "insertAppUsersOne(object: AppUsersInsertInput!, onConflict: AppUsersOnConflict): AppUsers",
        "enum MoodKindsEnum {",
        "SO_SO",
        "_hasKeysAll: [String!]",
        "input MoodKindsEnumComparisonExp {",
        "input userPostsAggregateBoolExpBool_and {",
        "arguments: UserPostsSelectColumnUserPostsAggregateBoolExpBool_andArgumentsColumns!",
        "stddevPop: UserPostsStddevPopFields",
        "findPosts(args: FindPostsArgs!,",
    ];
    for line in lines {
        assert!(sdl.contains(line), "{line}\n{sdl}");
    }
}

#[tokio::test]
async fn subscriptions_stand_inside_the_namespace_too() {
    let shop = namespaced().await;
    let mut socket = Socket::admin(&serve(&shop.handle).await).await;
    let query = "subscription { app { my_app_users_all(order_by: {user_id: asc}, limit: 1) { user_id } } }";
    socket.start("1", query, json!({})).await;
    assert_eq!(socket.data("1").await, json!({"app": {"my_app_users_all": [{"user_id": 1}]}}));
}
