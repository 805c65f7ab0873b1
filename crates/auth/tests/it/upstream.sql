CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;
CREATE SCHEMA auth;
CREATE DOMAIN auth.email AS public.citext CONSTRAINT email_check CHECK (VALUE ~ '^[^@]+@[^@]+$');
CREATE FUNCTION auth.set_current_timestamp_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE _new record;
BEGIN _new := new; _new."updated_at" = now(); RETURN _new; END; $$;
CREATE TABLE auth.migrations (
    id integer NOT NULL PRIMARY KEY, name varchar(100) NOT NULL UNIQUE, hash varchar(40) NOT NULL,
    executed_at timestamp DEFAULT current_timestamp
);
CREATE TABLE auth.provider_requests (id uuid NOT NULL, options jsonb);
CREATE TABLE auth.providers (id text NOT NULL);
CREATE TABLE auth.refresh_token_types (value text NOT NULL, comment text);
CREATE TABLE auth.refresh_tokens (
    id uuid DEFAULT gen_random_uuid() NOT NULL, created_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz NOT NULL, user_id uuid NOT NULL, metadata jsonb,
    type text DEFAULT 'regular'::text NOT NULL, refresh_token_hash varchar(255)
);
CREATE TABLE auth.roles (role text NOT NULL);
CREATE TABLE auth.user_providers (
    id uuid DEFAULT gen_random_uuid() NOT NULL, created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL, user_id uuid NOT NULL, access_token text NOT NULL,
    refresh_token text, provider_id text NOT NULL, provider_user_id text NOT NULL
);
CREATE TABLE auth.user_roles (
    id uuid DEFAULT gen_random_uuid() NOT NULL, created_at timestamptz DEFAULT now() NOT NULL,
    user_id uuid NOT NULL, role text NOT NULL
);
CREATE TABLE auth.user_security_keys (
    id uuid DEFAULT gen_random_uuid() NOT NULL, user_id uuid NOT NULL, credential_id text NOT NULL,
    credential_public_key bytea, counter bigint DEFAULT 0 NOT NULL,
    transports varchar(255) DEFAULT ''::character varying NOT NULL, nickname text
);
CREATE TABLE auth.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL, created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL, last_seen timestamptz, disabled boolean DEFAULT false NOT NULL,
    display_name text DEFAULT ''::text NOT NULL, avatar_url text DEFAULT ''::text NOT NULL,
    locale varchar(2) NOT NULL, email auth.email, phone_number text, password_hash text,
    email_verified boolean DEFAULT false NOT NULL, phone_number_verified boolean DEFAULT false NOT NULL,
    new_email auth.email, otp_method_last_used text, otp_hash text,
    otp_hash_expires_at timestamptz DEFAULT now() NOT NULL, default_role text DEFAULT 'user'::text NOT NULL,
    is_anonymous boolean DEFAULT false NOT NULL, totp_secret text, active_mfa_type text, ticket text,
    ticket_expires_at timestamptz DEFAULT now() NOT NULL, metadata jsonb, webauthn_current_challenge text,
    CONSTRAINT active_mfa_types_check CHECK (active_mfa_type = 'totp' OR active_mfa_type = 'sms')
);
ALTER TABLE auth.provider_requests ADD CONSTRAINT provider_requests_pkey PRIMARY KEY (id);
ALTER TABLE auth.providers ADD CONSTRAINT providers_pkey PRIMARY KEY (id);
ALTER TABLE auth.refresh_token_types ADD CONSTRAINT refresh_token_types_pkey PRIMARY KEY (value);
ALTER TABLE auth.refresh_tokens ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (id);
ALTER TABLE auth.roles ADD CONSTRAINT roles_pkey PRIMARY KEY (role);
ALTER TABLE auth.user_providers ADD CONSTRAINT user_providers_pkey PRIMARY KEY (id);
ALTER TABLE auth.user_providers
    ADD CONSTRAINT user_providers_provider_id_provider_user_id_key UNIQUE (provider_id, provider_user_id);
ALTER TABLE auth.user_roles ADD CONSTRAINT user_roles_pkey PRIMARY KEY (id);
ALTER TABLE auth.user_roles ADD CONSTRAINT user_roles_user_id_role_key UNIQUE (user_id, role);
ALTER TABLE auth.user_security_keys ADD CONSTRAINT user_security_key_credential_id_key UNIQUE (credential_id);
ALTER TABLE auth.user_security_keys ADD CONSTRAINT user_security_keys_pkey PRIMARY KEY (id);
ALTER TABLE auth.users ADD CONSTRAINT users_email_key UNIQUE (email);
ALTER TABLE auth.users ADD CONSTRAINT users_phone_number_key UNIQUE (phone_number);
ALTER TABLE auth.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);
CREATE INDEX refresh_tokens_refresh_token_hash_expires_at_user_id_idx
    ON auth.refresh_tokens USING btree (refresh_token_hash, expires_at, user_id);
CREATE TRIGGER set_auth_user_providers_updated_at BEFORE UPDATE ON auth.user_providers
    FOR EACH ROW EXECUTE FUNCTION auth.set_current_timestamp_updated_at();
CREATE TRIGGER set_auth_users_updated_at BEFORE UPDATE ON auth.users
    FOR EACH ROW EXECUTE FUNCTION auth.set_current_timestamp_updated_at();
ALTER TABLE auth.users ADD CONSTRAINT fk_default_role FOREIGN KEY (default_role) REFERENCES auth.roles (role)
    ON UPDATE CASCADE ON DELETE RESTRICT;
ALTER TABLE auth.user_roles ADD CONSTRAINT fk_role FOREIGN KEY (role) REFERENCES auth.roles (role)
    ON UPDATE CASCADE ON DELETE RESTRICT;
ALTER TABLE auth.user_roles ADD CONSTRAINT fk_user FOREIGN KEY (user_id) REFERENCES auth.users (id)
    ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE auth.refresh_tokens ADD CONSTRAINT fk_user FOREIGN KEY (user_id) REFERENCES auth.users (id)
    ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE auth.refresh_tokens ADD CONSTRAINT refresh_tokens_types_fkey FOREIGN KEY (type)
    REFERENCES auth.refresh_token_types (value) ON UPDATE RESTRICT ON DELETE RESTRICT;

INSERT INTO auth.roles VALUES ('user'), ('anonymous'), ('me'), ('editor');
INSERT INTO auth.refresh_token_types VALUES ('regular', 'Regular refresh token'), ('pat', 'Personal access token');
INSERT INTO auth.providers VALUES ('github'), ('google');
INSERT INTO auth.users (id, locale, email, display_name, metadata, ticket, ticket_expires_at) VALUES
    ('c3b747ef-76a9-4c56-8091-ed3e6b8afb2c', 'en', 'old@example.org', 'Old', '{"plan": "old"}',
     'verifyEmail:8f14e45f-ceea-4e7a-9b1c-2d3e4f5a6b7c', now() + interval '1 day');
INSERT INTO auth.user_roles (user_id, role)
    SELECT 'c3b747ef-76a9-4c56-8091-ed3e6b8afb2c', unnest(ARRAY['user', 'editor']);
INSERT INTO auth.refresh_tokens (user_id, expires_at, type, refresh_token_hash)
    SELECT 'c3b747ef-76a9-4c56-8091-ed3e6b8afb2c', now() + interval '1 day', type,
        '\x' || encode(sha256(token::bytea), 'hex')
    FROM (VALUES ('regular', '0b9b2a3c-58c2-4d6e-9a4e-7d1f6b1c2d3e'), ('pat', '6a2f41a3-ec09-4d8c-a1a9-8f0f6a5a3b7c'))
        AS tokens (type, token);
