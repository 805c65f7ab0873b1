use graphql::events::api;
use serde_json::{Value, json};

use super::{Answer, stage};

fn value(raw: &serde_json::value::RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap()
}

#[tokio::test]
async fn cron_events_are_written_ahead_and_delivered() {
    let mut stage = stage("").await;
    let args = json!({
        "name": "tick", "webhook": "{{RECEIVER}}/tick", "schedule": "0 * * * *", "include_in_metadata": true,
        "payload": {"a": 1}, "comment": "every hour",
        "headers": [{"name": "X-Env", "value_from_env": "TOKEN"}],
    });
    let old = stage.metadata.clone();
    api::create_cron_trigger(&mut stage.metadata, &stage.environment, &args).unwrap();
    stage.install(Some(&old)).await;
    let events = "FROM hdb_catalog.hdb_cron_events WHERE trigger_name = 'tick' AND status = 'scheduled' AND scheduled_time > now()";
    assert_eq!(stage.count(events).await, 100);
    let seconds = "FROM hdb_catalog.hdb_cron_events WHERE extract(second FROM scheduled_time) <> 0";
    assert_eq!(stage.count(seconds).await, 0);

    let second = api::create_cron_trigger(&mut stage.metadata, &stage.environment, &args).unwrap_err();
    assert_eq!(
        (second.code.as_str(), second.message.as_str()),
        ("already-exists", "cron trigger with name: tick already exists")
    );

    // As if the server had been away for five hours.
    stage.sql("UPDATE hdb_catalog.hdb_cron_events SET scheduled_time = scheduled_time - interval '5 hours'").await;
    let due: i64 = stage.count("FROM hdb_catalog.hdb_cron_events WHERE scheduled_time <= now()").await;
    let running = stage.start();
    for _ in 0..due {
        let request = stage.receiver.next().await;
        assert_eq!((request.uri.as_str(), &request.headers["x-env"]), ("/tick", &"secret".parse().unwrap()));
        let mut body = request.body;
        assert!(body["id"].take().is_string());
        assert!(body["scheduled_time"].take().as_str().unwrap().ends_with(":00Z"));
        let expected =
            json!({"comment": "every hour", "id": null, "name": "tick", "payload": {"a": 1}, "scheduled_time": null});
        assert_eq!(body, expected);
    }
    stage.until("FROM hdb_catalog.hdb_cron_events WHERE status = 'delivered' AND tries = 1", due).await;
    running.stop().await;

    let args =
        json!({"type": "cron", "trigger_name": "tick", "status": ["delivered"], "limit": 1, "get_rows_count": true});
    let found = value(&api::get_scheduled_events(&stage.client, &stage.metadata, &args).await.unwrap());
    assert_eq!((&found["count"], found["events"].as_array().unwrap().len()), (&json!(due), 1));
    assert_eq!(found["events"][0]["trigger_name"], "tick");
    let args = json!({"type": "cron", "trigger_name": "tick"});
    let found = value(&api::get_scheduled_event_invocations(&stage.client, &stage.metadata, &args).await.unwrap());
    assert_eq!(found["invocations"].as_array().unwrap().len(), usize::try_from(due).unwrap());
    assert_eq!(found["invocations"][0]["request"]["version"], "1");
    assert!(!found.to_string().contains("\"secret\""));
    assert_eq!(api::get_cron_triggers(&stage.metadata)["cron_triggers"][0]["name"], "tick");

    // Another schedule: what lies ahead is written anew.
    let old = stage.metadata.clone();
    let yearly = json!({"name": "tick", "webhook": "http://h", "schedule": "0 0 1 1 *", "include_in_metadata": true, "replace": true});
    api::create_cron_trigger(&mut stage.metadata, &stage.environment, &yearly).unwrap();
    stage.install(Some(&old)).await;
    assert_eq!(
        stage.count(&format!("{events} AND extract(month FROM scheduled_time AT TIME ZONE 'UTC') = 1")).await,
        100
    );
    assert_eq!(stage.count(events).await, 100);
    let old = stage.metadata.clone();
    api::delete_cron_trigger(&mut stage.metadata, &json!({"name": "tick"})).unwrap();
    stage.install(Some(&old)).await;
    assert_eq!(stage.count(events).await, 0);
    let gone = api::delete_cron_trigger(&mut stage.metadata, &json!({"name": "tick"})).unwrap_err();
    assert_eq!(gone.message, "cron trigger with name: tick does not exist");
}

#[tokio::test]
async fn cron_events_that_are_too_old_are_dead() {
    let mut stage = stage("").await;
    let args = json!({
        "name": "old", "webhook": "{{RECEIVER}}", "schedule": "0 0 1 1 *", "include_in_metadata": true,
        "retry_conf": {"tolerance_seconds": 60},
    });
    api::create_cron_trigger(&mut stage.metadata, &stage.environment, &args).unwrap();
    stage.sql("INSERT INTO hdb_catalog.hdb_cron_events (trigger_name, scheduled_time) VALUES ('old', now() - interval '2 minutes')").await;
    let running = stage.start();
    stage.until("FROM hdb_catalog.hdb_cron_events WHERE status = 'dead'", 1).await;
    running.stop().await;
    stage.receiver.nothing();
}

#[tokio::test]
async fn a_one_off_event_is_delivered_when_it_is_due() {
    let mut stage = stage("").await;
    let running = stage.start();
    // The connection listens before the event comes.
    stage.until("FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'nself events' AND state = 'idle'", 1).await;
    stage.receiver.answer([Answer::Status(500)]);
    let at: String = stage
        .client
        .query_one(
            "SELECT to_char((now() + interval '1 second') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    let args = json!({
        "webhook": "{{RECEIVER}}/once", "schedule_at": at, "payload": {"k": "v"}, "comment": "hi",
        "headers": [{"name": "X-A", "value": "b"}], "retry_conf": {"num_retries": 1, "retry_interval_seconds": 0},
    });
    let made = api::create_scheduled_event(&stage.client, &args).await.unwrap();
    assert_eq!(made["message"], "success");
    for _ in 0..2 {
        let request = stage.receiver.next().await;
        assert_eq!((request.uri.as_str(), &request.headers["x-a"]), ("/once", &"b".parse().unwrap()));
        let mut body = request.body;
        assert!(body["created_at"].take().is_string());
        assert_eq!(
            body,
            json!({"comment": "hi", "created_at": null, "id": made["event_id"], "payload": {"k": "v"}, "scheduled_time": at})
        );
    }
    stage.until("FROM hdb_catalog.hdb_scheduled_events WHERE status = 'delivered' AND tries = 2", 1).await;
    running.stop().await;

    let all = json!({"type": "one_off"});
    let found = value(&api::get_scheduled_events(&stage.client, &stage.metadata, &all).await.unwrap());
    assert_eq!(
        (&found["events"][0]["comment"], &found["events"][0]["webhook_conf"]),
        (&json!("hi"), &json!("{{RECEIVER}}/once"))
    );
    let by_id = json!({"type": "one_off", "event_id": made["event_id"], "get_rows_count": true});
    let found = value(&api::get_scheduled_event_invocations(&stage.client, &stage.metadata, &by_id).await.unwrap());
    assert_eq!(found["count"], 2);
    let args = json!({"type": "one_off", "event_id": made["event_id"]});
    api::delete_scheduled_event(&stage.client, &args).await.unwrap();
    assert_eq!(api::delete_scheduled_event(&stage.client, &args).await.unwrap_err().code.as_str(), "not-exists");
}

#[tokio::test]
async fn a_wrong_time_or_schedule_is_refused() {
    let mut stage = stage("").await;
    let failure =
        api::create_scheduled_event(&stage.client, &json!({"webhook": "http://h", "schedule_at": "tomorrow"}))
            .await
            .unwrap_err();
    assert_eq!(failure.code.as_str(), "parse-failed");
    let args = json!({"name": "x", "webhook": "http://h", "schedule": "* * * * * *", "include_in_metadata": true});
    assert_eq!(
        api::create_cron_trigger(&mut stage.metadata, &stage.environment, &args).unwrap_err().code.as_str(),
        "parse-failed"
    );
    let unknown = json!({"type": "cron", "trigger_name": "none"});
    let failure = api::get_scheduled_events(&stage.client, &stage.metadata, &unknown).await.unwrap_err();
    assert_eq!(failure.message, "cron trigger with name: none does not exist");
}
