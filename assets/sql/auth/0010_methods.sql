-- What nself keeps for ways of signing in.

-- Recovery codes of the second factor, hashed; one that was used is gone.
CREATE TABLE auth.recovery_codes (
    user_id uuid NOT NULL REFERENCES auth.users (id) ON UPDATE CASCADE ON DELETE CASCADE,
    hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, hash)
);

-- The latest 30-second step whose TOTP code has signed a user in: none signs in twice.
CREATE TABLE auth.totp_steps (
    user_id uuid PRIMARY KEY REFERENCES auth.users (id) ON UPDATE CASCADE ON DELETE CASCADE,
    step bigint NOT NULL
);

-- WebAuthn ceremonies on their way. The user of a sign-up is not there yet, so there is no reference.
CREATE TABLE auth.webauthn_challenges (
    -- Of the challenge.
    hash text PRIMARY KEY,
    -- sign-up, sign-in, add or elevate.
    kind text NOT NULL,
    -- None: whoever has a key that is his.
    user_id uuid,
    state jsonb NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX webauthn_challenges_expires_at_idx ON auth.webauthn_challenges (expires_at);
