//! Boolean expressions.

use crate::failure::{Failure, Path};
use crate::model::Returned;
use crate::schema::{
    Family, FoldFunction, Member, Operator, ScalarId, Shape, ShapeType, TableId, Takes, TypeId, TypeRef, sibling_type,
};
use crate::value::{Encoding, Value};

use super::{Cast, Field, Filter, Fold, Operand, Planner, Reader, Subject, unknown_field};

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

impl Side {
    /// What the right-hand side of such an operator is sent as; for a list, its items.
    fn cast_of(&self, takes: Takes) -> Cast {
        Cast::beside(takes, self.family, &self.cast)
    }

    fn sibling(&self, name: &str) -> Cast {
        Cast::sibling(name, &self.cast)
    }
}

impl Cast {
    /// A type that reads its own text.
    pub fn text(sql: &str) -> Self {
        Self { sql: sql.to_owned(), reader: Reader::Text }
    }

    /// What the right-hand side of an operator is sent as beside a value of type `own`; for a list, its items.
    pub(crate) fn beside(takes: Takes, family: Family, own: &str) -> Self {
        match takes {
            Takes::Text(sql) => Self::text(sql),
            Takes::TextList(None) => Self::text("text"),
            Takes::TextList(Some(name)) | Takes::Sibling(name) => Self::sibling(name, own),
            _ => Self { sql: own.to_owned(), reader: family.reader() },
        }
    }

    /// Another type of the extension that `own` is of.
    pub(crate) fn sibling(name: &str, own: &str) -> Self {
        let family = Family::of(name).map_or(Family::Other, |(family, _)| family);
        Self { sql: sibling_type(own, name), reader: family.reader() }
    }
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

    pub(super) fn required_object(
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
                self.see(table, Field::Column(column))?;
                let side = self.column_side(table, column);
                self.comparison(&side, value, path)
            }
            (_, Some(Member::Computed(computed))) if found.computed[computed].arguments.is_empty() => {
                self.computed_filter(table, computed, value, path)
            }
            (_, Some(Member::Relationship(relationship))) => {
                let target = found.relationships[relationship].target;
                let filter = self.inside_rows(path, |planner| planner.bool_exp(target, value, path))?;
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

    /// Of a computed field that needs nothing from the client.
    fn computed_filter(
        &mut self,
        table: TableId,
        computed: usize,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Filter, Failure> {
        let found = &self.schema.tables[table].computed[computed];
        let wants_session = found.session_argument.is_some();
        match &found.returns {
            Returned::Table { table: target, .. } => {
                let filter = self.inside_rows(path, |planner| planner.bool_exp(*target, value, path))?;
                let filter = Box::new(self.visible(*target, filter)?);
                let session = wants_session.then(|| Operand::Parameter(self.whole_session()));
                Ok(Filter::ComputedRows { computed, session, filter })
            }
            Returned::Scalar { scalar, cast } => {
                self.see(table, Field::Computed(computed))?;
                let session = wants_session.then(|| Operand::Parameter(self.whole_session()));
                let side = self.scalar_side(Subject::Computed { computed, session }, *scalar, cast.clone());
                self.comparison(&side, value, path)
            }
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
        self.scalar_side(Subject::Column(column), found.scalar, found.cast.clone())
    }

    fn scalar_side(&self, subject: Subject, scalar: ScalarId, cast: String) -> Side {
        Side {
            subject,
            family: self.schema.scalars[scalar].family,
            own: self.schema.scalar_type(scalar),
            encoding: Encoding::of_scalar(self.schema, scalar),
            cast,
            type_id: TypeId::Comparison(scalar),
        }
    }

    fn built_in_side(&self, subject: Subject, name: &'static str) -> Side {
        let (family, cast) = match name {
            "Int" => (Family::Int, "int4"),
            "Boolean" => (Family::Boolean, "bool"),
            "Float" => (Family::Float8, "float8"),
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
            let operator = side.family.operators().find(|operator| self.schema.naming.is(name, operator.name));
            match (&side.subject, operator, side.family.casts_to()) {
                (_, Some(operator), _) => filters.push(self.compare(side, operator, value, &path)?),
                (&Subject::Column(column), None, Some((target, sql))) if name == "_cast" => {
                    let inner = self.cast_side(side, column, target, sql);
                    filters.push(self.cast(side, target, &inner, value, &path)?);
                }
                _ => return Err(unknown_field(name, &self.type_name(side.type_id), &path)),
            }
        }
        Ok(Filter::all(filters))
    }

    /// The column as a value of another type.
    fn cast_side(&self, side: &Side, column: usize, target: &'static str, sql: &'static str) -> Side {
        if target == "String" {
            return self.built_in_side(Subject::Cast(column, sql.to_owned()), target);
        }
        let cast = sibling_type(&side.cast, sql);
        Side {
            subject: Subject::Cast(column, cast.clone()),
            family: Family::of(sql).map_or(Family::Other, |(family, _)| family),
            own: self.schema.sibling(target).into(),
            encoding: Encoding::sibling(target),
            cast,
            type_id: self.schema.built_in_comparison(target),
        }
    }

    fn cast(
        &mut self,
        side: &Side,
        target: &'static str,
        inner: &Side,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Filter, Failure> {
        let type_id = match side.type_id {
            TypeId::Comparison(scalar) => TypeId::CastExp(scalar),
            other => other,
        };
        let mut filters = Vec::new();
        for (name, value) in self.required_object(type_id, value, path)? {
            let path = path.key(name);
            if name != target {
                return Err(unknown_field(name, &self.type_name(type_id), &path));
            }
            filters.push(self.comparison(inner, value, &path)?);
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
        let expected = self.schema.operand_type(operator.takes, &side.own);
        let value = self.validator.variables.resolve(value, Some(&expected), self.schema, path)?;
        match operator.takes {
            Takes::Flag => {
                let wanted = self.validator.boolean(&value, path)?;
                return Ok(Filter::IsNull { subject: side.subject.clone(), wanted });
            }
            Takes::List if side.family == Family::Array => return self.compare_arrays(side, operator, value, path),
            Takes::Shape(shape) => return self.shaped(side, operator, shape, value, path),
            _ => {}
        }
        let encoding = Encoding::of_operand(operator.takes, side.encoding.clone());
        self.reject_null(&encoding, &value, path)?;
        let parameter = self.parameter(value, &expected, encoding, path)?;
        let cast = side.cast_of(operator.takes);
        Ok(Filter::Compare { subject: side.subject.clone(), operator, operand: Operand::Parameter(parameter), cast })
    }

    /// An operator that takes an object of values.
    fn shaped(
        &mut self,
        side: &Side,
        operator: &'static Operator,
        shape: Shape,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Filter, Failure> {
        let inputs = self.schema.shape_inputs(shape);
        let given = self.required_object(TypeId::Shape(shape), value, path)?;
        if let Some((name, _)) = given.iter().find(|(name, _)| inputs.iter().all(|input| input.name != *name)) {
            return Err(unknown_field(name, shape.name(), &path.key(name)));
        }
        let mut arguments = Vec::with_capacity(inputs.len());
        for (field, input) in shape.fields().iter().zip(&inputs) {
            let path = path.key(field.name);
            let (encoding, cast) = match field.r#type {
                ShapeType::BuiltIn(name, sql) => {
                    let family = Family::of(sql).map_or(Family::Other, |(family, _)| family);
                    (Encoding::Scalar(family, name.to_owned()), Cast::text(sql))
                }
                ShapeType::Sibling(name) => (Encoding::sibling(name), side.sibling(name)),
            };
            let found = given.iter().find(|(name, _)| *name == field.name).map(|(_, value)| value.clone());
            let operand = match found {
                Some(value) if field.required || !self.validator.variables.is_null(&value) => {
                    Operand::Parameter(self.parameter(value, &input.r#type, encoding, &path)?)
                }
                None if field.required => {
                    return Err(Failure::invalid(path, format!("missing required field '{}'", field.name)));
                }
                // PostgreSQL's functions have the same defaults.
                _ => field.default.map_or(Operand::Null, |text| Operand::Parameter(self.constant(text))),
            };
            arguments.push((operand, cast));
        }
        Ok(Filter::Call { subject: side.subject.clone(), operator, arguments })
    }

    /// Even where the type itself has a null, as JSON does, a comparison with nothing is a mistake.
    fn reject_null(&self, encoding: &Encoding, value: &Value<'a>, path: &Path<'_>) -> Result<(), Failure> {
        match encoding {
            Encoding::Value(Family::Json | Family::Jsonb, name) if self.validator.variables.is_null(value) => {
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
            any.push(Filter::Compare {
                subject: side.subject.clone(),
                operator: equal,
                operand: Operand::Parameter(parameter),
                cast: side.cast_of(Takes::Same),
            });
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
        let given = self.required_object(type_id, value, path)?;
        if given.len() != 1 {
            return Err(Failure::invalid(path, "exactly one predicate should be specified"));
        }
        for (name, value) in given {
            let path = path.key(name);
            let fold = FoldFunction::ALL.into_iter().find(|fold| fold.name() == name);
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
        fold: Option<FoldFunction>,
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
                ("arguments", Some(fold)) => columns = self.fold_arguments(target, fold, value, &path)?,
                ("arguments", None) => columns = self.columns(target, value, &path)?,
                ("distinct", _) => distinct = self.validator.boolean(&value, &path)?,
                ("filter", _) => {
                    filter = self.inside_rows(&path, |planner| planner.bool_exp(target, value, &path))?;
                }
                _ => {
                    let column = fold.and_then(|fold| self.schema.fold_columns(target, fold).next());
                    let side = match column {
                        Some(column) => {
                            let found = self.schema.column(target, column);
                            self.scalar_side(Subject::Fold, found.scalar, found.cast.clone())
                        }
                        None => self.built_in_side(Subject::Fold, "Int"),
                    };
                    predicate = Some(self.comparison(&side, value, &path)?);
                }
            }
        }
        let missing = |name: &str| Failure::invalid(path.key(name), format!("missing required field '{name}'"));
        let predicate = Box::new(predicate.ok_or_else(|| missing("predicate"))?);
        let filter = self.visible(target, filter)?;
        let fold = match fold {
            None => Fold::Count { columns, distinct },
            Some(_) if columns.is_empty() => return Err(missing("arguments")),
            Some(function) => Fold::Of { function, columns, distinct },
        };
        Ok(Filter::Folded { relationship, fold, filter: Box::new(filter), predicate })
    }

    /// The column of an aggregate, or an object of two.
    fn fold_arguments(
        &mut self,
        target: TableId,
        fold: FoldFunction,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Vec<usize>, Failure> {
        let enum_type = TypeId::FoldColumn(target, fold);
        let names = fold.pair();
        if names.is_empty() {
            let column = self.select_column(target, enum_type, &value, path)?;
            self.see(target, Field::Column(column))?;
            return Ok(vec![column]);
        }
        let type_id = TypeId::FoldArguments(target, fold);
        let given = self.required_object(type_id, value, path)?;
        if let Some((name, _)) = given.iter().find(|(name, _)| !names.contains(name)) {
            return Err(unknown_field(name, &self.type_name(type_id), &path.key(name)));
        }
        let expected = TypeRef::from(enum_type).required();
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            let path = path.key(name);
            let Some((_, value)) = given.iter().find(|(found, _)| found == name) else {
                return Err(Failure::invalid(path, format!("missing required field '{name}'")));
            };
            let value = self.validator.variables.resolve(value.clone(), Some(&expected), self.schema, &path)?;
            let column = self.select_column(target, enum_type, &value, &path)?;
            self.see(target, Field::Column(column))?;
            columns.push(column);
        }
        Ok(columns)
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
