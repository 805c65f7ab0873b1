INSERT INTO places VALUES
    (1, 'Berlin', ST_SetSRID(ST_MakePoint(13.4, 52.5), 4326), ST_GeogFromText('POLYGON((13 52, 14 52, 14 53, 13 53, 13 52))'), ST_GeomFromText('POINT Z (1 2 3)')),
    (2, 'nowhere', ST_SetSRID(ST_MakePoint(0, 0), 4326), null, ST_GeomFromText('GEOMETRYCOLLECTION EMPTY'));
