-- Names that need quoting, in every place where a name can stand.

CREATE SCHEMA "Größe & Co";
CREATE SCHEMA "select";

CREATE TYPE "select"."Ein/Aus" AS ENUM ('ein', 'aus', 'weiß nicht');
CREATE TABLE "Größe & Co"."Kunden Liste" (
    "Kunden-Nr." integer PRIMARY KEY,
    "Straße" text NOT NULL,
    "e-mail@privat" text UNIQUE,
    "user" text NOT NULL DEFAULT 'x',
    "näme""with""quotes" text,
    "it's" boolean NOT NULL DEFAULT true,
    "naïve.dotted" "select"."Ein/Aus",
    "$dollar" integer,
    "{braces}" integer[],
    "back\slash" text,
    "% percent" numeric(5, 2)
);
CREATE TABLE "select"."table" (
    "from" integer,
    "where" integer NOT NULL,
    "order" integer REFERENCES "Größe & Co"."Kunden Liste" ("Kunden-Nr."),
    "group" "select"."Ein/Aus" NOT NULL DEFAULT 'ein',
    PRIMARY KEY ("from", "where")
);
CREATE TABLE "日本語" ("番号" integer PRIMARY KEY, "名前" text NOT NULL, "作成日" timestamptz NOT NULL DEFAULT now());
CREATE TABLE "🦀" ("🦀_id" integer PRIMARY KEY REFERENCES "日本語", "Ωμέγα" text);
CREATE TABLE "a b.c" (" leading" integer PRIMARY KEY, "trailing " text, "new
line" text, "tab	bed" text);
CREATE TABLE "UPPER" ("ID" integer PRIMARY KEY, id integer NOT NULL, "Id" integer);
CREATE TABLE upper ("ID" integer PRIMARY KEY REFERENCES "UPPER");
CREATE TABLE "a_name_of_exactly_sixty_three_bytes_which_is_the_longest_there_" ("c_name_of_exactly_sixty_three_bytes_which_is_the_longest_there_" integer PRIMARY KEY);
CREATE TABLE "null" ("null" text, "true" boolean, "1" integer PRIMARY KEY, "oid" integer, "ctid_" text);
CREATE TABLE "../../etc" (id integer PRIMARY KEY, "../x" text);
CREATE TABLE "con:fig*?" (id integer PRIMARY KEY, "<a>" text);
CREATE VIEW "View ""of"" all" AS SELECT "Straße" FROM "Größe & Co"."Kunden Liste";
CREATE SEQUENCE "select"."Zähler";
