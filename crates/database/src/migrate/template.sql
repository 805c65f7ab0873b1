-- {title}
--
-- Everything below UP runs in one transaction, once. DOWN says how to undo it (nself db migrate:rollback).

-- UP


-- DOWN

