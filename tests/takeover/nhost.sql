-- A database as Nhost's own services leave it: what hasura-auth's migrations to 00017 and hasura-storage's to 5 come
-- to, with two users whose passwords bcrypt has hashed, a session, and a file.
CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS pgcrypto;

CREATE SCHEMA IF NOT EXISTS auth;
CREATE TABLE auth.migrations (
  id integer PRIMARY KEY,
  name varchar(100) NOT NULL UNIQUE,
  hash varchar(40) NOT NULL,
  executed_at timestamp DEFAULT CURRENT_TIMESTAMP
);
INSERT INTO auth.migrations (id, name, hash) VALUES (0, 'create-migrations-table', '9c0c864e0ccb0f8d1c77ab0576ef9f2841ec1b68');
CREATE DOMAIN auth.email AS citext CHECK (
  VALUE ~ '^[a-zA-Z0-9.!#$%&''*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$'
);
CREATE FUNCTION auth.set_current_timestamp_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  _new record;
BEGIN
  _new := new;
  _new."updated_at" = now();
  RETURN _new;
END;
$$;
CREATE TABLE auth.roles (role text NOT NULL PRIMARY KEY);
INSERT INTO auth.roles VALUES ('user'), ('anonymous'), ('me'), ('editor');
CREATE TABLE auth.providers (id text NOT NULL PRIMARY KEY);
INSERT INTO auth.providers VALUES ('github'), ('google'), ('apple'), ('azuread');
CREATE TABLE auth.refresh_token_types (value text NOT NULL PRIMARY KEY, comment text);
INSERT INTO auth.refresh_token_types VALUES ('regular', 'Regular refresh token'), ('pat', 'Personal access token');
CREATE TABLE auth.users (
  id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
  created_at timestamptz DEFAULT now() NOT NULL,
  updated_at timestamptz DEFAULT now() NOT NULL,
  last_seen timestamptz,
  disabled boolean DEFAULT false NOT NULL,
  display_name text DEFAULT '' NOT NULL,
  avatar_url text DEFAULT '' NOT NULL,
  locale varchar(2) NOT NULL,
  email auth.email UNIQUE,
  phone_number text UNIQUE,
  password_hash text,
  email_verified boolean DEFAULT false NOT NULL,
  phone_number_verified boolean DEFAULT false NOT NULL,
  new_email auth.email,
  otp_method_last_used text,
  otp_hash text,
  otp_hash_expires_at timestamptz DEFAULT now() NOT NULL,
  default_role text DEFAULT 'user' NOT NULL,
  is_anonymous boolean DEFAULT false NOT NULL,
  totp_secret text,
  active_mfa_type text,
  ticket text,
  ticket_expires_at timestamptz DEFAULT now() NOT NULL,
  metadata jsonb,
  webauthn_current_challenge text,
  CONSTRAINT active_mfa_types_check CHECK (active_mfa_type = 'totp' OR active_mfa_type = 'sms'),
  CONSTRAINT fk_default_role FOREIGN KEY (default_role) REFERENCES auth.roles (role) ON UPDATE CASCADE ON DELETE RESTRICT
);
CREATE TABLE auth.user_roles (
  id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
  created_at timestamptz DEFAULT now() NOT NULL,
  user_id uuid NOT NULL,
  role text NOT NULL,
  UNIQUE (user_id, role),
  CONSTRAINT fk_user FOREIGN KEY (user_id) REFERENCES auth.users (id) ON UPDATE CASCADE ON DELETE CASCADE,
  CONSTRAINT fk_role FOREIGN KEY (role) REFERENCES auth.roles (role) ON UPDATE CASCADE ON DELETE RESTRICT
);
CREATE TABLE auth.refresh_tokens (
  id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
  created_at timestamptz DEFAULT now() NOT NULL,
  expires_at timestamptz NOT NULL,
  user_id uuid NOT NULL,
  metadata jsonb,
  type text DEFAULT 'regular' NOT NULL,
  refresh_token_hash varchar(255),
  CONSTRAINT fk_user FOREIGN KEY (user_id) REFERENCES auth.users (id) ON UPDATE CASCADE ON DELETE CASCADE,
  CONSTRAINT refresh_tokens_types_fkey FOREIGN KEY (type) REFERENCES auth.refresh_token_types (value)
    ON UPDATE RESTRICT ON DELETE RESTRICT
);
CREATE TABLE auth.provider_requests (id uuid NOT NULL PRIMARY KEY, options jsonb);
CREATE TABLE auth.user_providers (
  id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
  created_at timestamptz DEFAULT now() NOT NULL,
  updated_at timestamptz DEFAULT now() NOT NULL,
  user_id uuid NOT NULL,
  access_token text NOT NULL,
  refresh_token text,
  provider_id text NOT NULL,
  provider_user_id text NOT NULL,
  UNIQUE (provider_id, provider_user_id),
  CONSTRAINT fk_user FOREIGN KEY (user_id) REFERENCES auth.users (id) ON UPDATE CASCADE ON DELETE CASCADE,
  CONSTRAINT fk_provider FOREIGN KEY (provider_id) REFERENCES auth.providers (id) ON UPDATE CASCADE ON DELETE RESTRICT
);
CREATE TABLE auth.user_security_keys (
  id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
  user_id uuid NOT NULL,
  credential_id text NOT NULL,
  credential_public_key bytea,
  counter bigint DEFAULT 0 NOT NULL,
  transports varchar(255) DEFAULT '' NOT NULL,
  nickname text,
  CONSTRAINT fk_user FOREIGN KEY (user_id) REFERENCES auth.users (id) ON UPDATE CASCADE ON DELETE CASCADE,
  CONSTRAINT user_security_key_credential_id_key UNIQUE (credential_id)
);
CREATE TRIGGER set_auth_users_updated_at BEFORE UPDATE ON auth.users
  FOR EACH ROW EXECUTE FUNCTION auth.set_current_timestamp_updated_at();

INSERT INTO auth.users (id, display_name, locale, email, email_verified, default_role, password_hash, metadata) VALUES
  ('11111111-1111-4111-8111-111111111111', 'Ann', 'en', 'Ann@Example.com', true, 'user',
   crypt('ann has a password', gen_salt('bf', 10)), '{"plan": "gold"}'),
  ('22222222-2222-4222-8222-222222222222', 'Bob', 'de', 'bob@example.com', true, 'editor',
   crypt('bob has another one', gen_salt('bf', 10)), NULL);
INSERT INTO auth.user_roles (user_id, role) VALUES
  ('11111111-1111-4111-8111-111111111111', 'user'), ('11111111-1111-4111-8111-111111111111', 'me'),
  ('22222222-2222-4222-8222-222222222222', 'editor');
INSERT INTO auth.refresh_tokens (id, expires_at, user_id, refresh_token_hash) VALUES
  ('33333333-3333-4333-8333-333333333333', now() + interval '20 days', '22222222-2222-4222-8222-222222222222',
   '\x' || encode(digest('44444444-4444-4444-8444-444444444444', 'sha256'), 'hex'));

CREATE SCHEMA IF NOT EXISTS storage;
CREATE TABLE storage.schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
INSERT INTO storage.schema_migrations VALUES (5, false);
CREATE FUNCTION storage.set_current_timestamp_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END;
$$;
CREATE TABLE storage.buckets (
  id text NOT NULL PRIMARY KEY,
  created_at timestamptz DEFAULT now() NOT NULL,
  updated_at timestamptz DEFAULT now() NOT NULL,
  download_expiration int DEFAULT 30 NOT NULL,
  min_upload_file_size int DEFAULT 1 NOT NULL,
  max_upload_file_size int DEFAULT 50000000 NOT NULL,
  cache_control text DEFAULT 'max-age=3600',
  presigned_urls_enabled boolean DEFAULT true NOT NULL
);
CREATE TABLE storage.files (
  id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
  created_at timestamptz DEFAULT now() NOT NULL,
  updated_at timestamptz DEFAULT now() NOT NULL,
  bucket_id text DEFAULT 'default' NOT NULL,
  name text,
  size int,
  mime_type text,
  etag text,
  is_uploaded boolean DEFAULT false,
  uploaded_by_user_id uuid,
  metadata jsonb,
  CONSTRAINT fk_bucket FOREIGN KEY (bucket_id) REFERENCES storage.buckets (id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE storage.virus (
  id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
  created_at timestamptz DEFAULT now() NOT NULL,
  updated_at timestamptz DEFAULT now() NOT NULL,
  file_id uuid NOT NULL REFERENCES storage.files (id),
  filename text NOT NULL,
  virus text NOT NULL,
  user_session jsonb NOT NULL
);
CREATE TRIGGER set_storage_buckets_updated_at BEFORE UPDATE ON storage.buckets
  FOR EACH ROW EXECUTE FUNCTION storage.set_current_timestamp_updated_at();
CREATE TRIGGER set_storage_files_updated_at BEFORE UPDATE ON storage.files
  FOR EACH ROW EXECUTE FUNCTION storage.set_current_timestamp_updated_at();
INSERT INTO storage.buckets (id) VALUES ('default'), ('invoices');
INSERT INTO storage.files (id, bucket_id, name, size, mime_type, etag, is_uploaded, uploaded_by_user_id) VALUES
  ('55555555-5555-4555-8555-555555555555', 'invoices', 'invoice.txt', 13, 'text/plain; charset=utf-8',
   '"22c3683b094136c3398391ae71b20f04"', true, '11111111-1111-4111-8111-111111111111');
