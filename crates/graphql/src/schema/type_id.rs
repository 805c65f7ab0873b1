//! Names of GraphQL types, there and back.

use crate::model::BUILT_IN;

use super::{
    AggregateOp, Family, FunctionId, Level, Member, Meta, MutationType, Operation, Root, ScalarId, Schema, Shape,
    TableId,
};

/// A GraphQL type, named by what it is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TypeId {
    QueryRoot,
    SubscriptionRoot,
    MutationRoot,
    /// The object of the source's namespace in a root type.
    Namespace(Operation),
    Table(TableId),
    Aggregate(TableId),
    AggregateFields(TableId),
    OpFields(TableId, AggregateOp),
    BoolExp(TableId),
    OrderBy(TableId),
    AggregateOrderBy(TableId),
    OpOrderBy(TableId, AggregateOp),
    AggregateBoolExp(TableId),
    AggregateBoolExpCount(TableId),
    AggregateBoolExpFold(TableId, FoldFunction),
    SelectColumn(TableId),
    /// Columns that an aggregate of a filter can work on.
    FoldColumn(TableId, FoldFunction),
    /// The two columns of one that works on pairs.
    FoldArguments(TableId, FoldFunction),
    Scalar(ScalarId),
    Comparison(ScalarId),
    CastExp(ScalarId),
    /// Relay's `<table>Connection` and `<table>Edge`.
    Connection(TableId),
    Edge(TableId),
    PageInfo,
    Node,
    StreamCursor(TableId),
    StreamCursorValue(TableId),
    CursorOrdering,
    /// A tracked function's `args`.
    FunctionArguments(FunctionId),
    /// A computed field's `args`: its table and position.
    ComputedArguments(TableId, usize),
    /// The input object of an operator over several values.
    Shape(Shape),
    /// A built-in scalar that no column uses.
    BuiltIn(&'static str),
    /// The comparison expression of a built-in scalar that no column uses.
    BuiltInComparison(&'static str),
    OrderByEnum,
    /// Of an action or a remote schema.
    Foreign(crate::foreign::registry::ForeignId),
    /// A type of a table that only mutations use.
    Mutation(TableId, MutationType),
    Meta(Meta),
}

/// Aggregates over an array relationship that rows can be filtered by, `count` aside: those of truths, and those of
/// `float8`, as Hasura has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FoldFunction {
    Avg,
    BoolAnd,
    BoolOr,
    Corr,
    CovarSamp,
    Max,
    Min,
    StddevSamp,
    Sum,
    VarSamp,
}

impl FoldFunction {
    pub const ALL: [Self; 10] = [
        Self::Avg,
        Self::BoolAnd,
        Self::BoolOr,
        Self::Corr,
        Self::CovarSamp,
        Self::Max,
        Self::Min,
        Self::StddevSamp,
        Self::Sum,
        Self::VarSamp,
    ];

    /// In GraphQL and in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::BoolAnd => "bool_and",
            Self::BoolOr => "bool_or",
            Self::Corr => "corr",
            Self::CovarSamp => "covar_samp",
            Self::Max => "max",
            Self::Min => "min",
            Self::StddevSamp => "stddev_samp",
            Self::Sum => "sum",
            Self::VarSamp => "var_samp",
        }
    }

    /// Of the columns it takes, and of what it gives.
    pub fn family(self) -> Family {
        match self {
            Self::BoolAnd | Self::BoolOr => Family::Boolean,
            _ => Family::Float8,
        }
    }

    /// The arguments of one that works on two columns, in the order in which SQL takes them; else none.
    pub fn pair(self) -> &'static [&'static str] {
        match self {
            Self::Corr | Self::CovarSamp => &["Y", "X"],
            _ => &[],
        }
    }
}

/// Makes a table's type of some sort.
type Make = fn(TableId) -> TypeId;

impl Schema {
    pub fn type_name(&self, id: TypeId) -> String {
        let shared = |name: String| self.naming.shared_type(&name);
        match id {
            TypeId::Comparison(s) => shared(format!("{}_comparison_exp", self.type_name(TypeId::Scalar(s)))),
            TypeId::CastExp(s) => shared(format!("{}_cast_exp", self.scalars[s].name)),
            TypeId::BuiltInComparison(name) => shared(format!("{name}_comparison_exp")),
            TypeId::AggregateBoolExp(_) => self.plain_type_name(id),
            TypeId::AggregateBoolExpCount(t) => self.condition_type(t, "count"),
            TypeId::AggregateBoolExpFold(t, fold) => self.condition_type(t, fold.name()),
            TypeId::FoldArguments(t, fold) => self.naming.type_of(&self.condition_type(t, fold.name()), "_arguments"),
            _ if self.keeps_name(id) => self.plain_type_name(id),
            _ => self.naming.type_name(&self.plain_type_name(id)),
        }
    }

    fn condition_type(&self, table: TableId, function: &str) -> String {
        let all = self.plain_type_name(TypeId::AggregateBoolExp(table));
        self.naming.condition_type(&all, self.tables[table].given, function)
    }

    /// True for types whose names no convention and no customization changes.
    fn keeps_name(&self, id: TypeId) -> bool {
        match id {
            TypeId::Scalar(scalar) => self.scalars[scalar].values.is_none(),
            TypeId::QueryRoot | TypeId::MutationRoot | TypeId::SubscriptionRoot => true,
            TypeId::PageInfo | TypeId::Node => true,
            TypeId::BuiltIn(_) | TypeId::Shape(_) | TypeId::Foreign(_) | TypeId::Meta(_) => true,
            _ => false,
        }
    }

    /// By the convention, without the source's prefix and suffix.
    fn plain_type_name(&self, id: TypeId) -> String {
        let naming = &self.naming;
        let table = |id: TableId, behind: &str| naming.type_of(&self.tables[id].name, behind);
        match id {
            TypeId::QueryRoot => "query_root".to_owned(),
            TypeId::SubscriptionRoot => "subscription_root".to_owned(),
            TypeId::MutationRoot => "mutation_root".to_owned(),
            TypeId::Namespace(operation) => self.namespace_type(operation),
            TypeId::Mutation(t, found) => table(t, found.suffix()),
            TypeId::Table(t) => table(t, ""),
            TypeId::Aggregate(t) => table(t, "_aggregate"),
            TypeId::AggregateFields(t) => table(t, "_aggregate_fields"),
            TypeId::OpFields(t, op) => table(t, &format!("_{}_fields", op.name())),
            TypeId::BoolExp(t) => table(t, "_bool_exp"),
            TypeId::OrderBy(t) => table(t, "_order_by"),
            TypeId::AggregateOrderBy(t) => table(t, "_aggregate_order_by"),
            TypeId::OpOrderBy(t, op) => table(t, &format!("_{}_order_by", op.name())),
            TypeId::AggregateBoolExp(t) => table(t, "_aggregate_bool_exp"),
            TypeId::AggregateBoolExpCount(_) | TypeId::AggregateBoolExpFold(..) | TypeId::FoldArguments(..) => {
                self.type_name(id)
            }
            TypeId::SelectColumn(t) => table(t, "_select_column"),
            TypeId::FoldColumn(t, fold) => {
                let condition = naming.inner(&table(t, "_aggregate_bool_exp"));
                let columns = naming.type_of(&naming.inner(fold.name()), "_arguments_columns");
                format!("{}{condition}{columns}", table(t, "_select_column"))
            }
            TypeId::Scalar(s) => self.scalars[s].name.clone(),
            TypeId::Comparison(_) | TypeId::CastExp(_) | TypeId::BuiltInComparison(_) => self.type_name(id),
            TypeId::Shape(shape) => shape.name().to_owned(),
            TypeId::Connection(t) => table(t, "Connection"),
            TypeId::Edge(t) => table(t, "Edge"),
            TypeId::PageInfo => "PageInfo".to_owned(),
            TypeId::Node => "Node".to_owned(),
            TypeId::StreamCursor(t) => table(t, "_stream_cursor_input"),
            TypeId::StreamCursorValue(t) => table(t, "_stream_cursor_value_input"),
            TypeId::CursorOrdering => naming.shared_type("cursor_ordering"),
            TypeId::FunctionArguments(function) => {
                naming.shared_type(&format!("{}_args", self.functions[function].name))
            }
            TypeId::ComputedArguments(t, computed) => {
                let field = naming.capital(&self.tables[t].computed[computed].name);
                let table = naming.type_of(&naming.inner(&self.tables[t].name), "_args");
                format!("{field}{table}")
            }
            TypeId::BuiltIn(name) => name.to_owned(),
            TypeId::OrderByEnum => naming.shared_type("order_by"),
            TypeId::Foreign(id) => self.foreign.types[id].name.clone(),
            TypeId::Meta(meta) => meta.name().to_owned(),
        }
    }

    /// `shop_query`; mutations have two, for those who may use what is `backend_only` and for the others.
    fn namespace_type(&self, operation: Operation) -> String {
        let behind = match operation {
            Operation::Query => "query",
            Operation::Subscription => "subscription",
            Operation::Mutation if self.uses_backend() => "mutation_backend",
            Operation::Mutation => "mutation_frontend",
        };
        format!("{}_{behind}", self.naming.namespace.as_deref().unwrap_or_default())
    }

    /// The type of that name, when the schema has it.
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        match name {
            "query_root" => return Some(TypeId::QueryRoot),
            "subscription_root" => return Some(TypeId::SubscriptionRoot).filter(|&id| self.exists(id)),
            "PageInfo" if self.is_relay() => return Some(TypeId::PageInfo),
            "Node" if self.is_relay() => return Some(TypeId::Node),
            "ID" if self.is_relay() => return Some(TypeId::BuiltIn("ID")),
            "mutation_root" => return Some(TypeId::MutationRoot).filter(|&id| self.exists(id)),
            _ => {}
        }
        if let Some(meta) = Meta::named(name) {
            return Some(TypeId::Meta(meta));
        }
        if let Some(shape) = Shape::ALL.into_iter().find(|shape| shape.name() == name) {
            return Some(TypeId::Shape(shape)).filter(|&id| self.exists(id));
        }
        let is_plain = |scalar: &ScalarId| {
            let found = &self.scalars[*scalar];
            found.item.is_none() && found.values.is_none()
        };
        if let Some(&scalar) = self.scalars_by_name.get(name).filter(|scalar| is_plain(scalar)) {
            return Some(TypeId::Scalar(scalar));
        }
        if let Some(name) = BUILT_IN.into_iter().find(|built_in| *built_in == name) {
            return Some(TypeId::BuiltIn(name));
        }
        let candidates = self.naming.bare_type(name).into_iter().chain([name]);
        let mut found = candidates.filter_map(|bare| self.bare_type_named(bare, name));
        let found = found.find(|&id| self.type_name(id) == name);
        found.or_else(|| self.foreign.type_named(name, self.role_name()).map(TypeId::Foreign))
    }

    /// A type by its name without the source's prefix and suffix; `name` is its whole.
    fn bare_type_named(&self, bare: &str, name: &str) -> Option<TypeId> {
        let is = |id: &TypeId| self.type_name(*id) == name;
        let fixed = [TypeId::OrderByEnum, TypeId::CursorOrdering].into_iter();
        let fixed = fixed.chain(Operation::ALL.map(TypeId::Namespace));
        if let Some(&table) = self.tables_by_name.get(bare) {
            return Some(TypeId::Table(table)).filter(|&id| self.exists(id));
        }
        if let Some(found) = fixed.into_iter().find(is) {
            return Some(found).filter(|&id| self.exists(id));
        }
        if let Some(&scalar) = self.scalars_by_name.get(bare).filter(|scalar| self.scalars[**scalar].values.is_some()) {
            return Some(TypeId::Scalar(scalar));
        }
        let found = self.scalar_suffix(name).or_else(|| self.table_suffix(bare)).filter(|&id| self.exists(id));
        found.or_else(|| self.arguments_suffix(name))
    }

    /// The scalar of a built-in name where a column uses it, else the built-in itself.
    pub fn built_in(&self, name: &'static str) -> TypeId {
        self.scalars_by_name.get(name).map_or(TypeId::BuiltIn(name), |&scalar| TypeId::Scalar(scalar))
    }

    /// A scalar of a well-known extension, which is there whenever another of its extension is.
    pub fn sibling(&self, name: &'static str) -> TypeId {
        self.built_in(name)
    }

    /// The comparison expression of a built-in scalar.
    pub fn built_in_comparison(&self, name: &'static str) -> TypeId {
        self.scalars_by_name.get(name).map_or(TypeId::BuiltInComparison(name), |&s| TypeId::Comparison(s))
    }

    fn scalar_suffix(&self, name: &str) -> Option<TypeId> {
        let is = |id: &TypeId| self.type_name(*id) == name;
        if self.naming.base_of(name, "_comparison_exp").is_some() {
            let built_in = || BUILT_IN.into_iter().map(TypeId::BuiltInComparison).find(is);
            return (0..self.scalars.len()).map(TypeId::Comparison).find(is).or_else(built_in);
        }
        self.naming.base_of(name, "_cast_exp")?;
        (0..self.scalars.len()).map(TypeId::CastExp).find(is)
    }

    fn table_suffix(&self, name: &str) -> Option<TypeId> {
        let table = |suffix: &str| self.tables_by_name.get(self.naming.base_of(name, suffix)?).copied();
        let plain: [(&str, Make); 11] = [
            ("Connection", TypeId::Connection),
            ("Edge", TypeId::Edge),
            ("_aggregate", TypeId::Aggregate),
            ("_aggregate_fields", TypeId::AggregateFields),
            ("_aggregate_order_by", TypeId::AggregateOrderBy),
            ("_aggregate_bool_exp", TypeId::AggregateBoolExp),
            ("_bool_exp", TypeId::BoolExp),
            ("_order_by", TypeId::OrderBy),
            ("_select_column", TypeId::SelectColumn),
            ("_stream_cursor_input", TypeId::StreamCursor),
            ("_stream_cursor_value_input", TypeId::StreamCursorValue),
        ];
        if let Some(found) = plain.iter().find_map(|(suffix, make)| table(suffix).map(make)) {
            return Some(found);
        }
        let of_mutations = MutationType::all().find_map(|found| Some(TypeId::Mutation(table(found.suffix())?, found)));
        if let Some(found) = of_mutations.filter(|&id| self.exists(id)) {
            return Some(found);
        }
        for op in AggregateOp::ALL {
            if let Some(found) = table(&format!("_{}_fields", op.name())) {
                return Some(TypeId::OpFields(found, op));
            }
            if let Some(found) = table(&format!("_{}_order_by", op.name())) {
                return Some(TypeId::OpOrderBy(found, op));
            }
        }
        self.condition_suffix(name)
    }

    /// The types of conditions on aggregates, and of the columns that these take.
    fn condition_suffix(&self, name: &str) -> Option<TypeId> {
        let mark = self.naming.type_of("", "_aggregate_bool_exp");
        // A name that begins with a small letter may stand for a table whose types do not.
        let table = |base: &str| {
            let capital = || self.tables_by_name.get(self.naming.shared_type(base).as_str());
            self.tables_by_name.get(base).or_else(capital).copied()
        };
        let all = |table| {
            let of = move |fold| {
                [
                    TypeId::AggregateBoolExpFold(table, fold),
                    TypeId::FoldColumn(table, fold),
                    TypeId::FoldArguments(table, fold),
                ]
            };
            FoldFunction::ALL.into_iter().flat_map(of).chain([TypeId::AggregateBoolExpCount(table)])
        };
        let bases = name.match_indices(&mark).map(|(at, _)| &name[..at]);
        let columns = self.naming.type_of("", "_select_column");
        let bases = bases.chain(name.match_indices(&columns).map(|(at, _)| &name[..at]));
        let mut found = bases.filter_map(table).flat_map(all);
        found.find(|&id| {
            let made = self.type_name(id);
            made == name || self.naming.bare_type(&made) == Some(name)
        })
    }

    fn arguments_suffix(&self, name: &str) -> Option<TypeId> {
        let is = |id: &TypeId| self.type_name(*id) == name;
        let function = (0..self.functions.len()).map(TypeId::FunctionArguments).find(is);
        let computed = || {
            let tables = self.tables.iter().enumerate();
            let all = tables.flat_map(|(t, table)| (0..table.computed.len()).map(move |at| (t, at)));
            all.map(|(t, at)| TypeId::ComputedArguments(t, at)).find(is)
        };
        function.or_else(computed).filter(|&id| self.exists(id))
    }

    /// Some types are there only when the table has a column for them, all of a table only for those who may see it.
    pub fn exists(&self, id: TypeId) -> bool {
        if id.table().is_some_and(|table| self.select(table).is_none()) {
            return false;
        }
        let is_aggregate = matches!(
            id,
            TypeId::Aggregate(_)
                | TypeId::AggregateFields(_)
                | TypeId::OpFields(..)
                | TypeId::AggregateOrderBy(_)
                | TypeId::OpOrderBy(..)
                | TypeId::AggregateBoolExp(_)
                | TypeId::AggregateBoolExpCount(_)
                | TypeId::AggregateBoolExpFold(..)
                | TypeId::FoldColumn(..)
                | TypeId::FoldArguments(..)
        );
        let aggregates = |table| self.select(table).is_some_and(super::Access::aggregations);
        if is_aggregate && !id.table().is_some_and(aggregates) {
            return false;
        }
        match id {
            TypeId::SubscriptionRoot => self.roots(Operation::Subscription).next().is_some(),
            TypeId::MutationRoot => self.roots(Operation::Mutation).next().is_some(),
            TypeId::Namespace(operation) => self.roots_at(Level::Namespace, operation).next().is_some(),
            TypeId::Mutation(t, found) => self.mutation_type_exists(t, found),
            TypeId::OpFields(t, op) => self.has_aggregate(t, op),
            TypeId::OpOrderBy(t, op) => self.has_aggregated_column(t, op),
            TypeId::FoldArguments(_, fold) if fold.pair().is_empty() => false,
            TypeId::AggregateBoolExpFold(t, fold) | TypeId::FoldColumn(t, fold) | TypeId::FoldArguments(t, fold) => {
                self.fold_columns(t, fold).next().is_some()
            }
            TypeId::Connection(t) | TypeId::Edge(t) => self.is_node(t),
            TypeId::FunctionArguments(function) => {
                let root = Root::Function(function);
                let shown = self.shows(Operation::Query, root) || self.shows(Operation::Mutation, root);
                shown && !self.functions[function].arguments.is_empty()
            }
            TypeId::ComputedArguments(t, computed) => {
                self.sees(t, Member::Computed(computed)) && !self.tables[t].computed[computed].arguments.is_empty()
            }
            TypeId::CastExp(s) => self.scalars[s].family.casts_to().is_some(),
            TypeId::Shape(shape) => self
                .scalars
                .iter()
                .any(|scalar| scalar.family.operators().any(|operator| operator.takes == super::Takes::Shape(shape))),
            TypeId::SelectColumn(t) => self.columns(t).next().is_some(),
            _ => true,
        }
    }
}

impl TypeId {
    /// The table it is made from.
    pub fn table(self) -> Option<TableId> {
        match self {
            Self::Table(t)
            | Self::Aggregate(t)
            | Self::AggregateFields(t)
            | Self::OpFields(t, _)
            | Self::BoolExp(t)
            | Self::OrderBy(t)
            | Self::AggregateOrderBy(t)
            | Self::OpOrderBy(t, _)
            | Self::AggregateBoolExp(t)
            | Self::AggregateBoolExpCount(t)
            | Self::AggregateBoolExpFold(t, _)
            | Self::SelectColumn(t)
            | Self::FoldColumn(t, _)
            | Self::FoldArguments(t, _) => Some(t),
            _ => None,
        }
    }
}
