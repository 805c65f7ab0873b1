//! What belongs to a database itself.

use postgres::Ident;
use postgres_protocol::escape::escape_literal;
use serde_json::Value;
use tokio_postgres::Client;

use crate::Error;

/// Settings that are lists of names: their text is written as it is, not as one string.
const LISTS: [&str; 6] = [
    "search_path",
    "temp_tablespaces",
    "local_preload_libraries",
    "session_preload_libraries",
    "shared_preload_libraries",
    "unix_socket_directories",
];

#[derive(Debug)]
pub(super) struct Facts {
    /// The row of `pg_database`, whose columns differ between versions.
    row: Value,
    owner: String,
    encoding: String,
    comment: Option<String>,
    /// Role (none: everybody) and `name=value`.
    settings: Vec<(Option<String>, String)>,
    /// Role (none: PUBLIC), privilege, grantable; none where nobody ever changed them.
    privileges: Option<Vec<(Option<String>, String, bool)>>,
}

pub(super) async fn read(admin: &Client, database: &str) -> Result<Option<Facts>, Error> {
    let sql = "SELECT to_jsonb(d) - 'datacl', pg_get_userbyid(datdba)::text, pg_encoding_to_char(encoding)::text,
                      shobj_description(oid, 'pg_database'), datacl IS NOT NULL
               FROM pg_database d WHERE datname = $1";
    let Some(row) = admin.query_opt(sql, &[&database]).await? else { return Ok(None) };
    let sql = "SELECT r.rolname::text, unnest(s.setconfig) FROM pg_db_role_setting s
               JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole
               WHERE d.datname = $1 ORDER BY 1 NULLS FIRST, 2";
    let settings = admin.query(sql, &[&database]).await?.iter().map(|row| (row.get(0), row.get(1))).collect();
    let privileges = if row.get(4) {
        let sql = "SELECT r.rolname::text, a.privilege_type, a.is_grantable
                   FROM pg_database d, aclexplode(d.datacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
                   WHERE d.datname = $1 AND (a.grantee = 0 OR r.oid IS NOT NULL) ORDER BY 1 NULLS FIRST, 2";
        let rows = admin.query(sql, &[&database]).await?;
        Some(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
    } else {
        None
    };
    Ok(Some(Facts {
        row: row.get(0),
        owner: row.get(1),
        encoding: row.get(2),
        comment: row.get(3),
        settings,
        privileges,
    }))
}

/// The statement that makes the new database. Its locale is the old one's, where the encoding allows that.
pub(super) fn creation(name: &str, facts: Option<&Facts>, encoding: Option<&str>) -> String {
    let mut sql = format!("CREATE DATABASE {} TEMPLATE template0", Ident::new(name));
    let same = |facts: &&Facts| encoding.is_none_or(|encoding| encoding == facts.encoding);
    let Some(facts) = facts.filter(same) else {
        if let Some(encoding) = encoding {
            sql.push_str(&format!(" ENCODING {}", escape_literal(encoding)));
        }
        return sql;
    };
    let text = |name: &str| facts.row.get(name).and_then(Value::as_str);
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            sql.push_str(&format!(" {name} {}", escape_literal(value)));
        }
    };
    add("ENCODING", Some(&facts.encoding));
    add("LC_COLLATE", text("datcollate"));
    add("LC_CTYPE", text("datctype"));
    // PostgreSQL 15 and later; the column was renamed in 17.
    let locale = text("datlocale").or(text("daticulocale"));
    match text("datlocprovider") {
        Some("i") => {
            sql.push_str(" LOCALE_PROVIDER icu");
            if let Some(locale) = locale {
                sql.push_str(&format!(" ICU_LOCALE {}", escape_literal(locale)));
            }
        }
        Some("b") => {
            sql.push_str(" LOCALE_PROVIDER builtin");
            if let Some(locale) = locale {
                sql.push_str(&format!(" BUILTIN_LOCALE {}", escape_literal(locale)));
            }
        }
        _ => {}
    }
    sql
}

impl Facts {
    pub(super) fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// The statements that give the new database what the old one has.
    pub(super) fn belongings(&self, new: &str) -> Vec<String> {
        let new = Ident::new(new);
        let mut statements = vec![format!("ALTER DATABASE {new} OWNER TO {}", Ident::new(self.owner.as_str()))];
        if let Some(limit) = self.row.get("datconnlimit").and_then(Value::as_i64).filter(|limit| *limit >= 0) {
            statements.push(format!("ALTER DATABASE {new} CONNECTION LIMIT {limit}"));
        }
        for (role, setting) in &self.settings {
            let Some((name, value)) = setting.split_once('=') else { continue };
            let value = if LISTS.contains(&name) { value.to_owned() } else { escape_literal(value) };
            let value = if value.is_empty() { "''".to_owned() } else { value };
            let name: Vec<String> = name.split('.').map(|part| Ident::new(part).to_string()).collect();
            let whose = match role {
                Some(role) => format!("ALTER ROLE {} IN DATABASE {new}", Ident::new(role.as_str())),
                None => format!("ALTER DATABASE {new}"),
            };
            statements.push(format!("{whose} SET {} = {value}", name.join(".")));
        }
        if let Some(privileges) = &self.privileges {
            statements.push(format!("REVOKE ALL ON DATABASE {new} FROM PUBLIC"));
            for (role, privilege, grantable) in privileges {
                let to = role.as_ref().map_or("PUBLIC".to_owned(), |role| Ident::new(role.as_str()).to_string());
                let option = if *grantable { " WITH GRANT OPTION" } else { "" };
                statements.push(format!("GRANT {privilege} ON DATABASE {new} TO {to}{option}"));
            }
        }
        statements
    }
}
