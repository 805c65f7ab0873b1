//! `order_by`'s values.

/// Which way to sort, and where nulls go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Asc,
    AscNullsFirst,
    AscNullsLast,
    Desc,
    DescNullsFirst,
    DescNullsLast,
}

impl Direction {
    pub const ALL: [Self; 6] =
        [Self::Asc, Self::AscNullsFirst, Self::AscNullsLast, Self::Desc, Self::DescNullsFirst, Self::DescNullsLast];

    pub fn name(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::AscNullsFirst => "asc_nulls_first",
            Self::AscNullsLast => "asc_nulls_last",
            Self::Desc => "desc",
            Self::DescNullsFirst => "desc_nulls_first",
            Self::DescNullsLast => "desc_nulls_last",
        }
    }

    pub fn description(self) -> &'static str {
        match self {
            Self::Asc | Self::AscNullsLast => "in ascending order, nulls last",
            Self::AscNullsFirst => "in ascending order, nulls first",
            Self::Desc | Self::DescNullsFirst => "in descending order, nulls first",
            Self::DescNullsLast => "in descending order, nulls last",
        }
    }

    pub fn sql(self) -> &'static str {
        match self {
            Self::Asc | Self::AscNullsLast => "ASC",
            Self::AscNullsFirst => "ASC NULLS FIRST",
            Self::Desc | Self::DescNullsFirst => "DESC",
            Self::DescNullsLast => "DESC NULLS LAST",
        }
    }
}
