-- What nself keeps beside Nhost's tables.

-- The sweep, the list of a user's sessions and the end of all of them look for these.
CREATE INDEX IF NOT EXISTS nself_refresh_tokens_user_id_idx ON auth.refresh_tokens (user_id);
CREATE INDEX IF NOT EXISTS nself_refresh_tokens_expires_at_idx ON auth.refresh_tokens (expires_at);

-- Which browser has a session.
CREATE TABLE auth.session_details (
    refresh_token_id uuid PRIMARY KEY REFERENCES auth.refresh_tokens (id) ON UPDATE CASCADE ON DELETE CASCADE,
    address text NOT NULL,
    user_agent text NOT NULL,
    last_used_at timestamptz NOT NULL DEFAULT now()
);

-- Hashes of refresh tokens that were used up, while their session lives: one that comes again was copied.
CREATE TABLE auth.spent_refresh_tokens (
    hash text PRIMARY KEY,
    refresh_token_id uuid NOT NULL REFERENCES auth.refresh_tokens (id) ON UPDATE CASCADE ON DELETE CASCADE,
    spent_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX spent_refresh_tokens_refresh_token_id_idx ON auth.spent_refresh_tokens (refresh_token_id);

-- The one-time secrets of links, hashed. Beside users.ticket, so that one flow does not end another.
CREATE TABLE auth.tickets (
    hash text PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES auth.users (id) ON UPDATE CASCADE ON DELETE CASCADE,
    kind text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    data jsonb
);
CREATE INDEX tickets_user_id_kind_idx ON auth.tickets (user_id, kind);
CREATE INDEX tickets_expires_at_idx ON auth.tickets (expires_at);

-- Tries by address and by account. A crash may forget them, a backup need not have them.
CREATE UNLOGGED TABLE auth.rate_limits (
    -- Hash of zone and subject.
    key bytea PRIMARY KEY,
    -- When the subject would have earned back all its tries (GCRA's theoretical arrival time).
    settled_at timestamptz NOT NULL
);
CREATE INDEX rate_limits_settled_at_idx ON auth.rate_limits (settled_at);

-- What happened to accounts. No reference to users: the events of a deleted user stay.
CREATE TABLE auth.security_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    user_id uuid,
    kind text NOT NULL,
    address text NOT NULL,
    user_agent text NOT NULL,
    details jsonb
);
CREATE INDEX security_events_user_id_occurred_at_idx ON auth.security_events (user_id, occurred_at DESC);
CREATE INDEX security_events_occurred_at_idx ON auth.security_events (occurred_at);
