//! `order_by`.

use crate::failure::{Failure, Path};
use crate::schema::{AggregateOp, Member, TableId, TypeId, TypeRef};
use crate::value::{Value, View};

use super::rows::unknown_value;
use super::{Direction, Order, OrderTarget, Planner, unknown_field};

impl<'a> Planner<'a> {
    pub(super) fn order_by(
        &mut self,
        table: TableId,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Vec<Order>, Failure> {
        let single = !matches!(self.validator.variables.view(&value), View::List(_));
        let mut order = Vec::new();
        for (index, item) in self.validator.items(value).unwrap_or_default().into_iter().enumerate() {
            if single {
                self.order_item(table, item, path, &mut order)?;
            } else {
                self.order_item(table, item, &path.index(index), &mut order)?;
            }
        }
        Ok(order)
    }

    /// Every field of one object, in the order they are written. Null sorts by nothing.
    fn order_item(
        &mut self,
        table: TableId,
        value: Value<'a>,
        path: &Path<'_>,
        order: &mut Vec<Order>,
    ) -> Result<(), Failure> {
        let type_id = TypeId::OrderBy(table);
        for (name, value) in self.object(type_id, value, path)?.unwrap_or_default() {
            let path = path.key(name);
            let found = &self.schema.tables[table];
            match self.schema.member(table, name) {
                Some(Member::Column(column)) => {
                    if let Some(direction) = self.direction(value, &path)? {
                        order.push(Order { target: OrderTarget::Column(column), direction });
                    }
                }
                Some(Member::Relationship(relationship)) if found.relationships[relationship].single => {
                    let mut inner = Vec::new();
                    let target = found.relationships[relationship].target;
                    self.nested(&path, |planner| planner.order_item(target, value, &path, &mut inner))?;
                    order.extend(inner.into_iter().map(|inner| Order {
                        target: OrderTarget::Related { relationship, target: Box::new(inner.target) },
                        direction: inner.direction,
                    }));
                }
                Some(Member::Aggregate(relationship)) => {
                    self.order_aggregate(table, relationship, value, &path, order)?;
                }
                _ => return Err(unknown_field(name, &self.type_name(type_id), &path)),
            }
        }
        Ok(())
    }

    fn order_aggregate(
        &mut self,
        table: TableId,
        relationship: usize,
        value: Value<'a>,
        path: &Path<'_>,
        order: &mut Vec<Order>,
    ) -> Result<(), Failure> {
        let target = self.schema.tables[table].relationships[relationship].target;
        let type_id = TypeId::AggregateOrderBy(target);
        for (name, value) in self.object(type_id, value, path)?.unwrap_or_default() {
            let path = path.key(name);
            if name == "count" {
                if let Some(direction) = self.direction(value, &path)? {
                    order.push(Order { target: OrderTarget::Count { relationship }, direction });
                }
                continue;
            }
            let op = AggregateOp::named(name).filter(|&op| self.schema.has_aggregate(target, op));
            let op = op.ok_or_else(|| unknown_field(name, &self.type_name(type_id), &path))?;
            let type_id = TypeId::OpOrderBy(target, op);
            for (name, value) in self.object(type_id, value, &path)?.unwrap_or_default() {
                let path = path.key(name);
                let column = self.schema.column_named(target, name);
                let column = column.filter(|&column| op.takes(self.schema.scalar_of(target, column).family));
                let column = column.ok_or_else(|| unknown_field(name, &self.type_name(type_id), &path))?;
                if let Some(direction) = self.direction(value, &path)? {
                    order.push(Order { target: OrderTarget::Op { relationship, op, column }, direction });
                }
            }
        }
        Ok(())
    }

    fn direction(&self, value: Value<'a>, path: &Path<'_>) -> Result<Option<Direction>, Failure> {
        let expected = TypeRef::from(TypeId::OrderByEnum);
        let value = self.validator.variables.resolve(value, Some(&expected), self.schema, path)?;
        if self.validator.variables.is_null(&value) {
            return Ok(None);
        }
        let name = self.validator.enum_name(&value, "order_by", path)?;
        let found = Direction::ALL.into_iter().find(|direction| direction.name() == name);
        found
            .map(Some)
            .ok_or_else(|| unknown_value(&name, "order_by", Direction::ALL.iter().map(|found| found.name()), path))
    }

    /// The fields of an input object; none for null.
    pub(super) fn object(
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

    pub(super) fn not_an_object(&self, type_id: TypeId, found: &str, path: &Path<'_>) -> Failure {
        let name = self.type_name(type_id);
        Failure::invalid(path, format!("expected an object for type '{name}', but found {found}"))
    }
}
