//! What a person says about a database for GraphQL: which tables are tracked, their relationships, permissions and
//! triggers, and what is served beside them. The types read and write Hasura's metadata, version 3, as Hasura's
//! `export_metadata` does: the same keys, the same order, defaults left out.
//!
//! It is not: a check of any of it. Boolean expressions, transforms and the like stay JSON here, and names are only
//! looked up in a database by the GraphQL engine.
//!
//! Key types: [`Metadata`] → [`Source`] → [`Table`], [`Function`]; [`QualifiedName`].
//!
//! ```
//! let text = r#"{"version":3,"sources":[{"name":"default","kind":"postgres","tables":[{"table":"users"}]}]}"#;
//! let metadata: metadata::Metadata = serde_json::from_str(text)?;
//! assert_eq!(metadata.sources[0].tables[0].table, metadata::QualifiedName::new("public", "users"));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod action;
pub mod diff;
mod fingerprint;
pub mod folder;
mod function;
mod limits;
mod name;
mod order;
mod permission;
mod read;
mod relationship;
mod remote;
mod rest;
mod root;
mod serial;
mod source;
mod table;
mod trigger;

pub use action::{
    Action, ActionArgument, ActionDefinition, ActionKind, ActionPermission, ActionType, CustomTypes, EnumType,
    EnumValue, InputField, InputObject, ObjectField, ObjectType, ScalarType,
};
pub use fingerprint::Fingerprint;
pub use function::{ExposedAs, Function, FunctionConfig, FunctionPermission, FunctionRootFields};
pub use limits::{ApiLimits, GraphqlIntrospection, Limit, MetricsConfig, RateLimit, UniqueParams};
pub use name::QualifiedName;
pub use permission::{
    Columns, DeletePermission, InsertPermission, Permission, QueryRootField, SelectPermission, SubscriptionRootField,
    UpdatePermission,
};
pub use read::{Unreadable, read, read_text, upgrade};
pub use relationship::{
    ArrayUsing, ForeignKeyOn, Insertion, ManualConfiguration, ObjectUsing, Relationship, RemoteColumns,
};
pub use remote::{RemoteRelationship, RemoteSchema, RemoteSchemaDefinition, RemoteSchemaPermission};
pub use rest::{
    AllowlistEntry, AllowlistScope, CollectionDefinition, CollectionQuery, EndpointDefinition, EndpointQuery,
    QueryCollection, RestEndpoint,
};
pub use root::{InheritedRole, Metadata};
pub use source::{NamingConvention, RootFieldsCustomization, Source, SourceCustomization, TypeNamesCustomization};
pub use table::{
    ColumnConfig, ComputedField, ComputedFieldDefinition, CustomRootFields, RootField, Table, TableConfig,
};
pub use trigger::{CronRetry, CronTrigger, EventTrigger, Header, Operation, RetryConf, TriggerDefinition};
