-- The tables that Nhost's auth service has, as its migrations leave them; only what is missing is made.
CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS pgcrypto;

DO $$
BEGIN
    IF to_regtype('auth.email') IS NULL THEN
        CREATE DOMAIN auth.email AS citext CONSTRAINT email_check CHECK (
            VALUE ~ '^[a-zA-Z0-9.!#$%&''*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$'
        );
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION auth.set_current_timestamp_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END
$$;

CREATE TABLE IF NOT EXISTS auth.roles (
    role text NOT NULL CONSTRAINT roles_pkey PRIMARY KEY
);
COMMENT ON TABLE auth.roles IS 'Roles that users may have. Auth depends on its structure.';
INSERT INTO auth.roles (role) VALUES ('user'), ('anonymous'), ('me') ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS auth.providers (
    id text NOT NULL CONSTRAINT providers_pkey PRIMARY KEY
);
COMMENT ON TABLE auth.providers IS 'OAuth providers that are known. Auth depends on its structure.';
INSERT INTO auth.providers (id) VALUES
    ('apple'), ('azuread'), ('bitbucket'), ('discord'), ('entraid'), ('facebook'), ('github'), ('gitlab'), ('google'),
    ('linkedin'), ('spotify'), ('strava'), ('twitch'), ('twitter'), ('windowslive'), ('workos')
ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS auth.refresh_token_types (
    value text NOT NULL CONSTRAINT refresh_token_types_pkey PRIMARY KEY,
    comment text
);
INSERT INTO auth.refresh_token_types (value, comment) VALUES
    ('regular', 'Regular refresh token'), ('pat', 'Personal access token')
ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS auth.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL CONSTRAINT users_pkey PRIMARY KEY,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    last_seen timestamptz,
    disabled boolean DEFAULT false NOT NULL,
    display_name text DEFAULT ''::text NOT NULL,
    avatar_url text DEFAULT ''::text NOT NULL,
    locale varchar(3) NOT NULL,
    email auth.email CONSTRAINT users_email_key UNIQUE,
    phone_number text CONSTRAINT users_phone_number_key UNIQUE,
    password_hash text,
    email_verified boolean DEFAULT false NOT NULL,
    phone_number_verified boolean DEFAULT false NOT NULL,
    new_email auth.email,
    otp_method_last_used text,
    otp_hash text,
    otp_hash_expires_at timestamptz DEFAULT now() NOT NULL,
    default_role text DEFAULT 'user'::text NOT NULL
        CONSTRAINT fk_default_role REFERENCES auth.roles (role) ON UPDATE CASCADE ON DELETE RESTRICT,
    is_anonymous boolean DEFAULT false NOT NULL,
    totp_secret text,
    active_mfa_type text
        CONSTRAINT active_mfa_types_check CHECK (active_mfa_type = 'totp' OR active_mfa_type = 'sms'),
    ticket text,
    ticket_expires_at timestamptz DEFAULT now() NOT NULL,
    metadata jsonb,
    webauthn_current_challenge text
);
COMMENT ON TABLE auth.users IS 'User accounts. Auth depends on its structure.';
-- Columns that came later.
ALTER TABLE auth.users ADD COLUMN IF NOT EXISTS metadata jsonb;
ALTER TABLE auth.users ADD COLUMN IF NOT EXISTS webauthn_current_challenge text;

CREATE TABLE IF NOT EXISTS auth.user_roles (
    id uuid DEFAULT gen_random_uuid() NOT NULL CONSTRAINT user_roles_pkey PRIMARY KEY,
    created_at timestamptz DEFAULT now() NOT NULL,
    user_id uuid NOT NULL CONSTRAINT fk_user REFERENCES auth.users (id) ON UPDATE CASCADE ON DELETE CASCADE,
    role text NOT NULL CONSTRAINT fk_role REFERENCES auth.roles (role) ON UPDATE CASCADE ON DELETE RESTRICT,
    CONSTRAINT user_roles_user_id_role_key UNIQUE (user_id, role)
);
COMMENT ON TABLE auth.user_roles IS 'Which roles users have. Auth depends on its structure.';

CREATE TABLE IF NOT EXISTS auth.refresh_tokens (
    id uuid DEFAULT gen_random_uuid() NOT NULL CONSTRAINT refresh_tokens_pkey PRIMARY KEY,
    created_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz NOT NULL,
    user_id uuid NOT NULL CONSTRAINT fk_user REFERENCES auth.users (id) ON UPDATE CASCADE ON DELETE CASCADE,
    metadata jsonb,
    type text DEFAULT 'regular'::text NOT NULL CONSTRAINT refresh_tokens_types_fkey
        REFERENCES auth.refresh_token_types (value) ON UPDATE RESTRICT ON DELETE RESTRICT,
    refresh_token_hash varchar(255)
);
COMMENT ON TABLE auth.refresh_tokens IS 'Refresh and personal access tokens, hashed. Auth depends on its structure.';
CREATE INDEX IF NOT EXISTS refresh_tokens_refresh_token_hash_expires_at_user_id_idx
    ON auth.refresh_tokens USING btree (refresh_token_hash, expires_at, user_id);

CREATE TABLE IF NOT EXISTS auth.provider_requests (
    id uuid NOT NULL CONSTRAINT provider_requests_pkey PRIMARY KEY,
    options jsonb
);
COMMENT ON TABLE auth.provider_requests IS 'OAuth requests on their way. Auth depends on its structure.';

CREATE TABLE IF NOT EXISTS auth.user_providers (
    id uuid DEFAULT gen_random_uuid() NOT NULL CONSTRAINT user_providers_pkey PRIMARY KEY,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    user_id uuid NOT NULL CONSTRAINT fk_user REFERENCES auth.users (id) ON UPDATE CASCADE ON DELETE CASCADE,
    access_token text NOT NULL,
    refresh_token text,
    provider_id text NOT NULL CONSTRAINT fk_provider
        REFERENCES auth.providers (id) ON UPDATE CASCADE ON DELETE RESTRICT,
    provider_user_id text NOT NULL,
    CONSTRAINT user_providers_provider_id_provider_user_id_key UNIQUE (provider_id, provider_user_id)
);
COMMENT ON TABLE auth.user_providers IS 'Accounts of users at providers. Auth depends on its structure.';

CREATE TABLE IF NOT EXISTS auth.user_security_keys (
    id uuid DEFAULT gen_random_uuid() NOT NULL CONSTRAINT user_security_keys_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT fk_user REFERENCES auth.users (id) ON UPDATE CASCADE ON DELETE CASCADE,
    credential_id text NOT NULL CONSTRAINT user_security_key_credential_id_key UNIQUE,
    credential_public_key bytea,
    counter bigint DEFAULT 0 NOT NULL,
    transports varchar(255) DEFAULT ''::character varying NOT NULL,
    nickname text
);
COMMENT ON TABLE auth.user_security_keys IS 'WebAuthn keys of users. Auth depends on its structure.';

CREATE OR REPLACE TRIGGER set_auth_users_updated_at BEFORE UPDATE ON auth.users
    FOR EACH ROW EXECUTE FUNCTION auth.set_current_timestamp_updated_at();
CREATE OR REPLACE TRIGGER set_auth_user_providers_updated_at BEFORE UPDATE ON auth.user_providers
    FOR EACH ROW EXECUTE FUNCTION auth.set_current_timestamp_updated_at();
