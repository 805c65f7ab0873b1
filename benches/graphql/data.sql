-- 2,000 artists, 10,000 albums, 100,000 tracks.
CREATE TABLE artists (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE albums (id int PRIMARY KEY, title text NOT NULL, artist_id int NOT NULL REFERENCES artists);
CREATE TABLE tracks (
    id int PRIMARY KEY,
    name text NOT NULL,
    album_id int NOT NULL REFERENCES albums,
    milliseconds int NOT NULL,
    unit_price numeric(10, 2) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT '2024-01-01'
);
INSERT INTO artists SELECT i, 'Artist ' || i FROM generate_series(1, 2000) AS i;
INSERT INTO albums SELECT i, 'Album "' || i || '"', 1 + (i * 7) % 2000 FROM generate_series(1, 10000) AS i;
INSERT INTO tracks SELECT i, 'Track ' || i, 1 + (i * 13) % 10000, (i * 7919) % 300000, 0.99 FROM generate_series(1, 100000) AS i;
CREATE INDEX ON albums (artist_id);
CREATE INDEX ON tracks (album_id);
VACUUM ANALYZE;
