-- PostGIS, where it is installed.

CREATE EXTENSION IF NOT EXISTS postgis;
CREATE TABLE places (
    id integer PRIMARY KEY,
    name text NOT NULL,
    spot geometry(Point, 4326) NOT NULL,
    around geography(Polygon, 4326),
    any_shape geometry
);
CREATE INDEX places_spot ON places USING gist (spot);
