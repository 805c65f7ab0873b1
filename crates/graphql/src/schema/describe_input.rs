//! Input types: arguments, boolean expressions, orderings.

use std::borrow::Cow;

use crate::model::{FunctionArgument, Returned};

use super::{
    AggregateOp, Family, FoldFunction, FunctionId, InputDef, Member, ScalarId, Schema, Shape, ShapeType, TableId,
    Takes, TypeId, TypeRef,
};

impl Schema {
    /// Arguments of every list of a table's rows.
    pub fn select_arguments(&self, table: TableId) -> Vec<InputDef> {
        let mut arguments = vec![
            InputDef::new("limit", self.built_in("Int")).described("limit the number of rows returned"),
            InputDef::new("offset", self.built_in("Int")).described("skip the first n rows. Use only with order_by"),
            InputDef::new(self.naming.word("order_by"), TypeRef::list_of(TypeId::OrderBy(table)))
                .described("sort the rows by one or more columns"),
            InputDef::new("where", TypeId::BoolExp(table)).described("filter the rows returned"),
        ];
        if self.exists(TypeId::SelectColumn(table)) {
            let columns = TypeRef::list_of(TypeId::SelectColumn(table));
            let distinct = InputDef::new(self.naming.word("distinct_on"), columns);
            arguments.insert(0, distinct.described("distinct select on columns"));
        }
        arguments
    }

    pub fn key_arguments(&self, table: TableId) -> Vec<InputDef> {
        let key = self.tables[table].primary_key.iter().map(|&column| self.column(table, column));
        let mut arguments: Vec<InputDef> = key
            .map(|column| {
                let found = InputDef::new(&column.name, self.scalar_type(column.scalar).required());
                match &column.comment {
                    Some(comment) => found.described(comment),
                    None => found,
                }
            })
            .collect();
        arguments.sort_by(|a, b| a.name.cmp(&b.name));
        arguments
    }

    /// `path`, of JSON values.
    pub fn path_argument(&self) -> InputDef {
        InputDef::new("path", self.built_in("String")).described("JSON select path")
    }

    /// `args`, where the function takes any.
    pub fn function_arguments(&self, function: FunctionId) -> Vec<InputDef> {
        let found = &self.functions[function];
        let description = format!("input parameters for function \"{}\"", found.qualified());
        let input = |required: bool| {
            let r#type = TypeRef::from(TypeId::FunctionArguments(function)).required_if(required);
            InputDef::new("args", r#type).described(description)
        };
        let required = found.arguments.iter().any(|argument| !argument.has_default);
        if found.arguments.is_empty() { Vec::new() } else { vec![input(required)] }
    }

    pub fn computed_arguments(&self, table: TableId, computed: usize) -> Vec<InputDef> {
        let found = &self.tables[table].computed[computed];
        let (field, on) = (&found.name, self.tables[table].qualified());
        let description = format!("input parameters for computed field \"{field}\" defined on table \"{on}\"");
        let input = |required: bool| {
            let r#type = TypeRef::from(TypeId::ComputedArguments(table, computed)).required_if(required);
            InputDef::new("args", r#type).described(description)
        };
        let required = found.arguments.iter().any(|argument| !argument.has_default);
        if found.arguments.is_empty() { Vec::new() } else { vec![input(required)] }
    }

    /// Arguments of Relay's connections.
    pub fn connection_arguments(&self, table: TableId) -> Vec<InputDef> {
        let keeps = |input: &InputDef| !matches!(input.name.as_str(), "limit" | "offset");
        let mut arguments: Vec<InputDef> = self.select_arguments(table).into_iter().filter(keeps).collect();
        for name in ["first", "last"] {
            arguments.push(InputDef::new(name, self.built_in("Int")));
        }
        for name in ["after", "before"] {
            arguments.push(InputDef::new(name, self.built_in("String")));
        }
        arguments
    }

    /// Arguments of a streaming subscription.
    pub fn stream_arguments(&self, table: TableId) -> Vec<InputDef> {
        vec![
            InputDef::new(self.naming.word("batch_size"), TypeRef::from(self.built_in("Int")).required())
                .described("maximum number of rows returned in a single batch"),
            InputDef::new("cursor", TypeRef::List(Box::new(TypeId::StreamCursor(table).into())).required())
                .described("cursor to stream the results returned by the query"),
            InputDef::new("where", TypeId::BoolExp(table)).described("filter the rows returned"),
        ]
    }

    fn cursor_inputs(&self, table: TableId) -> Vec<InputDef> {
        vec![
            InputDef::new(
                self.naming.word("initial_value"),
                TypeRef::from(TypeId::StreamCursorValue(table)).required(),
            )
            .described("Stream column input with initial value"),
            InputDef::new("ordering", TypeId::CursorOrdering).described("cursor ordering"),
        ]
    }

    fn cursor_values(&self, table: TableId) -> Vec<InputDef> {
        let column = |position: usize| {
            let column = self.column(table, position);
            let found = InputDef::new(&column.name, self.scalar_type(column.scalar));
            column.comment.iter().fold(found, |found, comment| found.described(comment))
        };
        self.columns(table).map(column).collect()
    }

    fn argument_inputs(&self, arguments: &[FunctionArgument]) -> Vec<InputDef> {
        arguments.iter().map(|argument| InputDef::new(&argument.name, self.scalar_type(argument.scalar))).collect()
    }

    /// Columns that an aggregate of a filter can work on.
    pub fn fold_columns(&self, table: TableId, fold: FoldFunction) -> impl Iterator<Item = usize> {
        self.columns(table).filter(move |&index| self.scalar_of(table, index).family == fold.family())
    }

    /// The comparison expression of what an aggregate of a filter gives.
    fn fold_comparison(&self, table: TableId, fold: FoldFunction) -> TypeId {
        let column = self.fold_columns(table, fold).next();
        column.map_or_else(
            || self.built_in_comparison("Boolean"),
            |column| TypeId::Comparison(self.column(table, column).scalar),
        )
    }

    pub(super) fn input_description(&self, id: TypeId) -> Option<String> {
        let combined = "All fields are combined with a logical 'AND'.";
        Some(match id {
            TypeId::BoolExp(t) => {
                let name = self.tables[t].qualified();
                format!("Boolean expression to filter rows from the table \"{name}\". {combined}")
            }
            TypeId::OrderBy(t) => {
                format!("Ordering options when selecting data from \"{}\".", self.tables[t].qualified())
            }
            TypeId::AggregateOrderBy(t) => {
                format!("order by aggregate values of table \"{}\"", self.tables[t].qualified())
            }
            TypeId::StreamCursor(t) => format!("Streaming cursor of the table \"{}\"", self.tables[t].qualified()),
            TypeId::StreamCursorValue(_) => {
                "Initial value of the column from where the streaming should start".to_owned()
            }
            TypeId::OpOrderBy(t, op) => {
                format!(
                    "order by {}() on columns of table \"{}\"",
                    self.naming.word(op.name()),
                    self.tables[t].qualified()
                )
            }
            TypeId::Comparison(s) => {
                let name = &self.scalars[self.scalars[s].item.unwrap_or(s)].name;
                format!(
                    "Boolean expression to compare columns of type \"{name}\". All fields are combined with logical 'AND'."
                )
            }
            TypeId::BuiltInComparison(name) => {
                format!(
                    "Boolean expression to compare columns of type \"{name}\". All fields are combined with logical 'AND'."
                )
            }
            _ => return None,
        })
    }

    pub(super) fn inputs(&self, id: TypeId) -> Vec<InputDef> {
        match id {
            TypeId::Mutation(table, found) => self.mutation_type_inputs(table, found),
            TypeId::BoolExp(table) => self.bool_exp_inputs(table),
            TypeId::OrderBy(table) => self.order_by_inputs(table),
            TypeId::AggregateOrderBy(table) => {
                let ops = AggregateOp::ALL.into_iter().filter(|&op| self.has_aggregated_column(table, op));
                let count = InputDef::new("count", TypeId::OrderByEnum);
                ops.map(|op| InputDef::new(self.naming.word(op.name()), TypeId::OpOrderBy(table, op)))
                    .chain([count])
                    .collect()
            }
            TypeId::OpOrderBy(table, op) => self
                .aggregated_columns(table, op)
                .map(|column| InputDef::new(&self.column(table, column).name, TypeId::OrderByEnum))
                .collect(),
            TypeId::AggregateBoolExp(table) => self.aggregate_inputs(table),
            TypeId::AggregateBoolExpCount(table) => {
                let columns = TypeRef::list_of(TypeId::SelectColumn(table));
                self.fold_inputs(table, columns, self.built_in_comparison("Int"))
            }
            TypeId::AggregateBoolExpFold(table, fold) => {
                let argument = match fold.pair() {
                    [] => TypeId::FoldColumn(table, fold),
                    _ => TypeId::FoldArguments(table, fold),
                };
                self.fold_inputs(table, TypeRef::from(argument).required(), self.fold_comparison(table, fold))
            }
            TypeId::FoldArguments(table, fold) => {
                let column = || TypeRef::from(TypeId::FoldColumn(table, fold)).required();
                fold.pair().iter().map(|name| InputDef::new(*name, column())).collect()
            }
            TypeId::Comparison(scalar) => self.comparison_inputs(scalar),
            TypeId::CastExp(scalar) => self.scalars[scalar]
                .family
                .casts_to()
                .map(|(name, _)| InputDef::new(name, self.built_in_comparison(name)))
                .into_iter()
                .collect(),
            TypeId::Shape(shape) => self.shape_inputs(shape),
            TypeId::StreamCursor(table) => self.cursor_inputs(table),
            TypeId::StreamCursorValue(table) => self.cursor_values(table),
            TypeId::FunctionArguments(function) => self.argument_inputs(&self.functions[function].arguments),
            TypeId::ComputedArguments(table, computed) => {
                self.argument_inputs(&self.tables[table].computed[computed].arguments)
            }
            TypeId::BuiltInComparison(name) => self.built_in_inputs(name),
            _ => Vec::new(),
        }
    }

    fn bool_exp_inputs(&self, id: TableId) -> Vec<InputDef> {
        let list = || TypeRef::list_of(TypeId::BoolExp(id));
        let connectives =
            [InputDef::new("_and", list()), InputDef::new("_not", TypeId::BoolExp(id)), InputDef::new("_or", list())];
        let table = &self.tables[id];
        let input = |(name, member): (&str, Member)| match member {
            Member::Column(column) => Some(InputDef::new(name, TypeId::Comparison(table.columns[column].scalar))),
            Member::Relationship(index) => {
                Some(InputDef::new(name, TypeId::BoolExp(table.relationships[index].target)))
            }
            Member::Aggregate(index) => {
                Some(InputDef::new(name, TypeId::AggregateBoolExp(table.relationships[index].target)))
            }
            Member::Computed(index) if table.computed[index].arguments.is_empty() => {
                Some(match table.computed[index].returns {
                    Returned::Scalar { scalar, .. } => InputDef::new(name, TypeId::Comparison(scalar)),
                    Returned::Table { table: target, .. } => InputDef::new(name, TypeId::BoolExp(target)),
                })
            }
            Member::Computed(_) | Member::Remote(_) => None,
        };
        let members = self.members(id).filter_map(input);
        connectives.into_iter().chain(members).collect()
    }

    fn order_by_inputs(&self, id: TableId) -> Vec<InputDef> {
        let table = &self.tables[id];
        let input = |(name, member): (&str, Member)| match member {
            Member::Column(_) => Some(InputDef::new(name, TypeId::OrderByEnum)),
            Member::Relationship(index) => {
                let found = &table.relationships[index];
                found.single.then(|| InputDef::new(name, TypeId::OrderBy(found.target)))
            }
            Member::Aggregate(index) => {
                Some(InputDef::new(name, TypeId::AggregateOrderBy(table.relationships[index].target)))
            }
            Member::Computed(index) if table.computed[index].arguments.is_empty() => {
                match table.computed[index].returns {
                    Returned::Scalar { .. } => Some(InputDef::new(name, TypeId::OrderByEnum)),
                    Returned::Table { table: target, .. } => Some(TypeId::AggregateOrderBy(target))
                        .filter(|&id| self.exists(id))
                        .map(|id| InputDef::new(self.naming.derived(name, "aggregate"), id)),
                }
            }
            Member::Computed(_) | Member::Remote(_) => None,
        };
        self.members(id).filter_map(input).collect()
    }

    fn aggregate_inputs(&self, table: TableId) -> Vec<InputDef> {
        let folds = FoldFunction::ALL.map(|fold| (fold.name(), TypeId::AggregateBoolExpFold(table, fold)));
        let folds = folds.into_iter().filter(|&(_, id)| self.exists(id));
        folds
            .chain([("count", TypeId::AggregateBoolExpCount(table))])
            .map(|(name, id)| InputDef::new(name, id))
            .collect()
    }

    fn fold_inputs(&self, table: TableId, arguments: TypeRef, predicate: TypeId) -> Vec<InputDef> {
        vec![
            InputDef::new("arguments", arguments),
            InputDef::new("distinct", self.built_in("Boolean")),
            InputDef::new("filter", TypeId::BoolExp(table)),
            InputDef::new("predicate", TypeRef::from(predicate).required()),
        ]
    }

    fn comparison_inputs(&self, scalar: ScalarId) -> Vec<InputDef> {
        let family = self.scalars[scalar].family;
        let mut inputs = self.operator_inputs(family, &self.scalar_type(scalar));
        if family.casts_to().is_some() {
            inputs.push(InputDef::new("_cast", TypeId::CastExp(scalar)));
        }
        inputs
    }

    fn built_in_inputs(&self, name: &'static str) -> Vec<InputDef> {
        let family = match name {
            "String" => Family::Text,
            "Boolean" => Family::Boolean,
            "Float" => Family::Float,
            _ => Family::Int,
        };
        self.operator_inputs(family, &TypeId::BuiltIn(name).into())
    }

    fn operator_inputs(&self, family: Family, own: &TypeRef) -> Vec<InputDef> {
        family
            .operators()
            .map(|operator| {
                let found = InputDef::new(self.naming.word(operator.name), self.operand_type(operator.takes, own));
                match operator.description {
                    Some(description) => found.described(description),
                    None => found,
                }
            })
            .collect()
    }

    /// The type an operator's value has beside a column of type `own`.
    pub fn operand_type(&self, takes: Takes, own: &TypeRef) -> TypeRef {
        match takes {
            Takes::Same => own.clone(),
            Takes::List => TypeRef::List(Box::new(own.clone().required())),
            Takes::Text(_) => self.built_in("String").into(),
            Takes::TextList(_) => TypeRef::list_of(self.built_in("String")),
            Takes::Sibling(name) => self.sibling(name).into(),
            Takes::Flag => self.built_in("Boolean").into(),
            Takes::Shape(shape) => TypeId::Shape(shape).into(),
        }
    }

    pub(crate) fn shape_inputs(&self, shape: Shape) -> Vec<InputDef> {
        let input = |field: &super::ShapeField| {
            let r#type = match field.r#type {
                ShapeType::BuiltIn(name, _) => self.built_in(name),
                ShapeType::Sibling(name) => self.sibling(name),
            };
            let r#type = TypeRef::from(r#type).required_if(field.required);
            InputDef { default: field.default.map(Cow::Borrowed), ..InputDef::new(field.name, r#type) }
        };
        shape.fields().iter().map(input).collect()
    }
}
