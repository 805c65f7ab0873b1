-- Sign-in with other services, PKCE, and being such a service: Nhost's later tables under their names.

-- Provider sign-ins and identities have these ids; a table of Nhost's may be older than some of them.
INSERT INTO auth.providers (id) VALUES
    ('apple'), ('azuread'), ('bitbucket'), ('discord'), ('entraid'), ('facebook'), ('github'), ('gitlab'), ('google'),
    ('linkedin'), ('spotify'), ('strava'), ('twitch'), ('twitter'), ('windowslive'), ('workos')
ON CONFLICT DO NOTHING;

-- A user may have two accounts at one provider.
ALTER TABLE auth.user_providers DROP CONSTRAINT IF EXISTS user_providers_user_id_provider_id_key;
CREATE INDEX IF NOT EXISTS nself_user_providers_user_id_idx ON auth.user_providers (user_id);

-- Codes that a frontend exchanges for a session.
CREATE TABLE IF NOT EXISTS auth.pkce_authorization_codes (
    id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES auth.users (id) ON UPDATE CASCADE ON DELETE CASCADE,
    code_hash text NOT NULL UNIQUE,
    code_challenge text NOT NULL,
    redirect_to text,
    expires_at timestamptz NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL
);
CREATE INDEX IF NOT EXISTS pkce_authorization_codes_expires_at_idx ON auth.pkce_authorization_codes (expires_at);

CREATE TABLE IF NOT EXISTS auth.oauth2_client_types (
    value text NOT NULL PRIMARY KEY,
    comment text
);
INSERT INTO auth.oauth2_client_types (value, comment) VALUES ('registered', 'Registered by an administrator')
ON CONFLICT DO NOTHING;

-- Applications that let users sign in through this service.
CREATE TABLE IF NOT EXISTS auth.oauth2_clients (
    id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
    client_id text NOT NULL UNIQUE,
    client_secret_hash text,
    client_name text NOT NULL,
    client_uri text,
    logo_uri text,
    redirect_uris text[] DEFAULT '{}' NOT NULL,
    grant_types text[] DEFAULT '{authorization_code}' NOT NULL,
    response_types text[] DEFAULT '{code}' NOT NULL,
    scopes text[] DEFAULT '{openid}' NOT NULL,
    is_public boolean DEFAULT false NOT NULL,
    token_endpoint_auth_method text DEFAULT 'client_secret_basic' NOT NULL,
    id_token_signed_response_alg text DEFAULT 'RS256' NOT NULL,
    access_token_lifetime integer DEFAULT 900 NOT NULL,
    refresh_token_lifetime integer DEFAULT 2592000 NOT NULL,
    type text DEFAULT 'registered' NOT NULL CONSTRAINT fk_oauth2_clients_type
        REFERENCES auth.oauth2_client_types (value) ON DELETE RESTRICT,
    metadata_document_fetched_at timestamptz,
    created_by uuid CONSTRAINT fk_oauth2_clients_created_by
        REFERENCES auth.users (id) ON UPDATE CASCADE ON DELETE SET NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL
);
ALTER TABLE auth.oauth2_clients ADD COLUMN IF NOT EXISTS metadata jsonb;
CREATE INDEX IF NOT EXISTS oauth2_clients_created_by_idx ON auth.oauth2_clients (created_by);
CREATE OR REPLACE TRIGGER set_auth_oauth2_clients_updated_at BEFORE UPDATE ON auth.oauth2_clients
    FOR EACH ROW EXECUTE FUNCTION auth.set_current_timestamp_updated_at();

-- Authorizations that wait for the user.
CREATE TABLE IF NOT EXISTS auth.oauth2_auth_requests (
    id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
    client_id text NOT NULL CONSTRAINT fk_oauth2_auth_requests_client
        REFERENCES auth.oauth2_clients (client_id) ON UPDATE CASCADE ON DELETE CASCADE,
    scopes text[] DEFAULT '{}' NOT NULL,
    redirect_uri text NOT NULL,
    state text,
    nonce text,
    response_type text NOT NULL,
    code_challenge text,
    code_challenge_method text,
    resource text,
    user_id uuid CONSTRAINT fk_oauth2_auth_requests_user
        REFERENCES auth.users (id) ON UPDATE CASCADE ON DELETE CASCADE,
    done boolean DEFAULT false NOT NULL,
    auth_time timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS oauth2_auth_requests_client_id_idx ON auth.oauth2_auth_requests (client_id);
CREATE INDEX IF NOT EXISTS oauth2_auth_requests_expires_at_idx ON auth.oauth2_auth_requests (expires_at);

CREATE TABLE IF NOT EXISTS auth.oauth2_authorization_codes (
    id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
    code_hash text NOT NULL UNIQUE,
    auth_request_id uuid NOT NULL CONSTRAINT fk_oauth2_authorization_codes_auth_request
        REFERENCES auth.oauth2_auth_requests (id) ON UPDATE CASCADE ON DELETE CASCADE,
    created_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS oauth2_authorization_codes_expires_at_idx
    ON auth.oauth2_authorization_codes (expires_at);

CREATE TABLE IF NOT EXISTS auth.oauth2_refresh_tokens (
    id uuid DEFAULT gen_random_uuid() NOT NULL PRIMARY KEY,
    token_hash text NOT NULL UNIQUE,
    auth_request_id uuid CONSTRAINT fk_oauth2_refresh_tokens_auth_request
        REFERENCES auth.oauth2_auth_requests (id) ON UPDATE CASCADE ON DELETE SET NULL,
    client_id text NOT NULL CONSTRAINT fk_oauth2_refresh_tokens_client
        REFERENCES auth.oauth2_clients (client_id) ON UPDATE CASCADE ON DELETE CASCADE,
    user_id uuid NOT NULL CONSTRAINT fk_oauth2_refresh_tokens_user
        REFERENCES auth.users (id) ON UPDATE CASCADE ON DELETE CASCADE,
    scopes text[] DEFAULT '{}' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS oauth2_refresh_tokens_user_id_idx ON auth.oauth2_refresh_tokens (user_id);
CREATE INDEX IF NOT EXISTS oauth2_refresh_tokens_client_id_idx ON auth.oauth2_refresh_tokens (client_id);
CREATE INDEX IF NOT EXISTS oauth2_refresh_tokens_expires_at_idx ON auth.oauth2_refresh_tokens (expires_at);

-- nself's own: hashes of clients' refresh tokens that were used up; one that comes again was copied.
CREATE TABLE auth.spent_oauth2_refresh_tokens (
    hash text PRIMARY KEY,
    auth_request_id uuid NOT NULL REFERENCES auth.oauth2_auth_requests (id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX spent_oauth2_refresh_tokens_auth_request_id_idx
    ON auth.spent_oauth2_refresh_tokens (auth_request_id);
CREATE INDEX nself_oauth2_refresh_tokens_auth_request_id_idx ON auth.oauth2_refresh_tokens (auth_request_id);

-- nself's own: keys of id tokens where the key of access tokens is a secret, which nobody else can verify with.
CREATE TABLE auth.signing_keys (
    id text PRIMARY KEY,
    -- PKCS #8, encrypted.
    private_key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
