use crate::support::{ALICE, Form, World, as_user, start};

/// What Nhost's service has made in its first versions: less than today, and a constraint that went later.
const OLD: &str = "CREATE SCHEMA auth; CREATE TABLE auth.users (id uuid PRIMARY KEY);
    CREATE SCHEMA storage;
    CREATE TABLE storage.schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
    INSERT INTO storage.schema_migrations VALUES (1, false);
    CREATE TABLE storage.buckets (
      id text NOT NULL PRIMARY KEY, created_at timestamptz DEFAULT now() NOT NULL,
      updated_at timestamptz DEFAULT now() NOT NULL, download_expiration int NOT NULL DEFAULT 30,
      min_upload_file_size int NOT NULL DEFAULT 1, max_upload_file_size int NOT NULL DEFAULT 50000000,
      cache_control text DEFAULT 'max-age=3600', presigned_urls_enabled boolean NOT NULL DEFAULT TRUE);
    INSERT INTO storage.buckets (id) VALUES ('default');
    CREATE TABLE storage.files (
      id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY, created_at timestamptz DEFAULT now() NOT NULL,
      updated_at timestamptz DEFAULT now() NOT NULL, bucket_id text NOT NULL DEFAULT 'default', name text, size int,
      mime_type text, etag text, is_uploaded boolean DEFAULT FALSE, uploaded_by_user_id uuid,
      CONSTRAINT fk_bucket FOREIGN KEY (bucket_id) REFERENCES storage.buckets (id) ON UPDATE CASCADE ON DELETE CASCADE,
      CONSTRAINT fk_user FOREIGN KEY (uploaded_by_user_id) REFERENCES auth.users (id) ON DELETE SET NULL);
    INSERT INTO auth.users VALUES ('00000000-0000-4000-8000-00000000000a');
    INSERT INTO storage.files (id, name, size, mime_type, etag, is_uploaded, uploaded_by_user_id) VALUES
      ('57bddc2b-fdc6-4af2-9dba-5ee689936619', 'some-file.txt', 3, 'text/plain', '\"acbd18db4cc2f85cedef654fccc4a4d8\"', true,
       '00000000-0000-4000-8000-00000000000a');";

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_nhosts_service_is_taken_over_with_its_files() {
    let (database, folder) = (testkit::db().await, tempfile::tempdir().unwrap());
    database.client().await.batch_execute(OLD).await.unwrap();
    let id = "57bddc2b-fdc6-4af2-9dba-5ee689936619";
    std::fs::write(folder.path().join(id), "foo").unwrap();
    let handle = start(&database, folder.path(), |_| {}).await;
    let world = World { database, folder, handle };
    let path = format!("/v1/files/{id}");
    assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), "foo");
    let form = Form::new().file("file", "n.txt", "", b"new body");
    let answer = world.send(form.request(http::Method::PUT, &path, &as_user(ALICE))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), "new body");
    assert!(!world.objects().contains_key(id), "the old bytes are gone");
    assert_eq!(world.settled().await, 1);
    let client = world.database.client().await;
    let statement = "SELECT version FROM storage.schema_migrations";
    assert_eq!(client.query_one(statement, &[]).await.unwrap().get::<_, i64>(0), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_bucket_stays() {
    let mut world = World::new().await;
    let client = world.database.client().await;
    for statement in ["DELETE FROM storage.buckets", "UPDATE storage.buckets SET id = 'other'"] {
        assert!(client.batch_execute(statement).await.is_err(), "{statement}");
    }
    let expiration = "UPDATE storage.buckets SET download_expiration = 604801";
    assert!(client.batch_execute(expiration).await.is_err());
    // A second start finds everything done.
    let done = world.count("nself_migrations").await;
    world.restart().await;
    assert!(done > 1 && world.count("nself_migrations").await == done);
}
