CREATE TEMP TABLE sums (n int);
INSERT INTO sums SELECT generate_series(1, 4);
SELECT sum(n) AS total FROM sums;
