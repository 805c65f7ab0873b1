//! Which relations a statement locks how: chapter 13.3 of PostgreSQL's manual, and `AlterTableGetLockLevel`.

use serde::{Serialize, Serializer};
use squawk_syntax::{
    SyntaxNode,
    ast::{self, AstNode, Stmt},
};

use super::{Name, table};

/// Table-level lock modes, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

impl LockMode {
    /// What it keeps others from, for people.
    pub fn blocks(self) -> Option<&'static str> {
        match self {
            Self::AccessShare | Self::RowShare | Self::RowExclusive => None,
            Self::ShareUpdateExclusive => Some("other changes of the schema, VACUUM"),
            Self::Share | Self::ShareRowExclusive | Self::Exclusive => Some("writes"),
            Self::AccessExclusive => Some("reads and writes"),
        }
    }

    fn of(mode: &ast::LockMode) -> Self {
        match mode {
            ast::LockMode::AccessShare(_) => Self::AccessShare,
            ast::LockMode::RowShare(_) => Self::RowShare,
            ast::LockMode::RowExclusive(_) => Self::RowExclusive,
            ast::LockMode::ShareUpdateExclusive(_) => Self::ShareUpdateExclusive,
            ast::LockMode::Share(_) => Self::Share,
            ast::LockMode::ShareRowExclusive(_) => Self::ShareRowExclusive,
            ast::LockMode::Exclusive(_) => Self::Exclusive,
            ast::LockMode::AccessExclusive(_) => Self::AccessExclusive,
        }
    }
}

impl std::fmt::Display for LockMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AccessShare => "ACCESS SHARE",
            Self::RowShare => "ROW SHARE",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        })
    }
}

impl Serialize for LockMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Locks as they add up, in the order in which relations turn up.
#[derive(Default)]
pub(super) struct Locks(Vec<(Name, LockMode)>);

impl Locks {
    pub(super) fn add(&mut self, name: Option<Name>, mode: LockMode) {
        let Some(name) = name else { return };
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, held)) => *held = mode.max(*held),
            None => self.0.push((name, mode)),
        }
    }

    fn all(&mut self, names: impl Iterator<Item = Option<ast::PathRef>>, mode: LockMode) {
        names.for_each(|path| self.add(Name::new(path), mode));
    }
}

pub(super) fn of(statement: &Stmt) -> Vec<(Name, LockMode)> {
    let mut locks = Locks::default();
    match statement {
        Stmt::CreateIndex(_) | Stmt::Reindex(_) | Stmt::DropIndex(_) | Stmt::AlterIndex(_) => {
            indexes(statement, &mut locks)
        }
        Stmt::AlterTable(alter) => table::locks(alter.table_relation_name(), alter.actions(), &mut locks),
        Stmt::AlterForeignTable(alter) => table::locks(alter.table_relation_name(), alter.actions(), &mut locks),
        Stmt::CommentOn(comment) => {
            let part = is_part(comment);
            locks.add(commented(comment), if part { LockMode::AccessShare } else { LockMode::ShareUpdateExclusive });
        }
        _ => {
            drops(statement, &mut locks);
            attached(statement, &mut locks);
            upkeep(statement, &mut locks);
        }
    }
    // What stands in a body runs later, when the function is called or the rule applies.
    if !matches!(statement, Stmt::CreateFunction(_) | Stmt::CreateProcedure(_) | Stmt::CreateRule(_) | Stmt::Prepare(_))
    {
        inside(statement.syntax(), &mut locks);
    }
    let made = made(statement);
    locks.0.retain(|(name, _)| Some(name) != made.as_ref());
    locks.0
}

fn indexes(statement: &Stmt, locks: &mut Locks) {
    use LockMode::{AccessExclusive, Share, ShareUpdateExclusive};
    match statement {
        Stmt::CreateIndex(create) => {
            let mode = if create.concurrently_token().is_some() { ShareUpdateExclusive } else { Share };
            locks.add(relation(create.table_relation_name()), mode);
        }
        Stmt::DropIndex(drop) => {
            let mode = if drop.concurrently_token().is_some() { ShareUpdateExclusive } else { AccessExclusive };
            locks.all(drop.index_refs().map(|index| index.path_ref()), mode);
        }
        Stmt::AlterIndex(alter) => {
            let mode = match alter.action() {
                Some(ast::AlterIndexAction::SetTablespace(_)) => AccessExclusive,
                _ => ShareUpdateExclusive,
            };
            locks.add(alter.index_ref().and_then(|index| Name::new(index.path_ref())), mode);
        }
        Stmt::Reindex(reindex) => {
            let concurrently = super::transaction::reindexes_concurrently(reindex);
            match reindex.reindex_target() {
                Some(ast::ReindexTarget::ReindexTargetTable(target)) => {
                    let mode = if concurrently { ShareUpdateExclusive } else { Share };
                    locks.add(target.table_name_ref().and_then(|table| Name::new(table.path_ref())), mode);
                }
                Some(ast::ReindexTarget::ReindexTargetIndex(target)) => {
                    let mode = if concurrently { ShareUpdateExclusive } else { AccessExclusive };
                    locks.add(target.index_ref().and_then(|index| Name::new(index.path_ref())), mode);
                }
                _ => {}
            }
        }
        _ => {}
    }
}

fn drops(statement: &Stmt, locks: &mut Locks) {
    let mode = LockMode::AccessExclusive;
    match statement {
        Stmt::DropTable(drop) => locks.all(drop.table_name_refs().map(|table| table.path_ref()), mode),
        Stmt::DropForeignTable(drop) => locks.all(drop.table_name_refs().map(|table| table.path_ref()), mode),
        Stmt::DropView(drop) => locks.all(drop.view_refs().map(|view| view.path_ref()), mode),
        Stmt::DropMaterializedView(drop) => locks.all(drop.view_refs().map(|view| view.path_ref()), mode),
        Stmt::DropSequence(drop) => locks.all(drop.sequence_refs().map(|sequence| sequence.path_ref()), mode),
        Stmt::DropTrigger(drop) => locks.add(on_relation(drop.on_relation()), mode),
        Stmt::DropRule(drop) => locks.add(on_relation(drop.on_relation()), mode),
        Stmt::DropPolicy(drop) => locks.add(on_table(drop.on_table()), mode),
        Stmt::Truncate(truncate) => {
            let tables = truncate.table_list();
            tables
                .iter()
                .flat_map(ast::TableList::table_relation_names)
                .for_each(|t| locks.add(relation(Some(t)), mode));
        }
        _ => {}
    }
}

/// What belongs to a relation: triggers, policies, rules, statistics.
fn attached(statement: &Stmt, locks: &mut Locks) {
    use LockMode::{AccessExclusive, ShareRowExclusive, ShareUpdateExclusive};
    match statement {
        Stmt::CreateTrigger(create) => locks.add(on_relation(create.on_relation()), ShareRowExclusive),
        Stmt::AlterTrigger(alter) => locks.add(on_relation(alter.on_relation()), AccessExclusive),
        Stmt::CreatePolicy(create) => locks.add(on_table(create.on_table()), AccessExclusive),
        Stmt::AlterPolicy(alter) => locks.add(on_table(alter.on_table()), AccessExclusive),
        Stmt::CreateRule(create) => {
            let on = create.rule_on().and_then(|on| on.relation_name_ref());
            locks.add(on.and_then(|on| Name::new(on.path_ref())), AccessExclusive);
        }
        Stmt::CreateStatistics(create) => {
            let table = create.from_table().and_then(|from| from.table_name_ref());
            locks.add(table.and_then(|table| Name::new(table.path_ref())), ShareUpdateExclusive);
        }
        Stmt::AlterView(alter) => {
            locks.add(alter.view_ref().and_then(|view| Name::new(view.path_ref())), AccessExclusive);
        }
        Stmt::AlterMaterializedView(alter) => {
            locks.add(alter.view_ref().and_then(|view| Name::new(view.path_ref())), AccessExclusive);
        }
        Stmt::AlterSequence(alter) => {
            let sequence = alter.sequence_ref().and_then(|sequence| Name::new(sequence.path_ref()));
            locks.add(sequence, ShareRowExclusive);
        }
        _ => {}
    }
}

fn upkeep(statement: &Stmt, locks: &mut Locks) {
    use LockMode::{AccessExclusive, AccessShare, Exclusive, RowExclusive, ShareUpdateExclusive};
    let mut columns = |list: Option<ast::TableAndColumnsList>, mode| {
        let tables = list.iter().flat_map(ast::TableAndColumnsList::table_and_columnss).collect::<Vec<_>>();
        tables.iter().for_each(|table| locks.add(relation(table.table_relation_name()), mode));
    };
    match statement {
        Stmt::Vacuum(vacuum) => {
            let full = super::transaction::vacuums_fully(vacuum);
            columns(vacuum.table_and_columns_list(), if full { AccessExclusive } else { ShareUpdateExclusive });
        }
        Stmt::Analyze(analyze) => columns(analyze.table_and_columns_list(), ShareUpdateExclusive),
        Stmt::Cluster(cluster) => {
            let legacy =
                cluster.cluster_legacy().and_then(|legacy| legacy.on_path()).and_then(|on| on.table_name_ref());
            let table = cluster.table_name_ref().or(legacy);
            locks.add(table.and_then(|table| Name::new(table.path_ref())), AccessExclusive);
        }
        Stmt::Refresh(refresh) => {
            let mode = if refresh.concurrently_token().is_some() { Exclusive } else { AccessExclusive };
            locks.add(refresh.view_ref().and_then(|view| Name::new(view.path_ref())), mode);
        }
        Stmt::Lock(lock) => {
            let mode = lock.lock_mode_clause().and_then(|clause| clause.lock_mode());
            let mode = mode.as_ref().map_or(AccessExclusive, LockMode::of);
            let relations = lock.relation_list();
            for name in relations.iter().flat_map(ast::RelationList::relation_names) {
                locks.add(name.relation_name_ref().and_then(|name| Name::new(name.path_ref())), mode);
            }
        }
        Stmt::Copy(copy) => {
            let table = copy.copy_table().and_then(|table| table.table_name_ref());
            let into = matches!(copy.copy_direction(), Some(ast::CopyDirection::CopyFrom(_)));
            let mode = if into { RowExclusive } else { AccessShare };
            locks.add(table.and_then(|table| Name::new(table.path_ref())), mode);
        }
        Stmt::CreateView(create) if create.or_replace().is_some() => {
            locks.add(create.view().and_then(|view| Name::made(view.path())), AccessExclusive);
        }
        _ => {}
    }
}

/// Relations that stand anywhere in the statement: read, written, referred to.
fn inside(root: &SyntaxNode, locks: &mut Locks) {
    let named: Vec<String> = root
        .descendants()
        .filter_map(ast::WithTable::cast)
        .filter_map(|with| Some(ast::normalize_name_node(with.name()?.syntax())))
        .collect();
    let reading = if root.descendants().any(|node| ast::LockingClause::can_cast(node.kind())) {
        LockMode::RowShare
    } else {
        LockMode::AccessShare
    };
    let path = |table: Option<ast::TableNameRef>| table.and_then(|table| Name::new(table.path_ref()));
    let any = |relation: Option<ast::RelationNameRef>| relation.and_then(|relation| Name::new(relation.path_ref()));
    for node in root.descendants() {
        if let Some(insert) = ast::Insert::cast(node.clone()) {
            locks.add(any(insert.relation_name_ref()), LockMode::RowExclusive);
        } else if let Some(update) = ast::Update::cast(node.clone()) {
            locks.add(any(update.relation_name().and_then(|name| name.relation_name_ref())), LockMode::RowExclusive);
        } else if let Some(delete) = ast::Delete::cast(node.clone()) {
            locks.add(any(delete.relation_name().and_then(|name| name.relation_name_ref())), LockMode::RowExclusive);
        } else if let Some(merge) = ast::Merge::cast(node.clone()) {
            locks.add(relation(merge.table_relation_name()), LockMode::RowExclusive);
        } else if let Some(from) = ast::RelationFromItem::cast(node.clone()) {
            let read = any(from.relation_name_ref());
            if read.as_ref().is_some_and(|name| name.schema.is_some() || !named.contains(&name.name)) {
                locks.add(read, reading);
            }
        } else if let Some(table) = ast::Table::cast(node.clone()) {
            locks.add(any(table.relation_name().and_then(|name| name.relation_name_ref())), reading);
        } else if let Some(references) = ast::ReferencesConstraint::cast(node.clone()) {
            locks.add(path(references.table()), LockMode::ShareRowExclusive);
        } else if let Some(key) = ast::ForeignKeyConstraint::cast(node.clone()) {
            locks.add(path(key.table_name_ref()), LockMode::ShareRowExclusive);
        } else if let Some(like) = ast::LikeClause::cast(node.clone()) {
            locks.add(any(like.relation_name_ref()), LockMode::AccessShare);
        } else if let Some(inherits) = ast::Inherits::cast(node.clone()) {
            inherits.table_name_refs().for_each(|table| locks.add(path(Some(table)), LockMode::ShareUpdateExclusive));
        } else if let Some(parent) = ast::PartitionOf::cast(node) {
            locks.add(path(parent.table_name_ref()), LockMode::AccessExclusive);
        }
    }
}

/// What the statement makes: nobody else knows it yet.
fn made(statement: &Stmt) -> Option<Name> {
    match statement {
        Stmt::CreateTable(create) => Name::made(create.table_name()?.path()),
        Stmt::CreateForeignTable(create) => Name::made(create.table_name()?.path()),
        Stmt::CreateTableAs(create) => Name::made(create.table_name()?.path()),
        _ => None,
    }
}

fn commented(comment: &ast::CommentOn) -> Option<Name> {
    use ast::CommentObject as On;
    match comment.comment_object()? {
        On::ObjectTable(on) => Name::new(on.table_name_ref()?.path_ref()),
        On::ObjectColumn(on) => Name::column(on.name()?.path_ref()).map(|(table, _)| table),
        On::ObjectView(on) => Name::new(on.view_ref()?.path_ref()),
        On::ObjectMaterializedView(on) => Name::new(on.view_ref()?.path_ref()),
        On::ObjectIndex(on) => Name::new(on.index_ref()?.path_ref()),
        On::ObjectSequence(on) => Name::new(on.sequence_ref()?.path_ref()),
        On::ObjectConstraint(on) => Name::new(on.table_name_ref()?.path_ref()),
        On::ObjectPolicy(on) => Name::new(on.table_name_ref()?.path_ref()),
        On::ObjectTrigger(on) => Name::new(on.relation_name_ref()?.path_ref()),
        _ => None,
    }
}

/// Whether the comment is on something that hangs on a relation: the relation is then only read.
fn is_part(comment: &ast::CommentOn) -> bool {
    use ast::CommentObject as On;
    matches!(comment.comment_object(), Some(On::ObjectConstraint(_) | On::ObjectPolicy(_) | On::ObjectTrigger(_)))
}

pub(super) fn relation(name: Option<ast::TableRelationName>) -> Option<Name> {
    Name::new(name?.table_name_ref()?.path_ref())
}

fn on_relation(on: Option<ast::OnRelation>) -> Option<Name> {
    Name::new(on?.relation_name_ref()?.path_ref())
}

fn on_table(on: Option<ast::OnTable>) -> Option<Name> {
    Name::new(on?.table_name_ref()?.path_ref())
}
