-- Tells whoever listens on nself_schema_changed that the schema has changed, once a transaction. Run at every start;
-- a second run changes nothing that matters.
CREATE SCHEMA IF NOT EXISTS nself;

CREATE OR REPLACE FUNCTION nself.schema_changed() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_event = 'sql_drop' THEN
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger_dropped_objects() WHERE NOT is_temporary) THEN
            RETURN;
        END IF;
    ELSIF NOT EXISTS (
        SELECT FROM pg_catalog.pg_event_trigger_ddl_commands() WHERE schema_name IS DISTINCT FROM 'pg_temp'
    ) THEN
        RETURN;
    END IF;
    PERFORM pg_catalog.pg_notify('nself_schema_changed', '');
END
$$;

COMMENT ON FUNCTION nself.schema_changed() IS 'Lets GraphQL follow changes of the schema. Made by nself.';

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'nself_schema_changed') THEN
        CREATE EVENT TRIGGER nself_schema_changed ON ddl_command_end EXECUTE FUNCTION nself.schema_changed();
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = 'nself_schema_dropped') THEN
        CREATE EVENT TRIGGER nself_schema_dropped ON sql_drop EXECUTE FUNCTION nself.schema_changed();
    END IF;
END
$$;

LISTEN nself_schema_changed;
