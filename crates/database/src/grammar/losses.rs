//! What data a statement can take away.

use serde::Serialize;
use squawk_syntax::ast::{self, AstNode, DropBehavior, Stmt};

use super::{Name, bodies, locks::relation, table};

/// Something that a statement takes away, or may take away. `UPDATE` is not counted: it is what data is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "loss", rename_all = "snake_case")]
pub enum Loss {
    Table {
        table: Name,
    },
    Column {
        table: Name,
        column: String,
    },
    /// `TRUNCATE`
    Emptied {
        table: Name,
    },
    /// `DELETE`, `MERGE … DELETE`
    Rows {
        table: Name,
    },
    Sequence {
        sequence: Name,
    },
    Schema {
        schema: Name,
    },
    Database {
        database: Name,
    },
    /// A column gets another type; `computed` by an expression of its own. Whether values change depends on the type that
    /// it has: [`super::look`] finds out.
    Type {
        table: Name,
        column: String,
        to: String,
        computed: bool,
    },
    /// `DROP TYPE … CASCADE` takes columns along.
    Dependents {
        what: &'static str,
        name: String,
    },
    /// `DROP OWNED`
    Owned,
    /// Code whose words say that it drops or deletes.
    Code {
        words: String,
    },
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Table { table } => write!(f, "drops table {table}"),
            Self::Column { table, column } => write!(f, "drops column {table}.{column}"),
            Self::Emptied { table } => write!(f, "empties table {table}"),
            Self::Rows { table } => write!(f, "deletes rows of {table}"),
            Self::Sequence { sequence } => write!(f, "drops sequence {sequence}"),
            Self::Schema { schema } => write!(f, "drops schema {schema} with all that is in it"),
            Self::Database { database } => write!(f, "drops database {database}"),
            Self::Type { table, column, to, .. } => write!(f, "changes the type of {table}.{column} to {to}"),
            Self::Dependents { what: what @ ("type" | "domain"), name } => {
                write!(f, "drops {what} {name} and every column of that type")
            }
            Self::Dependents { what, name } => write!(f, "drops {what} {name} and what depends on it"),
            Self::Owned => f.write_str("drops all that a role owns"),
            Self::Code { words } => write!(f, "runs code that holds `{words}`"),
        }
    }
}

pub(super) fn of(statement: &Stmt) -> Vec<Loss> {
    let mut losses = match statement {
        Stmt::AlterTable(alter) => table::losses(alter),
        Stmt::Truncate(truncate) => {
            let tables = truncate.table_list();
            let tables = tables.iter().flat_map(ast::TableList::table_relation_names);
            tables.filter_map(|table| Some(Loss::Emptied { table: relation(Some(table))? })).collect()
        }
        Stmt::Do(block) => code(&block.body().map(|body| body.syntax().text().to_string()).unwrap_or_default()),
        // Bodies run when they are called.
        Stmt::CreateFunction(_) | Stmt::CreateProcedure(_) | Stmt::CreateRule(_) | Stmt::Prepare(_) => {
            return Vec::new();
        }
        _ => drops(statement),
    };
    losses.extend(deletes(statement));
    losses
}

fn code(text: &str) -> Vec<Loss> {
    bodies::suspicious(text).map(|words| Loss::Code { words }).into_iter().collect()
}

fn drops(statement: &Stmt) -> Vec<Loss> {
    let cascades = |behavior: Option<DropBehavior>| matches!(behavior, Some(DropBehavior::Cascade(_)));
    let dependents = |what, path| Some(Loss::Dependents { what, name: Name::new(path)?.to_string() });
    match statement {
        Stmt::DropTable(drop) => {
            let tables = drop.table_name_refs();
            tables.filter_map(|table| Some(Loss::Table { table: Name::new(table.path_ref())? })).collect()
        }
        Stmt::DropSequence(drop) => {
            let sequences = drop.sequence_refs();
            sequences.filter_map(|name| Some(Loss::Sequence { sequence: Name::new(name.path_ref())? })).collect()
        }
        Stmt::DropSchema(drop) if cascades(drop.drop_behavior()) => {
            drop.schema_refs().filter_map(|schema| Some(Loss::Schema { schema: Name::bare(Some(schema))? })).collect()
        }
        Stmt::DropDatabase(drop) => {
            Name::bare(drop.database_ref()).map(|database| Loss::Database { database }).into_iter().collect()
        }
        Stmt::DropType(drop) if cascades(drop.drop_behavior()) => {
            drop.type_name_refs().filter_map(|name| dependents("type", name.path_ref())).collect()
        }
        Stmt::DropDomain(drop) if cascades(drop.drop_behavior()) => {
            drop.domain_refs().filter_map(|name| dependents("domain", name.path_ref())).collect()
        }
        Stmt::DropExtension(drop) if cascades(drop.drop_behavior()) => {
            let extensions = drop.extension_refs().filter_map(|extension| Name::bare(Some(extension)));
            extensions.map(|name| Loss::Dependents { what: "extension", name: name.to_string() }).collect()
        }
        Stmt::DropOwned(_) => vec![Loss::Owned],
        Stmt::AlterType(alter) => {
            let dropped = alter.syntax().descendants().any(|node| ast::DropAttribute::can_cast(node.kind()));
            let name = alter.type_name_ref().and_then(|name| Name::new(name.path_ref()));
            let loss = |name: Name| Loss::Dependents { what: "attribute of", name: name.to_string() };
            name.filter(|_| dropped).map(loss).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Rows deleted at the top or in a `WITH`.
fn deletes(statement: &Stmt) -> Vec<Loss> {
    let mut losses = Vec::new();
    for node in statement.syntax().descendants() {
        let table = if let Some(delete) = ast::Delete::cast(node.clone()) {
            let name = delete.relation_name().and_then(|name| name.relation_name_ref());
            name.and_then(|name| Name::new(name.path_ref()))
        } else if let Some(merge) = ast::Merge::cast(node) {
            let deletes = merge.syntax().descendants().any(|node| ast::MergeDelete::can_cast(node.kind()));
            relation(merge.table_relation_name()).filter(|_| deletes)
        } else {
            None
        };
        losses.extend(table.map(|table| Loss::Rows { table }));
    }
    losses
}
