//! Which statements PostgreSQL refuses inside a transaction block, and what to look at when one of them was interrupted.

use serde::Serialize;
use squawk_syntax::{
    SyntaxKind,
    ast::{self, AstNode, Stmt},
};

use super::{Name, locks::relation};

/// What a statement is, as far as running it one by one has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// `CREATE INDEX CONCURRENTLY`; the server names it when `index` is none.
    CreateIndex {
        index: Option<Name>,
        table: Name,
    },
    /// `DROP INDEX CONCURRENTLY`
    DropIndex {
        index: Name,
    },
    /// `REINDEX … CONCURRENTLY` of one index or table: what it leaves behind ends in `_ccnew` or `_ccold`.
    Reindex {
        target: Name,
    },
    /// `ALTER TABLE … DETACH PARTITION … CONCURRENTLY`
    Detach {
        table: Name,
        partition: Name,
    },
    /// `ALTER TYPE … ADD VALUE`: the value cannot be used before the transaction has ended.
    AddValue {
        value: String,
    },
    CreateDatabase {
        name: String,
    },
    DropDatabase {
        name: String,
    },
    CreateTablespace {
        name: String,
    },
    DropTablespace {
        name: String,
    },
    CreateSubscription {
        name: String,
    },
    DropSubscription {
        name: String,
    },
    /// Belongs to the session (`SET search_path`): a new session has to run it again.
    Session,
    /// Running it twice does what running it once does (`VACUUM`).
    Repeatable,
    /// `CALL` and `DO`: their code may end transactions, which shows only when it runs.
    Code,
    /// `SET TRANSACTION`: its refusal says nothing about transaction blocks.
    SetTransaction,
    Other,
}

pub(super) fn kind(statement: &Stmt) -> Kind {
    known(statement).unwrap_or(Kind::Other)
}

fn known(statement: &Stmt) -> Option<Kind> {
    Some(match statement {
        Stmt::CreateIndex(create) if create.concurrently_token().is_some() => {
            let table = relation(create.table_relation_name())?;
            let name = create.index().map(|index| ast::normalize_name_node(index.syntax()));
            // An index lives in its table's schema.
            let index = name.filter(|name| !name.is_empty()).map(|name| Name { schema: table.schema.clone(), name });
            Kind::CreateIndex { index, table }
        }
        Stmt::DropIndex(drop) if drop.concurrently_token().is_some() => {
            Kind::DropIndex { index: Name::new(drop.index_refs().next()?.path_ref())? }
        }
        Stmt::Reindex(reindex) if reindexes_concurrently(reindex) => match reindex.reindex_target()? {
            ast::ReindexTarget::ReindexTargetIndex(target) => {
                Kind::Reindex { target: Name::new(target.index_ref()?.path_ref())? }
            }
            ast::ReindexTarget::ReindexTargetTable(target) => {
                Kind::Reindex { target: Name::new(target.table_name_ref()?.path_ref())? }
            }
            _ => Kind::Repeatable,
        },
        Stmt::AlterTable(alter) => Kind::Detach {
            table: relation(alter.table_relation_name())?,
            partition: alter.actions().find_map(|action| detached_concurrently(&action))?,
        },
        Stmt::AlterType(alter) => match alter.action()? {
            ast::AlterTypeAction::AddValue(add) => Kind::AddValue { value: add.literal()?.string_value()? },
            _ => return None,
        },
        Stmt::CreateDatabase(create) => Kind::CreateDatabase { name: Name::bare(create.database())?.name },
        Stmt::DropDatabase(drop) => Kind::DropDatabase { name: Name::bare(drop.database_ref())?.name },
        Stmt::CreateTablespace(create) => Kind::CreateTablespace { name: Name::bare(create.tablespace())?.name },
        Stmt::DropTablespace(drop) => Kind::DropTablespace { name: Name::bare(drop.tablespace_ref())?.name },
        Stmt::CreateSubscription(create) => Kind::CreateSubscription { name: Name::bare(create.subscription())?.name },
        Stmt::DropSubscription(drop) => Kind::DropSubscription { name: Name::bare(drop.subscription_ref())?.name },
        Stmt::Set(_)
        | Stmt::Reset(_)
        | Stmt::SetRole(_)
        | Stmt::ResetRole(_)
        | Stmt::SetSessionAuth(_)
        | Stmt::ResetSessionAuth(_)
        | Stmt::Prepare(_)
        | Stmt::Load(_) => Kind::Session,
        // As `pg_dump` sets the search path.
        Stmt::Select(select) if select.syntax().text().to_string().contains("set_config") => Kind::Session,
        Stmt::SetTransaction(_) => Kind::SetTransaction,
        Stmt::Do(_) | Stmt::Call(_) => Kind::Code,
        Stmt::Vacuum(_)
        | Stmt::Analyze(_)
        | Stmt::Cluster(_)
        | Stmt::Reindex(_)
        | Stmt::Refresh(_)
        | Stmt::AlterSystem(_)
        | Stmt::AlterDatabase(_)
        | Stmt::AlterSubscription(_)
        | Stmt::Repack(_)
        | Stmt::Discard(_) => Kind::Repeatable,
        _ => return None,
    })
}

/// The callers of `PreventInTransactionBlock` in PostgreSQL's source. Partitioned tables make a few more (`REINDEX TABLE`,
/// `CLUSTER`), which only the server can tell.
pub(super) fn allowed(statement: &Stmt) -> bool {
    match statement {
        Stmt::CreateIndex(create) => create.concurrently_token().is_none(),
        Stmt::DropIndex(drop) => drop.concurrently_token().is_none(),
        Stmt::Reindex(reindex) => {
            let one = matches!(
                reindex.reindex_target(),
                Some(ast::ReindexTarget::ReindexTargetIndex(_) | ast::ReindexTarget::ReindexTargetTable(_))
            );
            one && !reindexes_concurrently(reindex)
        }
        Stmt::AlterTable(alter) => !alter.actions().any(|action| detached_concurrently(&action).is_some()),
        Stmt::AlterDatabase(alter) => !matches!(alter.action(), Some(ast::AlterDatabaseAction::SetTablespace(_))),
        Stmt::AlterSubscription(alter) => !matches!(
            alter.action(),
            Some(ast::AlterSubscriptionAction::RefreshPublication(_) | ast::AlterSubscriptionAction::SetPublication(_))
        ),
        Stmt::Cluster(cluster) => cluster.table_name_ref().is_some() || cluster.cluster_legacy().is_some(),
        Stmt::Discard(discard) => !matches!(discard.discard_target(), Some(ast::DiscardTarget::DiscardAll(_))),
        // Without a connection there is no slot to make, and making slots is what cannot be undone.
        Stmt::CreateSubscription(create) => {
            let parameters = create.with_params().map(|with| with.syntax().text().to_string().to_ascii_lowercase());
            let parameters = parameters.unwrap_or_default().replace([' ', '\n', '\t', '\''], "");
            ["connect=false", "create_slot=false"].iter().any(|off| parameters.contains(off))
        }
        Stmt::Vacuum(_)
        | Stmt::Repack(_)
        | Stmt::AlterSystem(_)
        | Stmt::CreateDatabase(_)
        | Stmt::DropDatabase(_)
        | Stmt::CreateTablespace(_)
        | Stmt::DropTablespace(_)
        | Stmt::DropSubscription(_) => false,
        _ => true,
    }
}

fn detached_concurrently(action: &ast::AlterTableAction) -> Option<Name> {
    let ast::AlterTableAction::DetachPartition(detach) = action else { return None };
    match detach.detach_partition_option()? {
        ast::DetachPartitionOption::DetachConcurrently(_) => Name::new(detach.table_name_ref()?.path_ref()),
        ast::DetachPartitionOption::DetachFinalize(_) => None,
    }
}

pub(super) fn reindexes_concurrently(reindex: &ast::Reindex) -> bool {
    let on =
        |text: &str| !["false", "off", "0", "no"].iter().any(|off| text.split_whitespace().any(|word| word == *off));
    reindex.syntax().descendants_with_tokens().filter_map(|element| element.into_token()).any(|token| {
        token.kind() == SyntaxKind::CONCURRENTLY_KW
            && token.parent().is_some_and(|parent| {
                !ast::ReindexOptionConcurrently::can_cast(parent.kind())
                    || on(&parent.text().to_string().to_ascii_lowercase())
            })
    })
}

pub(super) fn vacuums_fully(vacuum: &ast::Vacuum) -> bool {
    let option = vacuum.vacuum_option_list().map(|list| list.syntax().text().to_string().to_ascii_lowercase());
    vacuum.full_token().is_some() || option.is_some_and(|text| text.contains("full"))
}
