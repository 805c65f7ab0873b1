//! Functions, procedures and aggregates.

use serde::{Deserialize, Serialize};

use super::{Grant, TypeRef};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Function {
    pub schema: String,
    pub name: String,
    /// Differs between databases, and is left out of the JSON for that reason.
    #[serde(default, skip_serializing)]
    pub oid: u32,
    pub kind: FunctionKind,
    pub owner: String,
    #[serde(default)]
    pub comment: Option<String>,
    /// The extension it belongs to.
    #[serde(default)]
    pub extension: Option<String>,
    /// Input types as SQL writes them, which tells overloads apart: `integer, text`.
    pub signature: String,
    /// All arguments in declared order, those of `RETURNS TABLE` last.
    #[serde(default)]
    pub arguments: Vec<Argument>,
    /// What one call, or one row of a set, returns; none for a procedure.
    #[serde(default)]
    pub returns: Option<TypeRef>,
    /// `RETURNS SETOF` or `RETURNS TABLE`.
    #[serde(default)]
    pub returns_set: bool,
    pub volatility: Volatility,
    /// Returns null on null input without being called.
    #[serde(default)]
    pub strict: bool,
    #[serde(default)]
    pub security_definer: bool,
    #[serde(default)]
    pub leakproof: bool,
    pub parallel: Parallel,
    pub language: String,
    /// Planner's estimates, as ALTER FUNCTION sets them.
    pub cost: f64,
    #[serde(default)]
    pub rows: f64,
    /// `SET name = value` clauses as `name=value`.
    #[serde(default)]
    pub settings: Vec<String>,
    /// The source text; for C functions the symbol. None for an SQL-standard body.
    #[serde(default)]
    pub body: Option<String>,
    /// As `pg_get_functiondef` writes it; none for aggregates and for members of extensions.
    #[serde(default)]
    pub definition: Option<String>,
    #[serde(default)]
    pub grants: Vec<Grant>,
}

impl Function {
    /// The arguments a caller gives.
    pub fn inputs(&self) -> impl Iterator<Item = &Argument> {
        self.arguments.iter().filter(|argument| argument.mode.is_input())
    }

    /// The columns of the row it returns through OUT arguments or `RETURNS TABLE`.
    pub fn outputs(&self) -> impl Iterator<Item = &Argument> {
        self.arguments.iter().filter(|argument| argument.mode.is_output())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FunctionKind {
    #[serde(alias = "f")]
    Function,
    #[serde(alias = "p")]
    Procedure,
    #[serde(alias = "a")]
    Aggregate,
    #[serde(alias = "w")]
    Window,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Argument {
    /// None where the author gave no name.
    #[serde(default)]
    pub name: Option<String>,
    pub mode: ArgumentMode,
    #[serde(rename = "type")]
    pub r#type: TypeRef,
    /// May be left out by the caller.
    #[serde(default)]
    pub has_default: bool,
    #[serde(default)]
    pub default: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArgumentMode {
    #[serde(alias = "i")]
    In,
    #[serde(alias = "o")]
    Out,
    #[serde(alias = "b")]
    InOut,
    #[serde(alias = "v")]
    Variadic,
    #[serde(alias = "t")]
    Table,
}

impl ArgumentMode {
    pub fn is_input(self) -> bool {
        matches!(self, Self::In | Self::InOut | Self::Variadic)
    }

    pub fn is_output(self) -> bool {
        matches!(self, Self::Out | Self::InOut | Self::Table)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Volatility {
    #[serde(alias = "i")]
    Immutable,
    #[serde(alias = "s")]
    Stable,
    #[serde(alias = "v")]
    Volatile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parallel {
    #[serde(alias = "s")]
    Safe,
    #[serde(alias = "r")]
    Restricted,
    #[serde(alias = "u")]
    Unsafe,
}
