use postgres::Pool;
use testkit::db;

#[tokio::test]
async fn connections_are_kept_and_dead_ones_replaced() {
    let database = db().await;
    let pool = Pool::new(database.config(), 1);
    let pid = |client: postgres::PooledClient| async move {
        client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get::<_, i32>(0)
    };
    let first = pid(pool.get().await.unwrap()).await;
    assert_eq!(pid(pool.get().await.unwrap()).await, first, "kept");
    assert_eq!(pool.load(), (1, 1));
    let other = database.client().await;
    other.execute("SELECT pg_terminate_backend($1, 10000)", &[&first]).await.unwrap();
    // The driver learns of the end when the socket is read; until then the old connection may be given out once.
    let begin = std::time::Instant::now();
    loop {
        let client = pool.get().await.unwrap();
        if let Ok(row) = client.query_one("SELECT pg_backend_pid()", &[]).await {
            assert_ne!(row.get::<_, i32>(0), first, "replaced");
            break;
        }
        assert!(begin.elapsed() < crate::harness::LIMIT);
    }
}
