//! `ALTER TABLE`: its locks and losses, action by action.

use squawk_syntax::ast::{self, AlterColumnOption, AlterTableAction, AstChildren, AstNode};

use super::{
    LockMode, Loss, Name,
    locks::{Locks, relation},
};

pub(super) fn locks(table: Option<ast::TableRelationName>, actions: AstChildren<AlterTableAction>, locks: &mut Locks) {
    let table = relation(table);
    for action in actions {
        locks.add(table.clone(), level(&action));
        match &action {
            AlterTableAction::AttachPartition(attach) => {
                let partition = attach.table_name_ref().and_then(|table| Name::new(table.path_ref()));
                locks.add(partition, LockMode::AccessExclusive);
            }
            AlterTableAction::DetachPartition(detach) => {
                let partition = detach.table_name_ref().and_then(|table| Name::new(table.path_ref()));
                let mode = match detach.detach_partition_option() {
                    Some(ast::DetachPartitionOption::DetachConcurrently(_)) => LockMode::ShareUpdateExclusive,
                    _ => LockMode::AccessExclusive,
                };
                locks.add(partition, mode);
            }
            _ => {}
        }
    }
}

/// `AlterTableGetLockLevel` in PostgreSQL's `tablecmds.c`.
fn level(action: &AlterTableAction) -> LockMode {
    use AlterTableAction as Action;
    match action {
        Action::ValidateConstraint(_)
        | Action::ClusterOn(_)
        | Action::SetWithoutCluster(_)
        | Action::AttachPartition(_)
        | Action::SetOptions(_)
        | Action::ResetOptions(_) => LockMode::ShareUpdateExclusive,
        Action::DetachPartition(detach) if detach.detach_partition_option().is_some() => LockMode::ShareUpdateExclusive,
        Action::EnableTrigger(_)
        | Action::EnableAlwaysTrigger(_)
        | Action::EnableReplicaTrigger(_)
        | Action::DisableTrigger(_) => LockMode::ShareRowExclusive,
        Action::AddConstraint(add) => match add.constraint() {
            Some(ast::Constraint::ForeignKeyConstraint(_)) => LockMode::ShareRowExclusive,
            _ => LockMode::AccessExclusive,
        },
        Action::AlterColumn(alter) => match alter.option() {
            Some(
                AlterColumnOption::SetStatistics(_)
                | AlterColumnOption::SetOptions(_)
                | AlterColumnOption::ResetOptions(_),
            ) => LockMode::ShareUpdateExclusive,
            _ => LockMode::AccessExclusive,
        },
        _ => LockMode::AccessExclusive,
    }
}

pub(super) fn losses(alter: &ast::AlterTable) -> Vec<Loss> {
    let Some(table) = relation(alter.table_relation_name()) else { return Vec::new() };
    let column = |name: Option<ast::ColumnNameRef>| name.map(|name| ast::normalize_name_node(name.syntax()));
    let mut losses = Vec::new();
    for action in alter.actions() {
        match action {
            AlterTableAction::DropColumn(drop) => {
                let column = column(drop.column_name_ref());
                losses.extend(column.map(|column| Loss::Column { table: table.clone(), column }));
            }
            AlterTableAction::AlterColumn(alter) => {
                let Some(AlterColumnOption::SetType(set)) = alter.option() else { continue };
                let Some(column) = column(alter.column_name_ref()) else { continue };
                let to = set.ty().map(|ty| ty.syntax().text().to_string()).unwrap_or_default();
                let computed = set.using_expr().is_some();
                losses.push(Loss::Type { table: table.clone(), column, to: to.trim().to_owned(), computed });
            }
            _ => {}
        }
    }
    losses
}
