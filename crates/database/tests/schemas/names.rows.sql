INSERT INTO "Größe & Co"."Kunden Liste" VALUES
    (1, 'Hauptstraße 1', 'a@example.com', 'x', 'q', true, 'ein', 1, '{1,2}', '\n', 1.50),
    (2, 'Nebenstraße 2', null, 'y', null, false, null, null, null, null, null);
INSERT INTO "select"."table" VALUES (1, 1, 1, 'aus'), (1, 2, null, 'weiß nicht');
INSERT INTO "日本語" VALUES (1, '一', '2024-01-01 00:00+00'), (2, '二', '2024-01-02 00:00+00');
INSERT INTO "🦀" VALUES (2, 'ω');
INSERT INTO "a b.c" VALUES (1, 'x', 'y', 'z');
INSERT INTO "UPPER" VALUES (1, 2, 3);
INSERT INTO upper VALUES (1);
INSERT INTO "null" VALUES (null, true, 1, 2, 'null');
INSERT INTO "../../etc" VALUES (1, '../y');
INSERT INTO "con:fig*?" VALUES (1, '<b>');
