-- Uploads in pieces: of the tus protocol, and S3's multipart uploads. Their bytes lie in the store as objects of their
-- own until the upload is complete and a file is made of them.
CREATE TABLE IF NOT EXISTS storage.uploads (
  id uuid NOT NULL PRIMARY KEY,
  protocol text NOT NULL CONSTRAINT uploads_protocol_valid CHECK (protocol IN ('s3', 'tus')),
  bucket_id text NOT NULL,
  name text NOT NULL,
  mime_type text,
  metadata jsonb,
  -- Bytes of the whole, where they are known from the start.
  length bigint,
  -- Who has begun it: nobody else can go on with it.
  owner_role text NOT NULL,
  owner_id text,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  -- The file is made; its client may ask again whether it is.
  finished_at timestamp with time zone
);
CREATE INDEX IF NOT EXISTS uploads_expires_at_idx ON storage.uploads (expires_at);
CREATE INDEX IF NOT EXISTS uploads_bucket_id_name_idx ON storage.uploads (bucket_id, name) WHERE finished_at IS NULL;

CREATE TABLE IF NOT EXISTS storage.parts (
  key text NOT NULL PRIMARY KEY,
  upload_id uuid NOT NULL REFERENCES storage.uploads (id),
  -- All three are null while the part is coming in, and again when another has taken its place.
  number integer,
  size bigint,
  md5 text,
  created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS parts_upload_id_number_idx ON storage.parts (upload_id, number);
