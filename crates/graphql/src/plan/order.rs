//! `order_by`.

use crate::failure::{Failure, Path};
use crate::model::Returned;
use crate::schema::{Member, TableId, TypeId, TypeRef};
use crate::value::{Value, View};

use super::function::Callee;
use super::rows::unknown_value;
use super::{Direction, Field, Filter, Order, OrderJoin, OrderTarget, OrderValue, Over, Planner, Rows, unknown_field};

/// Where an object of `order_by` stands.
#[derive(Clone, Copy)]
struct Place {
    table: TableId,
    /// Position in [`Rows::joins`]; none for the row itself.
    joined: Option<usize>,
}

impl<'a> Planner<'a> {
    pub(super) fn order_by(
        &mut self,
        table: TableId,
        value: Value<'a>,
        path: &Path<'_>,
        rows: &mut Rows,
    ) -> Result<(), Failure> {
        let single = !matches!(self.validator.variables.view(&value), View::List(_));
        let place = Place { table, joined: None };
        for (index, item) in self.validator.items(value).unwrap_or_default().into_iter().enumerate() {
            if single {
                self.order_item(place, item, path, rows)?;
            } else {
                self.order_item(place, item, &path.index(index), rows)?;
            }
        }
        Ok(())
    }

    /// Every field of one object, in the order they are written. Null sorts by nothing.
    fn order_item(&mut self, place: Place, value: Value<'a>, path: &Path<'_>, rows: &mut Rows) -> Result<(), Failure> {
        let Place { table, joined } = place;
        let type_id = TypeId::OrderBy(table);
        for (name, value) in self.object(type_id, value, path)?.unwrap_or_default() {
            let path = path.key(name);
            let found = &self.schema.tables[table];
            match self.order_member(table, name) {
                Some(Member::Column(column)) => {
                    if let Some(direction) = self.direction(value, &path)? {
                        self.see(table, Field::Column(column))?;
                        rows.order.push(Order { joined, target: OrderTarget::Column(column), direction });
                    }
                }
                Some(Member::Relationship(relationship)) if found.relationships[relationship].single => {
                    if !self.validator.variables.is_null(&value) {
                        self.inside_rows(&path, |planner| {
                            planner.order_related(place, relationship, value, &path, rows)
                        })?;
                    }
                }
                Some(Member::Aggregate(relationship)) => {
                    let target = found.relationships[relationship].target;
                    self.order_aggregate(joined, target, |_| Over::Relationship(relationship), value, &path, rows)?;
                }
                Some(Member::Computed(computed)) => {
                    let callee = Callee::Computed(table, computed);
                    if let Returned::Table { table: target, .. } = found.computed[computed].returns {
                        let over = |planner: &mut Self| Over::Computed { computed, call: planner.default_call(callee) };
                        self.order_aggregate(joined, target, over, value, &path, rows)?;
                    } else if let Some(direction) = self.direction(value, &path)? {
                        self.see(table, Field::Computed(computed))?;
                        let call = self.default_call(callee);
                        rows.order.push(Order { joined, target: OrderTarget::Computed { computed, call }, direction });
                    }
                }
                _ => return Err(unknown_field(name, &self.type_name(type_id), &path)),
            }
        }
        Ok(())
    }

    /// What rows may be sorted by: a table-valued computed field under its name and `_aggregate`, and none that needs
    /// arguments.
    fn order_member(&self, table: TableId, name: &str) -> Option<Member> {
        let found = &self.schema.tables[table];
        let sortable = |computed: usize, rows: bool| {
            let found = &found.computed[computed];
            let fits = match found.returns {
                Returned::Table { table, .. } => rows && self.schema.exists(TypeId::AggregateOrderBy(table)),
                Returned::Scalar { .. } => !rows,
            };
            fits && found.arguments.is_empty()
        };
        match self.schema.member(table, name) {
            Some(Member::Computed(computed)) => sortable(computed, false).then_some(Member::Computed(computed)),
            Some(other) => Some(other),
            None => match self.schema.member(table, self.schema.naming.base_of(name, "_aggregate")?)? {
                Member::Computed(computed) if sortable(computed, true) => Some(Member::Computed(computed)),
                _ => None,
            },
        }
    }

    fn order_related(
        &mut self,
        place: Place,
        relationship: usize,
        value: Value<'a>,
        path: &Path<'_>,
        rows: &mut Rows,
    ) -> Result<(), Failure> {
        let Place { table, joined: outer } = place;
        let target = self.schema.tables[table].relationships[relationship].target;
        let same = |join: &OrderJoin| (join.outer, join.table, join.relationship) == (outer, table, relationship);
        let joined = match rows.joins.iter().position(same) {
            Some(found) => found,
            None => {
                let filter = self.visible(target, Filter::All(Vec::new()))?;
                rows.joins.push(OrderJoin { outer, table, relationship, filter });
                rows.joins.len() - 1
            }
        };
        self.order_item(Place { table: target, joined: Some(joined) }, value, path, rows)
    }

    fn order_aggregate(
        &mut self,
        joined: Option<usize>,
        target: TableId,
        over: impl Fn(&mut Self) -> Over,
        value: Value<'a>,
        path: &Path<'_>,
        rows: &mut Rows,
    ) -> Result<(), Failure> {
        let type_id = TypeId::AggregateOrderBy(target);
        for (name, value) in self.object(type_id, value, path)?.unwrap_or_default() {
            let path = path.key(name);
            if name == "count" {
                if let Some(direction) = self.direction(value, &path)? {
                    self.push_aggregate(joined, target, &over, OrderValue::Count, direction, rows)?;
                }
                continue;
            }
            let op = self.schema.aggregate_named(name);
            let op = op.filter(|&op| self.schema.has_aggregated_column(target, op));
            let op = op.ok_or_else(|| unknown_field(name, &self.type_name(type_id), &path))?;
            let type_id = TypeId::OpOrderBy(target, op);
            for (name, value) in self.object(type_id, value, &path)?.unwrap_or_default() {
                let path = path.key(name);
                let column = self.schema.column_named(target, name);
                let column = column.filter(|&column| op.takes(self.schema.scalar_of(target, column).family));
                let column = column.ok_or_else(|| unknown_field(name, &self.type_name(type_id), &path))?;
                if let Some(direction) = self.direction(value, &path)? {
                    self.see(target, Field::Column(column))?;
                    self.push_aggregate(joined, target, &over, OrderValue::Op(op, column), direction, rows)?;
                }
            }
        }
        Ok(())
    }

    fn push_aggregate(
        &mut self,
        joined: Option<usize>,
        target: TableId,
        over: &impl Fn(&mut Self) -> Over,
        value: OrderValue,
        direction: Direction,
        rows: &mut Rows,
    ) -> Result<(), Failure> {
        let over = over(self);
        let filter = self.visible(target, Filter::All(Vec::new()))?;
        rows.order.push(Order { joined, target: OrderTarget::Aggregate { over, filter, value }, direction });
        Ok(())
    }

    fn direction(&self, value: Value<'a>, path: &Path<'_>) -> Result<Option<Direction>, Failure> {
        let expected = TypeRef::from(TypeId::OrderByEnum);
        let value = self.validator.variables.resolve(value, Some(&expected), self.schema, path)?;
        if self.validator.variables.is_null(&value) {
            return Ok(None);
        }
        let type_name = self.type_name(TypeId::OrderByEnum);
        let name = self.validator.enum_name(&value, &type_name, path)?;
        let names = Direction::ALL.map(|direction| self.schema.naming.value(direction.name()));
        match names.iter().position(|known| *known == name) {
            Some(found) => Ok(Some(Direction::ALL[found])),
            None => Err(unknown_value(&name, &type_name, names.iter().map(|known| &**known), path)),
        }
    }

    /// The fields of an input object; none for null.
    pub(crate) fn object(
        &mut self,
        type_id: TypeId,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Option<Vec<(&'a str, Value<'a>)>>, Failure> {
        let value = self.validator.variables.resolve(value, Some(&type_id.into()), self.schema, path)?;
        match self.validator.variables.view(&value) {
            View::Null => Ok(None),
            View::Object(fields) => Ok(Some(fields)),
            other => Err(self.not_an_object(type_id, other.describe(), path)),
        }
    }

    pub(crate) fn not_an_object(&self, type_id: TypeId, found: &str, path: &Path<'_>) -> Failure {
        let name = self.type_name(type_id);
        Failure::invalid(path, format!("expected an object for type '{name}', but found {found}"))
    }
}
