-- The journal: which object holds which file's bytes, and what was being done with it.
--
-- A file without a row here has its bytes under its own id: that is how Nhost's service keeps them.
CREATE TABLE IF NOT EXISTS storage.objects (
  key text NOT NULL PRIMARY KEY,
  -- No foreign key: the row outlives the file by the moment in which its bytes are removed.
  file_id uuid,
  etag text,
  -- writing: bytes are coming in, or the file's row is being made.
  -- prepared: the bytes are there and will be the file's when its row has this etag.
  -- kept: the file's bytes.
  -- removing: the file's row is being removed, then the bytes.
  state text NOT NULL CONSTRAINT objects_state_valid CHECK (state IN ('writing', 'prepared', 'kept', 'removing')),
  -- Whose work it is, and until when that process counts as alive.
  instance text NOT NULL,
  alive_until timestamp with time zone NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_file_id_idx ON storage.objects (file_id);
CREATE INDEX IF NOT EXISTS objects_unfinished_idx ON storage.objects (alive_until) WHERE state <> 'kept';

-- An S3 client asks by name.
CREATE INDEX IF NOT EXISTS files_bucket_id_name_idx ON storage.files (bucket_id, name);
