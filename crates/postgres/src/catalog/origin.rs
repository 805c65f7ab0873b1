//! Where a view's columns come from: traced through the view's parsed query down to a table's column.
//!
//! A column has an origin when it is a plain reference, through any depth of joins, sub-queries, common table
//! expressions, grouping and other views. Expressions, casts and set operations have none.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::node_tree::Node;
use super::{Column, ColumnOrigin, Lists, Table};

/// A view's `_RETURN` rule.
#[derive(Debug, Deserialize)]
pub(super) struct Rule {
    view: u32,
    /// `pg_rewrite.ev_action`
    action: String,
}

/// A relation outside the schemas that were read, which a view reads from.
#[derive(Debug, Deserialize)]
pub(super) struct Source {
    oid: u32,
    schema: String,
    name: String,
    columns: Vec<SourceColumn>,
}

#[derive(Debug, Deserialize)]
struct SourceColumn {
    position: i16,
    name: String,
    not_null: bool,
}

/// A column of the relation that the query names.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reference {
    relation: u32,
    position: i16,
    nullable: bool,
}

/// What each view's column refers to, by view and position.
type References = HashMap<(u32, i16), Reference>;

/// Fills [`Column::origin`] of every view.
pub(super) fn trace(lists: &mut Lists, rules: &[Rule], sources: &[Source]) {
    let mut references = References::new();
    for rule in rules {
        let Some(action) = Node::parse(&rule.action) else { continue };
        let Some(query) = action.items().first().and_then(Query::new) else { continue };
        for (position, target) in query.targets() {
            if let Some(reference) = query.reference(target, 0) {
                references.insert((rule.view, position), reference);
            }
        }
    }
    let resolver = Resolver {
        tables: lists.tables.iter().map(|table| (table.oid, table)).collect(),
        sources: sources.iter().map(|source| (source.oid, source)).collect(),
        references: &references,
    };
    let found: Vec<(usize, usize, ColumnOrigin)> = lists
        .tables
        .iter()
        .enumerate()
        .filter(|(_, table)| table.view.is_some())
        .flat_map(|(index, table)| {
            let origin = |column: &Column| resolver.resolve(*references.get(&(table.oid, column.position))?);
            let columns = table.columns.iter().enumerate();
            columns.filter_map(|(at, column)| Some((index, at, origin(column)?))).collect::<Vec<_>>()
        })
        .collect();
    for (table, column, origin) in found {
        lists.tables[table].columns[column].origin = Some(origin);
    }
}

struct Resolver<'a> {
    tables: HashMap<u32, &'a Table>,
    sources: HashMap<u32, &'a Source>,
    references: &'a References,
}

impl Resolver<'_> {
    /// Follows a reference through views to the last relation that can be named.
    fn resolve(&self, mut reference: Reference) -> Option<ColumnOrigin> {
        // Views cannot form a cycle.
        while let Some(next) = self.references.get(&(reference.relation, reference.position)) {
            reference = Reference { nullable: reference.nullable || next.nullable, ..*next };
        }
        let Reference { relation, position, nullable } = reference;
        if let Some(table) = self.tables.get(&relation) {
            let column = table.columns.iter().find(|column| column.position == position)?;
            return Some(ColumnOrigin {
                schema: table.schema.clone(),
                table: table.name.clone(),
                column: column.name.clone(),
                nullable: nullable || !column.not_null,
            });
        }
        let source = self.sources.get(&relation)?;
        let column = source.columns.iter().find(|column| column.position == position)?;
        Some(ColumnOrigin {
            schema: source.schema.clone(),
            table: source.name.clone(),
            column: column.name.clone(),
            nullable: nullable || !column.not_null,
        })
    }
}

/// Sub-queries deeper than this are left untraced.
const MAX_DEPTH: u8 = 100;

/// A SELECT of the tree.
struct Query<'n, 't> {
    node: &'n Node<'t>,
    /// Range table entries that an outer join may replace by nulls.
    optional: HashSet<u32>,
}

impl<'n, 't> Query<'n, 't> {
    fn new(node: &'n Node<'t>) -> Option<Self> {
        if !node.is("QUERY") {
            return None;
        }
        let mut optional = HashSet::new();
        if let Some(tree) = node.field("jointree") {
            mark_optional(tree, false, 0, &mut optional);
        }
        Some(Self { node, optional })
    }

    /// The visible columns: position and expression.
    fn targets(&self) -> impl Iterator<Item = (i16, &'n Node<'t>)> {
        self.node.list("targetList").iter().filter(|entry| !entry.flag("resjunk")).filter_map(|entry| {
            let position = i16::try_from(entry.number("resno")?).ok()?;
            Some((position, entry.field("expr")?))
        })
    }

    fn reference(&self, expression: &'n Node<'t>, depth: u8) -> Option<Reference> {
        let combined = !matches!(self.node.field("setOperations"), None | Some(Node::Null));
        let outer = expression.number("varlevelsup").unwrap_or(0) > 0;
        if depth > MAX_DEPTH || combined || outer || !expression.is("VAR") {
            return None;
        }
        let entry_number = expression.number("varno")?;
        let position = expression.number("varattno").filter(|&number| number > 0)?;
        let entry = self.node.list("rtable").get(entry_number.checked_sub(1)? as usize)?;
        let nth = |list: &'n [Node<'t>]| list.get(position as usize - 1);
        let mut reference = match entry.number("rtekind")? {
            RELATION => {
                Reference { relation: entry.number("relid")?, position: i16::try_from(position).ok()?, nullable: false }
            }
            SUBQUERY => nested(entry.field("subquery")?, position, depth)?,
            JOIN => self.reference(nth(entry.list("joinaliasvars"))?, depth + 1)?,
            COMMON_TABLE => nested(self.common_table(entry)?, position, depth)?,
            GROUP => self.reference(nth(entry.list("groupexprs"))?, depth + 1)?,
            _ => return None,
        };
        // A grouping set leaves out columns of the other sets by making them null.
        reference.nullable |= self.optional.contains(&entry_number) || !self.node.list("groupingSets").is_empty();
        Some(reference)
    }

    /// The query of a WITH clause of this very SELECT; a recursive one has no single origin.
    fn common_table(&self, entry: &'n Node<'t>) -> Option<&'n Node<'t>> {
        if entry.number("ctelevelsup")? != 0 {
            return None;
        }
        let name = entry.atom("ctename")?;
        let table = self.node.list("cteList").iter().find(|table| table.atom("ctename") == Some(name))?;
        if table.flag("cterecursive") { None } else { table.field("ctequery") }
    }
}

// RTEKind of parsenodes.h; the same on 14 to 18, GROUP since 18.
const RELATION: u32 = 0;
const SUBQUERY: u32 = 1;
const JOIN: u32 = 2;
const COMMON_TABLE: u32 = 6;
const GROUP: u32 = 9;

fn nested(node: &Node<'_>, position: u32, depth: u8) -> Option<Reference> {
    let query = Query::new(node)?;
    let wanted = i16::try_from(position).ok()?;
    let (_, target) = query.targets().find(|(position, _)| *position == wanted)?;
    query.reference(target, depth + 1)
}

/// Collects what stands on the nullable side of an outer join (`JoinType`: 0 inner, 1 left, 2 full, 3 right).
fn mark_optional(node: &Node<'_>, optional: bool, depth: u16, found: &mut HashSet<u32>) {
    if depth > u16::from(MAX_DEPTH) * 10 {
        return;
    }
    if optional {
        found.extend(node.number("rtindex"));
    }
    for item in node.list("fromlist") {
        mark_optional(item, optional, depth + 1, found);
    }
    if let (Some(kind), Some(left), Some(right)) = (node.number("jointype"), node.field("larg"), node.field("rarg")) {
        mark_optional(left, optional || matches!(kind, 2 | 3), depth + 1, found);
        mark_optional(right, optional || matches!(kind, 1 | 2), depth + 1, found);
    }
}
