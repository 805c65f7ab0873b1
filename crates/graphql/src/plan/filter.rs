//! Boolean expressions.

use crate::failure::{Failure, Path};
use crate::schema::{BoolFold, Family, Member, OperandKind, Operator, TableId, TypeId, TypeRef};
use crate::value::{Encoding, Value};

use super::{Filter, Fold, Operand, Planner, Subject, unknown_field};

/// The left-hand side of a comparison and how values beside it are read.
struct Side {
    subject: Subject,
    family: Family,
    own: TypeRef,
    encoding: Encoding,
    cast: String,
    /// The comparison expression's type.
    type_id: TypeId,
}

impl<'a> Planner<'a> {
    /// `<table>_bool_exp`.
    pub(super) fn bool_exp(&mut self, table: TableId, value: Value<'a>, path: &Path<'_>) -> Result<Filter, Failure> {
        let fields = self.required_object(TypeId::BoolExp(table), value, path)?;
        self.nested(path, |planner| {
            let mut filters = Vec::with_capacity(fields.len());
            for (name, value) in fields {
                filters.push(planner.bool_field(table, name, value, &path.key(name))?);
            }
            Ok(Filter::all(filters))
        })
    }

    fn required_object(
        &mut self,
        type_id: TypeId,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Vec<(&'a str, Value<'a>)>, Failure> {
        self.object(type_id, value, path)?.ok_or_else(|| self.not_an_object(type_id, "null", path))
    }

    fn bool_field(&mut self, table: TableId, name: &str, value: Value<'a>, path: &Path<'_>) -> Result<Filter, Failure> {
        let found = &self.schema.tables[table];
        match (name, self.schema.member(table, name)) {
            (_, Some(Member::Column(column))) => {
                let side = self.column_side(table, column);
                self.comparison(&side, value, path)
            }
            (_, Some(Member::Relationship(relationship))) => {
                let target = found.relationships[relationship].target;
                let filter = self.bool_exp(target, value, path)?;
                let filter = Box::new(self.visible(target, filter)?);
                Ok(Filter::Related { relationship, filter })
            }
            (_, Some(Member::Aggregate(relationship))) => self.folded(table, relationship, value, path),
            ("_and", None) => Ok(Filter::all(self.bool_list(table, value, path)?)),
            ("_or", None) => Ok(Filter::Any(self.bool_list(table, value, path)?)),
            ("_not", None) => Ok(Filter::Not(Box::new(self.bool_exp(table, value, path)?))),
            _ => Err(unknown_field(name, &self.type_name(TypeId::BoolExp(table)), path)),
        }
    }

    fn bool_list(&mut self, table: TableId, value: Value<'a>, path: &Path<'_>) -> Result<Vec<Filter>, Failure> {
        let expected = TypeRef::list_of(TypeId::BoolExp(table));
        let value = self.validator.variables.resolve(value, Some(&expected), self.schema, path)?;
        let Some(items) = self.validator.items(value) else {
            return Err(Failure::invalid(path, "expected a list, but found null"));
        };
        let filters = items.into_iter().enumerate().map(|(index, item)| self.bool_exp(table, item, &path.index(index)));
        filters.collect()
    }

    fn column_side(&self, table: TableId, column: usize) -> Side {
        let found = self.schema.column(table, column);
        Side {
            subject: Subject::Column(column),
            family: self.schema.scalars[found.scalar].family,
            own: self.schema.scalar_type(found.scalar),
            encoding: Encoding::of_scalar(self.schema, found.scalar),
            cast: found.cast.clone(),
            type_id: TypeId::Comparison(found.scalar),
        }
    }

    fn built_in_side(&self, subject: Subject, name: &'static str) -> Side {
        let (family, cast) = match name {
            "Int" => (Family::Int, "int4"),
            "Boolean" => (Family::Boolean, "bool"),
            _ => (Family::Text, "text"),
        };
        Side {
            subject,
            family,
            own: self.schema.built_in(name).into(),
            encoding: Encoding::Scalar(family, name.to_owned()),
            cast: cast.to_owned(),
            type_id: self.schema.built_in_comparison(name),
        }
    }

    fn comparison(&mut self, side: &Side, value: Value<'a>, path: &Path<'_>) -> Result<Filter, Failure> {
        let mut filters = Vec::new();
        for (name, value) in self.required_object(side.type_id, value, path)? {
            let path = path.key(name);
            match (side.subject, side.family.operator(name)) {
                (_, Some(operator)) => filters.push(self.compare(side, operator, value, &path)?),
                (Subject::Column(column), None) if name == "_cast" && side.family.casts_to_text() => {
                    filters.push(self.cast(column, side.type_id, value, &path)?);
                }
                _ => return Err(unknown_field(name, &self.type_name(side.type_id), &path)),
            }
        }
        Ok(Filter::all(filters))
    }

    fn cast(
        &mut self,
        column: usize,
        comparison: TypeId,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Filter, Failure> {
        let type_id = match comparison {
            TypeId::Comparison(scalar) => TypeId::CastExp(scalar),
            other => other,
        };
        let mut filters = Vec::new();
        for (name, value) in self.required_object(type_id, value, path)? {
            let path = path.key(name);
            if name != "String" {
                return Err(unknown_field(name, &self.type_name(type_id), &path));
            }
            let side = self.built_in_side(Subject::ColumnText(column), "String");
            filters.push(self.comparison(&side, value, &path)?);
        }
        Ok(Filter::all(filters))
    }

    fn compare(
        &mut self,
        side: &Side,
        operator: &'static Operator,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Filter, Failure> {
        let expected = self.schema.operand_type(operator.operand, &side.own);
        let value = self.validator.variables.resolve(value, Some(&expected), self.schema, path)?;
        if operator.operand == OperandKind::Flag {
            let wanted = self.validator.boolean(&value, path)?;
            return Ok(Filter::IsNull { subject: side.subject, wanted });
        }
        if operator.operand == OperandKind::List && side.family == Family::Array {
            return self.compare_arrays(side, operator, value, path);
        }
        let encoding = Encoding::of_operand(operator.operand, side.encoding.clone());
        self.reject_null(&encoding, &value, path)?;
        let operand = Operand::Parameter(self.parameter(value, &expected, encoding, path)?);
        Ok(Filter::Compare { subject: side.subject, operator, operand, cast: side.cast.clone() })
    }

    /// Even where the type itself has a null, as JSON does, a comparison with nothing is a mistake.
    fn reject_null(&self, encoding: &Encoding, value: &Value<'a>, path: &Path<'_>) -> Result<(), Failure> {
        match encoding {
            Encoding::Scalar(Family::Json | Family::Jsonb, name) if self.validator.variables.is_null(value) => {
                Err(Failure::invalid(path, format!("unexpected null value for type '{name}'")))
            }
            _ => Ok(()),
        }
    }

    /// PostgreSQL knows no array of arrays, so that `= ANY` cannot be used.
    fn compare_arrays(
        &mut self,
        side: &Side,
        operator: &'static Operator,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Filter, Failure> {
        let Some(items) = self.validator.items(value) else {
            return Err(Failure::invalid(path, "expected a list, but found null"));
        };
        let equal = side.family.operator("_eq").expect("every type has equality");
        let mut any = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let parameter = self.parameter(item, &side.own, side.encoding.clone(), &path.index(index))?;
            let (operand, cast) = (Operand::Parameter(parameter), side.cast.clone());
            any.push(Filter::Compare { subject: side.subject, operator: equal, operand, cast });
        }
        let any = Filter::Any(any);
        Ok(if operator.name == "_nin" { Filter::Not(Box::new(any)) } else { any })
    }

    /// `<relationship>_aggregate: {count: {…}}`.
    fn folded(
        &mut self,
        table: TableId,
        relationship: usize,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Filter, Failure> {
        let target = self.schema.tables[table].relationships[relationship].target;
        let type_id = TypeId::AggregateBoolExp(target);
        let mut filters = Vec::new();
        for (name, value) in self.required_object(type_id, value, path)? {
            let path = path.key(name);
            let fold = BoolFold::ALL.into_iter().find(|fold| fold.name() == name);
            let inner = match fold {
                Some(fold) => TypeId::AggregateBoolExpFold(target, fold),
                None => TypeId::AggregateBoolExpCount(target),
            };
            if (fold.is_none() && name != "count") || !self.schema.exists(inner) {
                return Err(unknown_field(name, &self.type_name(type_id), &path));
            }
            filters.push(self.fold(target, relationship, fold, inner, value, &path)?);
        }
        Ok(Filter::all(filters))
    }

    fn fold(
        &mut self,
        target: TableId,
        relationship: usize,
        fold: Option<BoolFold>,
        type_id: TypeId,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Filter, Failure> {
        let (mut columns, mut distinct, mut filter, mut predicate) = (Vec::new(), false, Filter::all(Vec::new()), None);
        for (name, value) in self.required_object(type_id, value, path)? {
            let path = path.key(name);
            let inputs = self.schema.describe(type_id).inputs;
            let Some(input) = inputs.iter().find(|input| input.name == name) else {
                return Err(unknown_field(name, &self.type_name(type_id), &path));
            };
            let value = self.validator.variables.resolve(value, Some(&input.r#type), self.schema, &path)?;
            if name != "predicate" && self.validator.variables.is_null(&value) {
                continue;
            }
            match (name, fold) {
                ("arguments", Some(fold)) => {
                    columns = vec![self.select_column(target, TypeId::FoldColumn(target, fold), &value, &path)?];
                }
                ("arguments", None) => columns = self.columns(target, value, &path)?,
                ("distinct", _) => distinct = self.validator.boolean(&value, &path)?,
                ("filter", _) => filter = self.bool_exp(target, value, &path)?,
                _ => {
                    let name = if fold.is_some() { "Boolean" } else { "Int" };
                    let side = self.built_in_side(Subject::Fold, name);
                    predicate = Some(self.comparison(&side, value, &path)?);
                }
            }
        }
        let missing = |name: &str| Failure::invalid(path.key(name), format!("missing required field '{name}'"));
        let predicate = Box::new(predicate.ok_or_else(|| missing("predicate"))?);
        let filter = self.visible(target, filter)?;
        let fold = match (fold, columns.first()) {
            (None, _) => Fold::Count { columns, distinct },
            (Some(fold), Some(&column)) => Fold::Boolean { fold, column, distinct },
            (Some(_), None) => return Err(missing("arguments")),
        };
        Ok(Filter::Folded { relationship, fold, filter: Box::new(filter), predicate })
    }
}

impl Filter {
    /// All of them; the thing itself where it is alone.
    pub(crate) fn all(mut filters: Vec<Self>) -> Self {
        match filters.len() {
            1 => filters.remove(0),
            _ => Self::All(filters),
        }
    }

    pub fn is_everything(&self) -> bool {
        matches!(self, Self::All(filters) if filters.iter().all(Self::is_everything))
    }
}
