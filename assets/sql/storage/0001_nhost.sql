-- The tables of Nhost's storage service as its own migrations 1 to 5 leave them. Every statement may find its work done:
-- by that service, at any of its versions.

CREATE SCHEMA IF NOT EXISTS storage;

CREATE OR REPLACE FUNCTION storage.set_current_timestamp_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END;
$$;

CREATE OR REPLACE FUNCTION storage.protect_default_bucket_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.id = 'default' THEN
    RAISE EXCEPTION 'Can not delete default bucket';
  END IF;
  RETURN OLD;
END;
$$;

CREATE OR REPLACE FUNCTION storage.protect_default_bucket_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.id = 'default' AND NEW.id <> 'default' THEN
    RAISE EXCEPTION 'Can not rename default bucket';
  END IF;
  RETURN NEW;
END;
$$;

CREATE TABLE IF NOT EXISTS storage.buckets (
  id text NOT NULL PRIMARY KEY,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  updated_at timestamp with time zone DEFAULT now() NOT NULL,
  download_expiration integer DEFAULT 30 NOT NULL,
  min_upload_file_size integer DEFAULT 1 NOT NULL,
  max_upload_file_size integer DEFAULT 50000000 NOT NULL,
  cache_control text DEFAULT 'max-age=3600',
  presigned_urls_enabled boolean DEFAULT true NOT NULL
);

CREATE TABLE IF NOT EXISTS storage.files (
  id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  updated_at timestamp with time zone DEFAULT now() NOT NULL,
  bucket_id text DEFAULT 'default' NOT NULL,
  name text,
  size integer,
  mime_type text,
  etag text,
  is_uploaded boolean DEFAULT false,
  uploaded_by_user_id uuid
);

ALTER TABLE storage.files ADD COLUMN IF NOT EXISTS metadata jsonb;
ALTER TABLE storage.files DROP CONSTRAINT IF EXISTS fk_user;

CREATE TABLE IF NOT EXISTS storage.virus (
  id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  updated_at timestamp with time zone DEFAULT now() NOT NULL,
  file_id uuid NOT NULL REFERENCES storage.files (id),
  filename text NOT NULL,
  virus text NOT NULL,
  user_session jsonb NOT NULL
);

DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_constraint WHERE conrelid = 'storage.files'::regclass AND conname = 'fk_bucket'
  ) THEN
    ALTER TABLE storage.files ADD CONSTRAINT fk_bucket
      FOREIGN KEY (bucket_id) REFERENCES storage.buckets (id) ON UPDATE CASCADE ON DELETE CASCADE;
  END IF;
  IF NOT EXISTS (
    SELECT FROM pg_constraint
    WHERE conrelid = 'storage.buckets'::regclass AND conname = 'download_expiration_valid_range'
  ) THEN
    ALTER TABLE storage.buckets ADD CONSTRAINT download_expiration_valid_range
      CHECK (download_expiration >= 1 AND download_expiration <= 604800);
  END IF;
END;
$$;

CREATE OR REPLACE TRIGGER set_storage_buckets_updated_at BEFORE UPDATE ON storage.buckets
  FOR EACH ROW EXECUTE FUNCTION storage.set_current_timestamp_updated_at();
CREATE OR REPLACE TRIGGER set_storage_files_updated_at BEFORE UPDATE ON storage.files
  FOR EACH ROW EXECUTE FUNCTION storage.set_current_timestamp_updated_at();
CREATE OR REPLACE TRIGGER set_storage_virus_updated_at BEFORE UPDATE ON storage.virus
  FOR EACH ROW EXECUTE FUNCTION storage.set_current_timestamp_updated_at();
CREATE OR REPLACE TRIGGER check_default_bucket_delete BEFORE DELETE ON storage.buckets
  FOR EACH ROW EXECUTE FUNCTION storage.protect_default_bucket_delete();
CREATE OR REPLACE TRIGGER check_default_bucket_update BEFORE UPDATE ON storage.buckets
  FOR EACH ROW EXECUTE FUNCTION storage.protect_default_bucket_update();

INSERT INTO storage.buckets (id) VALUES ('default') ON CONFLICT DO NOTHING;

-- Nhost's own service finds its migrations done, should the database go back to it.
CREATE TABLE IF NOT EXISTS storage.schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
UPDATE storage.schema_migrations SET version = 5 WHERE version < 5;
INSERT INTO storage.schema_migrations (version, dirty)
  SELECT 5, false WHERE NOT EXISTS (SELECT FROM storage.schema_migrations);
