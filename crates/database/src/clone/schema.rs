//! The schema's way: dumped once within the snapshot, restored in two parts with the rows between.

use std::ffi::OsString;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use postgres::Ident;
use tokio_postgres::Client;

use super::Filling;
use crate::{
    Error,
    place::{Place, PlaceError},
    programs::{Programs, failed, option},
};

/// A dumped schema, ready to be restored.
pub(super) struct Restore {
    /// The dump and the list of what to take from it, in a folder that only this user can enter.
    folder: tempfile::TempDir,
    owners: bool,
    pub(super) roles_made: Vec<String>,
}

impl Restore {
    /// Dumps the source's schema and sees to what it needs on the target's server: extensions and roles.
    pub(super) async fn prepare(filling: &Filling<'_>, to: &Place, target: &Client) -> Result<Self, Error> {
        let source = filling.snapshot.leader();
        let superuser: bool =
            target.query_one("SELECT rolsuper FROM pg_roles WHERE rolname = current_user", &[]).await?.get(0);
        extensions(filling, to, target).await?;
        let owners = superuser && missing(target, &owners(source).await?).await?.is_empty();
        let absent = missing(target, &mentioned(source).await?).await?;
        for role in &absent {
            make(target, to, role).await?;
        }
        let folder = tempfile::Builder::new()
            .prefix("nself-clone-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .map_err(|error| failed("pg_dump", format!("no temporary folder: {error}")))?;
        let restore = Self { folder, owners, roles_made: absent };
        restore.dump(filling).await?;
        restore.choose(filling, to, superuser).await?;
        Ok(restore)
    }

    fn archive(&self) -> PathBuf {
        self.folder.path().join("schema")
    }

    fn list(&self) -> PathBuf {
        self.folder.path().join("list")
    }

    async fn dump(&self, filling: &Filling<'_>) -> Result<(), Error> {
        let arguments: Vec<OsString> = vec![
            "--format=custom".into(),
            "--schema-only".into(),
            "--no-sync".into(),
            "--lock-wait-timeout=60s".into(),
            format!("--snapshot={}", filling.snapshot.id()).into(),
            option("file", &self.archive()),
        ];
        filling.programs.run(filling.from, "pg_dump", &arguments).await?;
        Ok(())
    }

    /// Writes the list of what to restore. What reaches out of a database is left out: a copy must not begin to replicate,
    /// and a changed one must not carry the keys to others.
    async fn choose(&self, filling: &Filling<'_>, to: &Place, superuser: bool) -> Result<(), Error> {
        let arguments = [OsString::from("--list"), self.archive().into_os_string()];
        let list = filling.programs.run(to, "pg_restore", &arguments).await?;
        let mut left_out = vec!["PUBLICATION ", "SUBSCRIPTION "];
        if filling.options.rewrite.is_some() {
            left_out.push("USER MAPPING ");
        }
        if !superuser {
            left_out.push("COMMENT - EXTENSION ");
        }
        let text = String::from_utf8_lossy(&list);
        let kept: Vec<&str> =
            text.lines().filter(|line| !left_out.iter().any(|kind| entry(line).starts_with(kind))).collect();
        std::fs::write(self.list(), kept.join("\n")).map_err(|error| failed("pg_restore", error.to_string()).into())
    }

    /// Restores `pre-data` (types, tables, functions) or `post-data` (indexes, constraints, triggers).
    pub(super) async fn section(
        &self,
        programs: &Programs,
        to: &Place,
        section: &str,
        jobs: usize,
    ) -> Result<(), Error> {
        let mut arguments: Vec<OsString> =
            vec![format!("--section={section}").into(), "--no-tablespaces".into(), option("use-list", &self.list())];
        if !self.owners {
            arguments.push("--no-owner".into());
        }
        if jobs > 1 {
            arguments.push(format!("--jobs={jobs}").into());
        }
        arguments.push(self.archive().into());
        programs.restore(to, &arguments).await
    }
}

/// What a line of an archive's list is about: `3340; 1259 16385 TABLE public users shop` is `TABLE public users shop`.
fn entry(line: &str) -> &str {
    line.split_once("; ").and_then(|(_, rest)| rest.splitn(3, ' ').nth(2)).unwrap_or_default()
}

async fn extensions(filling: &Filling<'_>, to: &Place, target: &Client) -> Result<(), Error> {
    let wanted: Vec<&str> = filling.catalog.extensions.iter().map(|extension| extension.name.as_str()).collect();
    let sql =
        "SELECT n::text FROM unnest($1::text[]) n WHERE n NOT IN (SELECT name::text FROM pg_available_extensions)";
    let absent: Vec<String> = target.query(sql, &[&wanted]).await?.iter().map(|row| row.get(0)).collect();
    if absent.is_empty() {
        return Ok(());
    }
    Err(PlaceError::Lacks {
        label: to.label.clone(),
        why: format!("its server does not have the extensions {}", absent.join(", ")),
        fix: "install their packages on that server, or drop them where they are not needed: DROP EXTENSION".to_owned(),
    }
    .into())
}

/// Roles that own something.
async fn owners(source: &Client) -> Result<Vec<String>, Error> {
    let sql = "SELECT DISTINCT pg_get_userbyid(o)::text FROM (
                 SELECT relowner AS o, relnamespace AS n FROM pg_class UNION SELECT proowner, pronamespace FROM pg_proc
                 UNION SELECT typowner, typnamespace FROM pg_type UNION SELECT nspowner, oid FROM pg_namespace) x
               JOIN pg_namespace s ON s.oid = x.n
               WHERE s.nspname !~ '^pg_' AND s.nspname <> 'information_schema'";
    Ok(source.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect())
}

/// Roles that privileges and policies name.
async fn mentioned(source: &Client) -> Result<Vec<String>, Error> {
    let sql = "SELECT DISTINCT r.rolname::text FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
               WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype IN ('a', 'r', 'i')
                 AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1";
    Ok(source.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect())
}

async fn missing(target: &Client, roles: &[String]) -> Result<Vec<String>, Error> {
    let sql = "SELECT r FROM unnest($1::text[]) r WHERE r NOT IN (SELECT rolname::text FROM pg_roles) ORDER BY 1";
    Ok(target.query(sql, &[&roles]).await?.iter().map(|row| row.get(0)).collect())
}

async fn make(target: &Client, to: &Place, role: &str) -> Result<(), Error> {
    let role = Ident::new(role);
    let made = target.batch_execute(&format!("CREATE ROLE {role} NOLOGIN")).await;
    made.map_err(|error| {
        PlaceError::Lacks {
            label: to.label.clone(),
            why: format!("its server has no role {role}, which the schema names: {}", crate::failure::describe(&error)),
            fix: format!("as a superuser of that server: CREATE ROLE {role} NOLOGIN"),
        }
        .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lists_lines_say_what_they_are_about() {
        assert_eq!(entry("3340; 1259 16385 TABLE public users shop"), "TABLE public users shop");
        assert_eq!(entry("2; 3079 16386 EXTENSION - pgcrypto "), "EXTENSION - pgcrypto ");
        assert_eq!(entry(";"), "");
    }
}
