use serde_json::Value;
#[tokio::test]
async fn replay() {
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string("/tmp/gqlpg/cases.json").unwrap()).unwrap();
    let (mut pass, mut total) = (0, 0);
    for class in cases.iter().filter(|c| c.get("sql").is_some()) {
        let database = testkit::db().await;
        let client = database.client().await;
        let mut bad = None;
        for sql in class["sql"].as_array().unwrap() {
            if let Err(e) = client.batch_execute(sql.as_str().unwrap()).await {
                bad = Some(format!("{e:?}"));
            }
        }
        if let Some(b) = bad { eprintln!("SETUP {} {}", class["dir"], &b[..b.len().min(300)]); }
        let mut options = graphql::Options::new(postgres::Pool::new(database.config(), 2));
        options.stringify_numeric = true;
        let handle = graphql::Service::start(options).await.unwrap();
        for case in cases.iter().filter(|c| c["dir"] == class["dir"] && c.get("query").is_some()) {
            total += 1;
            let request = graphql::Request {
                query: case["query"].as_str().unwrap().into(),
                operation_name: case["op"].as_str().map(str::to_owned),
                variables: case["variables"].as_object().unwrap().clone(),
            };
            let body = match handle.execute("admin", &request).await {
                Ok(b) => b.to_vec(),
                Err(f) => f.to_body(false),
            };
            let got: Value = serde_json::from_slice(&body).unwrap();
            if same(&got, &case["response"]) { pass += 1; } else {
                let (a, b) = (got.to_string(), case["response"].to_string());
                eprintln!("FAIL {} {}\n   got  {}\n   want {}", case["dir"], case["file"], &a.chars().take(400).collect::<String>(), &b.chars().take(400).collect::<String>());
            }
        }
    }
    eprintln!("PASSED {pass} of {total}");
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| same(v, w))),
        _ => a == b,
    }
}
