-- What the mail catcher keeps. Run at every start; every statement may be run again.
CREATE SCHEMA IF NOT EXISTS mail;
CREATE TABLE IF NOT EXISTS mail.messages (
    -- Order of arrival.
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- As the SMTP client said.
    helo text NOT NULL,
    username text NOT NULL,
    envelope_from text NOT NULL,
    envelope_to text[] NOT NULL,
    -- Read from the mail, for lists and searches.
    message_id text NOT NULL,
    subject text NOT NULL,
    addresses jsonb NOT NULL,
    attachments integer NOT NULL,
    inline_parts integer NOT NULL,
    snippet text NOT NULL,
    search_text text NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    read boolean NOT NULL DEFAULT false,
    -- The mail, byte by byte.
    raw bytea NOT NULL
);
COMMENT ON SCHEMA mail IS 'Mails that nself caught instead of sending them';
