-- Row level security, forced and not, policies that read other tables and settings, views with a barrier, rules, triggers
-- that refuse.

CREATE TABLE tenants (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL UNIQUE, plan text NOT NULL DEFAULT 'free' CHECK (plan IN ('free', 'team', 'enterprise')));
CREATE TABLE members (
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    user_id uuid NOT NULL,
    email text NOT NULL,
    role text NOT NULL CHECK (role = ANY (ARRAY['owner', 'editor', 'reader'])),
    PRIMARY KEY (tenant_id, user_id)
);
CREATE TABLE papers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    author_id uuid NOT NULL,
    title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 80),
    body text,
    public boolean NOT NULL DEFAULT false,
    FOREIGN KEY (tenant_id, author_id) REFERENCES members (tenant_id, user_id) ON DELETE CASCADE
);
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
ALTER TABLE papers ENABLE ROW LEVEL SECURITY;
ALTER TABLE papers FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON tenants USING (id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY own_members ON members USING (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY readers ON papers FOR SELECT USING (public OR tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
CREATE POLICY writers ON papers FOR INSERT WITH CHECK (EXISTS (
    SELECT 1 FROM members m WHERE m.tenant_id = papers.tenant_id AND m.user_id = papers.author_id AND m.role <> 'reader'));

CREATE FUNCTION keep_public() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    IF OLD.public AND NOT NEW.public THEN
        RAISE EXCEPTION 'what was published stays published';
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER papers_stay_public BEFORE UPDATE ON papers FOR EACH ROW EXECUTE FUNCTION keep_public();

CREATE TABLE log (at timestamptz NOT NULL DEFAULT now(), what text NOT NULL);
CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO log (what) VALUES (TG_OP || ' ' || TG_TABLE_NAME); RETURN NULL; END; $$;
CREATE TRIGGER papers_logged AFTER INSERT OR DELETE ON papers FOR EACH STATEMENT EXECUTE FUNCTION remember();

CREATE VIEW published WITH (security_barrier) AS SELECT id, title FROM papers WHERE public;
CREATE RULE published_stays AS ON DELETE TO published DO INSTEAD NOTHING;
