-- Access tokens live on for minutes after their session has ended; whoever reads them is told that they count no more.

-- Sessions that have ended and users who were disabled or deleted, while tokens of theirs may be alive.
CREATE TABLE auth.revocations (
    -- Of a session (auth.refresh_tokens) or of a user.
    id uuid PRIMARY KEY,
    revoked_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX revocations_revoked_at_idx ON auth.revocations (revoked_at);

-- Sessions end by whatever deletes their row: signing out, a new password, an administrator's statement. One that was over
-- anyway is only swept. Personal access tokens are no sessions.
CREATE FUNCTION auth.nself_sessions_ended() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO auth.revocations (id) SELECT id FROM gone WHERE type = 'regular' AND expires_at > now()
    ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at;
    PERFORM pg_notify('nself_auth_revoked', '+' || id) FROM gone WHERE type = 'regular' AND expires_at > now();
    RETURN NULL;
END
$$;
CREATE TRIGGER nself_sessions_ended AFTER DELETE ON auth.refresh_tokens REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION auth.nself_sessions_ended();

CREATE FUNCTION auth.nself_user_revoked() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.disabled THEN
        INSERT INTO auth.revocations (id) VALUES (OLD.id)
        ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at;
        PERFORM pg_notify('nself_auth_revoked', '+' || OLD.id);
    ELSE
        DELETE FROM auth.revocations WHERE id = OLD.id;
        PERFORM pg_notify('nself_auth_revoked', '-' || OLD.id);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER nself_user_disabled AFTER UPDATE OF disabled ON auth.users FOR EACH ROW
    WHEN (OLD.disabled IS DISTINCT FROM NEW.disabled) EXECUTE FUNCTION auth.nself_user_revoked();
CREATE TRIGGER nself_user_deleted AFTER DELETE ON auth.users FOR EACH ROW
    EXECUTE FUNCTION auth.nself_user_revoked();
