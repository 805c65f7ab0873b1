//! Comparison operators of the types that extensions bring.

use serde_json::{Value, json};

use super::support::{Shop, database_with};

const TREE: &str = "CREATE EXTENSION ltree;
    CREATE TABLE tree (path ltree PRIMARY KEY);
    INSERT INTO tree VALUES ('Top'), ('Top.Science'), ('Top.Science.Astronomy'), ('Top.Hobbies');";

const PLACES: &str = "CREATE EXTENSION postgis;
    CREATE TABLE place (id int PRIMARY KEY, shape geometry, spot geography);
    INSERT INTO place VALUES
        (1, ST_GeomFromEWKT('SRID=4326;POINT(1 2)'), ST_GeogFromText('SRID=4326;POINT(0.1278 51.5074)')),
        (2, ST_GeomFromEWKT('SRID=4326;LINESTRING(0 0, 0.5 1, 1 2)'), ST_GeogFromText('SRID=4326;POINT(2.35 48.86)')),
        (3, ST_GeomFromEWKT('SRID=4326;POLYGON((0 0, 0 1, 1 1, 1 0, 0 0))'), NULL);";

async fn ids(shop: &Shop, condition: &str, variables: Value) -> Value {
    let declared = if variables.as_object().is_some_and(|map| !map.is_empty()) { "query ($v: geometry!)" } else { "" };
    let query = format!("{declared} {{ place(where: {condition}, order_by: {{id: asc}}) {{ id }} }}");
    let data = shop.data_with(&query, variables).await;
    data["place"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect()
}

#[tokio::test]
async fn label_trees() {
    let shop = database_with(TREE, |_| {}).await;
    for (condition, paths) in [
        (r#"{_ancestor: "Top.Science.Astronomy"}"#, json!(["Top", "Top.Science", "Top.Science.Astronomy"])),
        (r#"{_ancestor_any: ["Top.Hobbies"]}"#, json!(["Top", "Top.Hobbies"])),
        (r#"{_descendant: "Top.Science"}"#, json!(["Top.Science", "Top.Science.Astronomy"])),
        (
            r#"{_descendant_any: ["Top.Hobbies", "Top.Science.Astronomy"]}"#,
            json!(["Top.Hobbies", "Top.Science.Astronomy"]),
        ),
        (r#"{_matches: "*.Astro*"}"#, json!(["Top.Science.Astronomy"])),
        (r#"{_matches_any: ["*.Hobbies", "Top"]}"#, json!(["Top", "Top.Hobbies"])),
        (r#"{_matches_fulltext: "Astro*% & !Hobbies"}"#, json!(["Top.Science.Astronomy"])),
        (r#"{_in: ["Top", "Top.Hobbies"]}"#, json!(["Top", "Top.Hobbies"])),
    ] {
        let data =
            shop.data(&format!("{{ tree(where: {{path: {condition}}}, order_by: {{path: asc}}) {{ path }} }}")).await;
        let found: Value = data["tree"].as_array().unwrap().iter().map(|row| row["path"].clone()).collect();
        assert_eq!(found, paths, "{condition}");
    }
    let message = "Expecting label path: a sequence of zero or more labels separated by dots, for example L1.L2.L3";
    let error = shop.error(r#"{ tree(where: {path: {_ancestor_any: ["Top."]}}) { path } }"#, json!({})).await;
    assert_eq!(
        error,
        ("parse-failed".into(), "$.selectionSet.tree.args.where.path._ancestor_any[0]".into(), message.into())
    );
}

#[tokio::test]
async fn shapes_and_places() {
    let shop = database_with(PLACES, |_| {}).await;
    let point = json!({"v": {"type": "Point", "coordinates": [1, 2], "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4326"}}}});
    for (condition, wanted) in [
        ("{shape: {_st_contains: $v}}", json!([1])),
        ("{shape: {_st_equals: $v}}", json!([1])),
        ("{shape: {_st_intersects: $v}}", json!([1, 2])),
        ("{shape: {_st_3d_intersects: $v}}", json!([1, 2])),
        ("{shape: {_st_d_within: {distance: 1.5, from: $v}}}", json!([1, 2, 3])),
        ("{shape: {_st_3d_d_within: {distance: 0.5, from: $v}}}", json!([1, 2])),
        ("{shape: {_eq: $v}}", json!([1])),
        ("{shape: {_in: [$v]}}", json!([1])),
        (
            "{shape: {_cast: {geography: {_st_d_within: {distance: 10, from: {type: \"Point\", coordinates: [1, 2]}}}}, _st_touches: $v}}",
            json!([2]),
        ),
    ] {
        assert_eq!(ids(&shop, condition, point.clone()).await, wanted, "{condition}");
    }
    let near = r#"{spot: {_st_d_within: {distance: 1000, from: {type: "Point", coordinates: [2.35, 48.86]}}}}"#;
    assert_eq!(ids(&shop, near, json!({})).await, json!([2]));
    let flat = r#"{spot: {_cast: {geometry: {_st_d_within: {distance: 1, from: {type: "Point", coordinates: [0, 51], crs: {type: "name", properties: {name: "EPSG:4326"}}}}}}}}"#;
    assert_eq!(ids(&shop, flat, json!({})).await, json!([1]));
    let data = shop.data("{ place_by_pk(id: 1) { shape } }").await;
    assert_eq!(data["place_by_pk"]["shape"]["coordinates"], json!([1, 2]));
    assert_eq!(data["place_by_pk"]["shape"]["crs"]["properties"]["name"], "urn:ogc:def:crs:EPSG::4326");
}

#[tokio::test]
async fn mistakes_in_shapes_are_told_where_they_are() {
    let shop = database_with(PLACES, |_| {}).await;
    let query = r#"{ place(where: {shape: {_st_contains: {type: "LineString", coordinates: [[1, 2]]}}}) { id } }"#;
    let error = shop.error(query, json!({})).await;
    let path = "$.selectionSet.place.args.where.shape._st_contains";
    assert_eq!(error, ("parse-failed".into(), path.into(), "A LineString needs at least 2 Positions".into()));
    shop.invalid(
        "{ place(where: {spot: {_cast: {integer: {_eq: 0}}}}) { id } }",
        "$.selectionSet.place.args.where.spot._cast.integer",
        "field 'integer' not found in type: 'geography_cast_exp'",
    )
    .await;
    shop.invalid(
        "{ place(where: {shape: {_st_d_within: {distance: 1}}}) { id } }",
        "$.selectionSet.place.args.where.shape._st_d_within.from",
        "missing required field 'from'",
    )
    .await;
}

#[tokio::test]
async fn rasters() {
    let sql = "CREATE EXTENSION postgis; CREATE EXTENSION postgis_raster;
        CREATE TABLE picture (id int PRIMARY KEY, rast raster);
        INSERT INTO picture VALUES (1, ST_AsRaster(ST_Buffer(ST_GeomFromEWKT('SRID=4326;POINT(1 2)'), 2), 5, 5));";
    let shop = database_with(sql, |_| {}).await;
    let hex = "0100000100000000000000004000000000000000C00000000000000000000000000000084000000000000000000000000000000000E610000001000100440001";
    let query = "query ($r: raster) { picture(where: {rast: {_st_intersects_rast: $r}}) { id } }";
    assert_eq!(shop.data_with(query, json!({ "r": hex })).await["picture"], json!([{ "id": 1 }]));
    let error = shop.error(query, json!({ "r": "nonsense" })).await;
    assert_eq!(error.2, "invalid hexadecimal representation of raster well known binary format");
    let query = "query ($g: geometry!) {
        a: picture(where: {rast: {_st_intersects_geom_nband: {geommin: $g}}}) { id }
        b: picture(where: {rast: {_st_intersects_nband_geom: {nband: 1, geommin: $g}}}) { id }
    }";
    let point = json!({"g": {"type": "Point", "coordinates": [1, 2], "crs": {"type": "name", "properties": {"name": "EPSG:4326"}}}});
    assert_eq!(shop.data_with(query, point).await, json!({"a": [{"id": 1}], "b": [{"id": 1}]}));
}

#[tokio::test]
async fn json_paths_and_case_insensitive_text() {
    let sql = "CREATE EXTENSION citext;
        CREATE TABLE note (id int PRIMARY KEY, tag citext, data jsonb);
        INSERT INTO note VALUES (1, 'News', '{\"a\": [1, 5]}'), (2, 'misc', '{\"b\": 1}');";
    let shop = database_with(sql, |_| {}).await;
    let query = r#"{
        exists: note(where: {data: {_jsonb_path_exists: "$.a[*] ? (@ > 4)"}}) { id }
        match: note(where: {data: {_jsonb_path_match: "$.b == 1"}}) { id }
        tag: note(where: {tag: {_eq: "NEWS"}}) { id }
        like: note(where: {tag: {_like: "NE%"}}) { id }
    }"#;
    let one = json!([{"id": 1}]);
    assert_eq!(shop.data(query).await, json!({"exists": one, "match": [{"id": 2}], "tag": one, "like": one}));
}
