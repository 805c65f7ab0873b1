//! Aggregate functions over columns.

use crate::model::Returned;

use super::{Family, Member, Schema, TableId};

/// A function over one column's values; `count` stands apart because it takes any columns or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AggregateOp {
    Avg,
    Max,
    Min,
    Stddev,
    StddevPop,
    StddevSamp,
    Sum,
    VarPop,
    VarSamp,
    Variance,
}

impl AggregateOp {
    /// In order of name, which is the order introspection shows.
    pub const ALL: [Self; 10] = [
        Self::Avg,
        Self::Max,
        Self::Min,
        Self::Stddev,
        Self::StddevPop,
        Self::StddevSamp,
        Self::Sum,
        Self::VarPop,
        Self::VarSamp,
        Self::Variance,
    ];

    /// Its name in GraphQL and in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::Max => "max",
            Self::Min => "min",
            Self::Stddev => "stddev",
            Self::StddevPop => "stddev_pop",
            Self::StddevSamp => "stddev_samp",
            Self::Sum => "sum",
            Self::VarPop => "var_pop",
            Self::VarSamp => "var_samp",
            Self::Variance => "variance",
        }
    }

    pub fn takes(self, family: Family) -> bool {
        match self {
            Self::Max | Self::Min => family.is_comparable(),
            Self::Sum => family.is_number(),
            // PostgreSQL sums money but has no average or deviation of it.
            _ => family.is_number() && family != Family::Money,
        }
    }

    /// The result has the column's own type; all others are `Float`.
    pub fn keeps_type(self) -> bool {
        matches!(self, Self::Max | Self::Min | Self::Sum)
    }
}

impl Schema {
    /// Positions of the columns that `op` can work on.
    pub fn aggregated_columns(&self, table: TableId, op: AggregateOp) -> impl Iterator<Item = usize> {
        self.columns(table).filter(move |&index| op.takes(self.scalar_of(table, index).family))
    }

    /// Positions of the computed fields with a value that `op` can work on.
    pub fn aggregated_computed(&self, table: TableId, op: AggregateOp) -> impl Iterator<Item = usize> {
        let found = &self.tables[table].computed;
        (0..found.len()).filter(move |&at| match found[at].returns {
            Returned::Scalar { scalar, .. } => {
                op.takes(self.scalars[scalar].family) && self.sees(table, Member::Computed(at))
            }
            Returned::Table { .. } => false,
        })
    }

    /// The function of that name in GraphQL.
    pub fn aggregate_named(&self, name: &str) -> Option<AggregateOp> {
        AggregateOp::ALL.into_iter().find(|op| self.naming.is(name, op.name()))
    }

    pub fn has_aggregate(&self, table: TableId, op: AggregateOp) -> bool {
        self.has_aggregated_column(table, op) || self.aggregated_computed(table, op).next().is_some()
    }

    /// Rows are sorted by aggregates of columns only.
    pub fn has_aggregated_column(&self, table: TableId, op: AggregateOp) -> bool {
        self.aggregated_columns(table, op).next().is_some()
    }
}
