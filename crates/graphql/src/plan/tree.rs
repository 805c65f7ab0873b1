//! A plan's parts. [`super::Planner`] makes them, [`crate::sql`] writes them.

use crate::schema::{AggregateOp, FoldFunction, FunctionId, Operator, TableId};
use crate::value::{Encoding, Source, Touch};

use super::mutation::Mutation;
use super::{Direction, Slice};

/// Position in [`Plan::parameters`].
pub type ParameterId = usize;

/// One request, ready to be written as SQL.
#[derive(Debug, Default)]
pub struct Plan {
    /// Served over a socket only.
    pub is_subscription: bool,
    /// Its roots are executed one after the other.
    pub is_mutation: bool,
    pub roots: Vec<Root>,
    pub parameters: Vec<Parameter>,
    /// Columns that the role, being inherited, sees in some rows only; all that the plan shows or compares.
    pub conditions: Vec<Condition>,
    /// Fields that others answer once the objects around them are known; outer ones first.
    pub joins: Vec<crate::foreign::plan::Join>,
    /// Who is asked about the input before anything is written.
    pub vettings: Vec<crate::vetting::Vetting>,
    /// Names and values are the database's own: no convention changes an enum's.
    pub is_legacy: bool,
    /// What must be the same in another request's variables for this plan to fit it.
    pub touches: Vec<Touch>,
}

/// Rows in which a column (or computed field) has its value; in all others it is null.
#[derive(Debug)]
pub struct Condition {
    pub table: TableId,
    pub field: Field,
    pub filter: Filter,
}

/// A value of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Column(usize),
    Computed(usize),
}

/// A field of the database, or of others, and the key it is answered under.
#[derive(Debug)]
pub struct Root {
    /// The key of `data` that holds it, of a field inside the source's namespace. Those of one namespace follow each
    /// other.
    pub namespace: Option<String>,
    pub key: String,
    pub value: RootValue,
}

impl Root {
    /// Keys from `data` to the value.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.namespace.iter().chain([&self.key]).map(String::as_str)
    }
}

#[derive(Debug)]
pub enum RootValue {
    Rows(Select),
    /// At most one row, else null.
    One(Select),
    Aggregate(AggregateSelect),
    Connection(Connection),
    /// Alone in its request. Its statement has two columns: the rows, and the last one's cursor as text (JSON).
    Stream(Stream),
    /// Writes to a table.
    Mutation(Box<Mutation>),
    /// Needs no database: its JSON.
    Ready(String),
    /// A service answers.
    Remote(Box<crate::foreign::plan::Fetch>),
    /// A webhook answers.
    Action(Box<crate::action::Call>),
    ActionOutcome(Box<crate::action::Outcome>),
}

/// Rows after a cursor.
#[derive(Debug)]
pub struct Stream {
    pub select: Select,
    pub cursor: StreamCursor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamCursor {
    pub column: usize,
    /// Where the last row's value goes to learn what came after it; none where nothing ever comes.
    pub parameter: Option<ParameterId>,
    pub descending: bool,
}

/// A value sent beside the statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    pub source: Source,
    pub encoding: Encoding,
    /// Its text, where it is the same for every request.
    pub constant: Option<String>,
}

#[derive(Debug)]
pub struct Select {
    pub table: TableId,
    pub rows: Rows,
    pub output: Vec<Output>,
}

/// Which rows, in which order.
#[derive(Debug)]
pub struct Rows {
    pub from: From,
    pub filter: Filter,
    pub distinct: Vec<usize>,
    /// Rows that `order` sorts by.
    pub joins: Vec<OrderJoin>,
    pub order: Vec<Order>,
    pub limit: Option<u32>,
    pub offset: Option<Offset>,
    /// Relay: only what comes after a point in the order, or before it.
    pub split: Option<Split>,
    /// Relay: the limit counts from the end.
    pub reversed: bool,
}

/// A point in the order of rows.
#[derive(Debug)]
pub struct Split {
    pub after: bool,
    /// For each item of the order; none for null.
    pub values: Vec<Option<ParameterId>>,
}

/// Rows as Relay reads them.
#[derive(Debug)]
pub struct Connection {
    pub table: TableId,
    /// Without a limit of their own.
    pub rows: Rows,
    pub slice: Option<Slice>,
    /// For each item of the order, where a cursor has its value.
    pub cursor: Vec<Vec<String>>,
    pub output: Vec<ConnectionOutput>,
}

#[derive(Debug)]
pub struct ConnectionOutput {
    pub key: String,
    pub value: ConnectionValue,
}

#[derive(Debug)]
pub enum ConnectionValue {
    Edges(Vec<EdgeOutput>),
    PageInfo(Vec<PageOutput>),
    TypeName(String),
}

#[derive(Debug)]
pub struct EdgeOutput {
    pub key: String,
    pub value: EdgeValue,
}

#[derive(Debug)]
pub enum EdgeValue {
    Cursor,
    Node(Vec<Output>),
    TypeName(String),
}

#[derive(Debug)]
pub struct PageOutput {
    pub key: String,
    pub value: PageInfo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageInfo {
    HasNext,
    HasPrevious,
    Start,
    End,
    TypeName,
}

/// Where rows come from.
#[derive(Debug, Clone, PartialEq)]
pub enum From {
    /// The table itself.
    Table,
    /// A tracked function.
    Function { function: FunctionId, call: Call },
    /// A computed field of the row around, which is one of `table`.
    Computed { table: TableId, computed: usize, call: Call },
}

/// What a function is called with, the row around aside.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Call {
    /// Positions among the arguments that a client may give.
    pub arguments: Vec<(usize, Operand, Cast)>,
    /// The session as JSON, where the function wants it.
    pub session: Option<ParameterId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offset {
    Fixed(u64),
    Parameter(ParameterId),
}

#[derive(Debug)]
pub struct Output {
    pub key: String,
    pub value: OutputValue,
}

#[derive(Debug)]
pub enum OutputValue {
    Column {
        column: usize,
        path: Option<ParameterId>,
    },
    /// A computed field with a value.
    Computed {
        computed: usize,
        call: Call,
        path: Option<ParameterId>,
    },
    /// A computed field with rows, or with one.
    ComputedRows(Select),
    ComputedRow(Select),
    /// Relay's global id.
    NodeId,
    Connection {
        relationship: usize,
        connection: Connection,
    },
    Object {
        relationship: usize,
        select: Select,
    },
    Array {
        relationship: usize,
        select: Select,
    },
    Aggregate {
        relationship: usize,
        select: AggregateSelect,
    },
    TypeName(String),
    /// A join's place.
    Null,
}

#[derive(Debug)]
pub struct AggregateSelect {
    pub table: TableId,
    pub rows: Rows,
    /// The permission's limit, which holds for nodes and not for what is counted.
    pub node_limit: Option<u32>,
    pub output: Vec<AggregateOutput>,
}

#[derive(Debug)]
pub struct AggregateOutput {
    pub key: String,
    pub value: AggregateValue,
}

#[derive(Debug)]
pub enum AggregateValue {
    Fields(Vec<FieldOutput>),
    Nodes(Vec<Output>),
    TypeName(String),
}

#[derive(Debug)]
pub struct FieldOutput {
    pub key: String,
    pub value: FieldValue,
}

#[derive(Debug)]
pub enum FieldValue {
    Count { columns: Vec<usize>, distinct: bool },
    Op { op: AggregateOp, columns: Vec<(String, OpColumn)> },
    TypeName(String),
}

#[derive(Debug)]
pub enum OpColumn {
    Column(usize),
    Computed { computed: usize, call: Call },
    TypeName(String),
}

/// A condition on a row, of a request or of a permission.
///
/// Permissions hold [`Operand::Session`], [`Operand::WholeSession`] and [`Operand::Literal`]; a request's plan holds
/// none of them, since planning makes parameters of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Compare {
        subject: Subject,
        operator: &'static Operator,
        operand: Operand,
        cast: Cast,
    },
    /// An operator over several values, a function whose first argument is the subject.
    Call {
        subject: Subject,
        operator: &'static Operator,
        arguments: Vec<(Operand, Cast)>,
    },
    IsNull {
        subject: Subject,
        wanted: bool,
    },
    /// The condition of one permission: its row is what [`Operand::Column`] with `root` means inside.
    Rooted(Box<Filter>),
    /// A row of any table passes, whatever this row is: `_exists`.
    Exists {
        table: TableId,
        filter: Box<Filter>,
    },
    /// A row exists over the relationship that passes.
    Related {
        relationship: usize,
        filter: Box<Filter>,
    },
    /// The computed field gives a row that passes.
    ComputedRows {
        computed: usize,
        session: Option<Operand>,
        filter: Box<Filter>,
    },
    /// An aggregate over the relationship's passing rows satisfies the predicate.
    Folded {
        relationship: usize,
        fold: Fold,
        filter: Box<Filter>,
        predicate: Box<Filter>,
    },
}

/// Right-hand side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    Parameter(ParameterId),
    /// A session variable by its lower-case name. Its text is PostgreSQL's own, of lists too.
    Session(String),
    /// All session variables as JSON.
    WholeSession,
    /// A text in PostgreSQL's format that the metadata gives.
    Literal(String),
    Null,
    /// Another column: of the row that the whole filter is about, or of the row around the comparison.
    Column {
        root: bool,
        column: usize,
    },
}

/// The SQL type of a value that is sent as text, and how it is made from that text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cast {
    /// As SQL writes it, without a modifier.
    pub sql: String,
    pub reader: Reader,
}

/// How PostgreSQL makes a value from a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// By the type's own input.
    Text,
    /// By PostGIS's `ST_GeomFromGeoJSON`.
    GeoJson,
    /// By PostGIS's `ST_RastFromHexWKB`.
    Raster,
}

/// Left-hand side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Column(usize),
    /// The column cast to another type, which is named as SQL writes it.
    Cast(usize, String),
    /// A scalar computed field that needs nothing but the row, and the session where it wants it.
    Computed {
        computed: usize,
        session: Option<Operand>,
    },
    /// The aggregate of the surrounding [`Filter::Folded`].
    Fold,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Fold {
    Count {
        columns: Vec<usize>,
        distinct: bool,
    },
    /// Columns in the order in which SQL takes them.
    Of {
        function: FoldFunction,
        columns: Vec<usize>,
        distinct: bool,
    },
}

#[derive(Debug)]
pub struct Order {
    /// Position in [`Rows::joins`]; none for the row itself.
    pub joined: Option<usize>,
    pub target: OrderTarget,
    pub direction: Direction,
}

/// The row over an object relationship.
#[derive(Debug)]
pub struct OrderJoin {
    /// Another join; none for the row itself.
    pub outer: Option<usize>,
    /// Whose relationship it is.
    pub table: TableId,
    pub relationship: usize,
    /// Other rows count as none.
    pub filter: Filter,
}

#[derive(Debug)]
pub enum OrderTarget {
    Column(usize),
    Computed {
        computed: usize,
        call: Call,
    },
    /// An aggregate of rows that belong to the row.
    Aggregate {
        over: Over,
        filter: Filter,
        value: OrderValue,
    },
}

/// Rows that belong to a row.
#[derive(Debug)]
pub enum Over {
    Relationship(usize),
    Computed { computed: usize, call: Call },
}

#[derive(Debug, Clone, Copy)]
pub enum OrderValue {
    Count,
    Op(AggregateOp, usize),
}
