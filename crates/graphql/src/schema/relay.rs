//! What Relay's API shows of the same tables: connections, edges, pages, nodes.

use super::{FieldDef, InputDef, Level, Operation, Root, Schema, TableId, TypeId, TypeRef};

impl Schema {
    pub(super) fn connection_fields(&self, table: TableId) -> Vec<FieldDef> {
        vec![
            FieldDef::new("edges", TypeRef::list_of(TypeId::Edge(table)).required()),
            FieldDef::new("pageInfo", TypeRef::from(TypeId::PageInfo).required()),
        ]
    }

    pub(super) fn edge_fields(&self, table: TableId) -> Vec<FieldDef> {
        vec![
            FieldDef::new("cursor", TypeRef::from(self.built_in("String")).required()),
            FieldDef::new("node", TypeRef::from(TypeId::Table(table)).required()),
        ]
    }

    pub(super) fn page_info_fields(&self) -> Vec<FieldDef> {
        let boolean = || TypeRef::from(self.built_in("Boolean")).required();
        let string = || TypeRef::from(self.built_in("String")).required();
        vec![
            FieldDef::new("endCursor", string()),
            FieldDef::new("hasNextPage", boolean()),
            FieldDef::new("hasPreviousPage", boolean()),
            FieldDef::new("startCursor", string()),
        ]
    }

    pub(super) fn node_fields(&self) -> Vec<FieldDef> {
        vec![
            FieldDef::new("id", TypeRef::from(TypeId::BuiltIn("ID")).required())
                .described("A globally unique identifier"),
        ]
    }

    /// The fields of a root type: connections, and rows by their global id.
    pub(super) fn relay_roots(&self, level: Level, operation: Operation) -> Vec<FieldDef> {
        let connections = self.roots_at(level, operation).filter_map(|(name, root)| {
            if root == Root::Namespace {
                return Some(FieldDef::new(name, TypeId::Namespace(operation)));
            }
            let name = self.naming.derived(name, "connection");
            let (table, mut arguments) = match self.connection_root(level, operation, &name)? {
                Root::Rows(table) => (table, Vec::new()),
                Root::Function(function) => (self.functions[function].returns, self.function_arguments(function)),
                _ => return None,
            };
            arguments.extend(self.connection_arguments(table));
            let description = Some(format!("fetch data from the table: \"{}\"", self.tables[table].name));
            let r#type = TypeRef::from(TypeId::Connection(table)).required();
            Some(FieldDef { name, description, arguments, r#type })
        });
        let id = InputDef::new("id", TypeRef::from(TypeId::BuiltIn("ID")).required()).described("A globally unique id");
        let node = FieldDef { arguments: vec![id], ..FieldDef::new("node", TypeId::Node) };
        let node = (level == Level::Top).then_some(node);
        connections.chain(node).collect()
    }

    /// A table's fields: the global id instead of a column of that name, and a connection beside each list.
    pub(super) fn relay_fields(&self, table: TableId, mut fields: Vec<FieldDef>) -> Vec<FieldDef> {
        if self.is_node(table) {
            fields.retain(|field| field.name != "id");
            fields.extend(self.node_fields());
        }
        for relationship in &self.tables[table].relationships {
            let name = format!("{}_connection", relationship.name);
            if self.connection_member(table, &name).is_some() {
                fields.push(FieldDef {
                    name,
                    description: Some("An array relationship connection".to_owned()),
                    arguments: self.connection_arguments(relationship.target),
                    r#type: TypeRef::from(TypeId::Connection(relationship.target)).required(),
                });
            }
        }
        fields
    }

    /// Tables whose rows have a global id.
    pub fn nodes(&self) -> impl Iterator<Item = TableId> {
        (0..self.tables.len()).filter(|&table| self.is_node(table))
    }
}
