//! The types introspection itself is made of (GraphQL specification, October 2021, section 4.2).

use super::{EnumValue, FieldDef, InputDef, Kind, Schema, TypeId, TypeRef};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meta {
    Schema,
    Type,
    Field,
    InputValue,
    EnumValue,
    Directive,
    TypeKind,
    DirectiveLocation,
}

const TYPE_KINDS: [&str; 8] = ["ENUM", "INPUT_OBJECT", "INTERFACE", "LIST", "NON_NULL", "OBJECT", "SCALAR", "UNION"];

const LOCATIONS: [&str; 19] = [
    "ARGUMENT_DEFINITION",
    "ENUM",
    "ENUM_VALUE",
    "FIELD",
    "FIELD_DEFINITION",
    "FRAGMENT_DEFINITION",
    "FRAGMENT_SPREAD",
    "INLINE_FRAGMENT",
    "INPUT_FIELD_DEFINITION",
    "INPUT_OBJECT",
    "INTERFACE",
    "MUTATION",
    "OBJECT",
    "QUERY",
    "SCALAR",
    "SCHEMA",
    "SUBSCRIPTION",
    "UNION",
    "VARIABLE_DEFINITION",
];

impl Meta {
    pub const ALL: [Self; 8] = [
        Self::Directive,
        Self::DirectiveLocation,
        Self::EnumValue,
        Self::Field,
        Self::InputValue,
        Self::Schema,
        Self::Type,
        Self::TypeKind,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Schema => "__Schema",
            Self::Type => "__Type",
            Self::Field => "__Field",
            Self::InputValue => "__InputValue",
            Self::EnumValue => "__EnumValue",
            Self::Directive => "__Directive",
            Self::TypeKind => "__TypeKind",
            Self::DirectiveLocation => "__DirectiveLocation",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|meta| meta.name() == name)
    }

    pub fn kind(self) -> Kind {
        match self {
            Self::TypeKind | Self::DirectiveLocation => Kind::Enum,
            _ => Kind::Object,
        }
    }

    pub(super) fn description(self) -> Option<&'static str> {
        match self {
            Self::TypeKind => Some("An enum describing what kind of type a given `__Type` is."),
            Self::DirectiveLocation => Some("A place where a directive may stand."),
            _ => None,
        }
    }

    pub(super) fn values(id: TypeId) -> Vec<EnumValue> {
        let names: &[&str] = if id == TypeId::Meta(Self::TypeKind) { &TYPE_KINDS } else { &LOCATIONS };
        names.iter().map(|name| EnumValue { name: (*name).to_owned(), description: None }).collect()
    }

    pub(super) fn fields(self, schema: &Schema) -> Vec<FieldDef> {
        let string = || TypeRef::from(schema.built_in("String"));
        let boolean = || TypeRef::from(schema.built_in("Boolean"));
        let meta = |meta: Self| TypeRef::from(TypeId::Meta(meta));
        let list = |item: Self| TypeRef::list_of(meta(item));
        let named = || vec![FieldDef::new("name", string().required()), FieldDef::new("description", string())];
        let deprecation =
            || [FieldDef::new("isDeprecated", boolean().required()), FieldDef::new("deprecationReason", string())];
        let with_deprecated = |name: &str, item: Self| with_deprecated(schema, name, item);
        let mut fields = named();
        match self {
            Self::Schema => {
                fields = vec![
                    FieldDef::new("description", string()),
                    FieldDef::new("types", list(Self::Type).required()),
                    FieldDef::new("queryType", meta(Self::Type).required()),
                    FieldDef::new("mutationType", meta(Self::Type)),
                    FieldDef::new("subscriptionType", meta(Self::Type)),
                    FieldDef::new("directives", list(Self::Directive).required()),
                ];
            }
            Self::Type => fields = type_fields(schema),
            Self::Field => {
                fields.push(FieldDef {
                    r#type: list(Self::InputValue).required(),
                    ..with_deprecated("args", Self::InputValue)
                });
                fields.push(FieldDef::new("type", meta(Self::Type).required()));
                fields.extend(deprecation());
            }
            Self::InputValue => {
                fields.push(FieldDef::new("type", meta(Self::Type).required()));
                fields.push(FieldDef::new("defaultValue", string()));
                fields.extend(deprecation());
            }
            Self::EnumValue => fields.extend(deprecation()),
            Self::Directive => {
                fields.push(FieldDef::new("locations", list(Self::DirectiveLocation).required()));
                fields.push(FieldDef {
                    r#type: list(Self::InputValue).required(),
                    ..with_deprecated("args", Self::InputValue)
                });
                fields.push(FieldDef::new("isRepeatable", boolean().required()));
            }
            Self::TypeKind | Self::DirectiveLocation => fields.clear(),
        }
        fields
    }
}

fn type_fields(schema: &Schema) -> Vec<FieldDef> {
    let string = || TypeRef::from(schema.built_in("String"));
    let meta = |meta: Meta| TypeRef::from(TypeId::Meta(meta));
    vec![
        FieldDef::new("kind", meta(Meta::TypeKind).required()),
        FieldDef::new("name", string()),
        FieldDef::new("description", string()),
        with_deprecated(schema, "fields", Meta::Field),
        FieldDef::new("interfaces", TypeRef::list_of(meta(Meta::Type))),
        FieldDef::new("possibleTypes", TypeRef::list_of(meta(Meta::Type))),
        with_deprecated(schema, "enumValues", Meta::EnumValue),
        with_deprecated(schema, "inputFields", Meta::InputValue),
        FieldDef::new("ofType", meta(Meta::Type)),
        FieldDef::new("specifiedByURL", string()),
    ]
}

/// A list whose deprecated items show only when asked for.
fn with_deprecated(schema: &Schema, name: &str, item: Meta) -> FieldDef {
    let include =
        InputDef { default: Some("false".into()), ..InputDef::new("includeDeprecated", schema.built_in("Boolean")) };
    FieldDef { arguments: vec![include], ..FieldDef::new(name, TypeRef::list_of(TypeId::Meta(item))) }
}

/// A directive clients may write.
#[derive(Debug)]
pub struct DirectiveDef {
    pub name: &'static str,
    pub description: &'static str,
    pub locations: &'static [&'static str],
    pub arguments: Vec<InputDef>,
}

impl Schema {
    pub fn directives(&self) -> Vec<DirectiveDef> {
        let condition = || vec![InputDef::new("if", TypeRef::from(self.built_in("Boolean")).required())];
        let option = |name: &'static str, r#type, default: &'static str, description: &str| {
            let input = InputDef::new(name, TypeRef::from(self.built_in(r#type)).required()).described(description);
            InputDef { default: Some(default.into()), ..input }
        };
        let locations = &["FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"];
        vec![
            DirectiveDef {
                name: "include",
                description: "whether this query should be included",
                locations,
                arguments: condition(),
            },
            DirectiveDef {
                name: "skip",
                description: "whether this query should be skipped",
                locations,
                arguments: condition(),
            },
            // It is accepted and does nothing, as in Hasura outside of its cloud; clients' tools must know it.
            DirectiveDef {
                name: "cached",
                description: "whether this query should be cached (Hasura Cloud only)",
                locations: &["QUERY"],
                arguments: vec![
                    option("ttl", "Int", "60", "measured in seconds"),
                    option("refresh", "Boolean", "false", "refresh the cache entry"),
                ],
            },
        ]
    }

    /// The type of that name, if the schema reaches it: what stands apart from all that a role may ask is none of its
    /// business, such as the values of an enum.
    pub fn shown_type(&self, name: &str) -> Option<TypeId> {
        let found = self.type_named(name)?;
        let reached = || self.all_types().into_iter().any(|id| self.type_name(id) == name);
        (self.is_admin() || reached()).then_some(found)
    }

    /// Every type the schema reaches, in order of name.
    pub fn all_types(&self) -> Vec<TypeId> {
        let mut seen = std::collections::HashSet::new();
        let mut open =
            vec![TypeId::QueryRoot, TypeId::Meta(Meta::Schema), self.built_in("Boolean"), self.built_in("String")];
        open.extend([TypeId::MutationRoot, TypeId::SubscriptionRoot].into_iter().filter(|&id| self.exists(id)));
        let mut found = Vec::new();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let definition = self.describe(id);
            let inputs = definition.inputs.iter().chain(definition.fields.iter().flat_map(|field| &field.arguments));
            open.extend(inputs.map(|input| input.r#type.named()));
            open.extend(definition.fields.iter().map(|field| field.r#type.named()));
            let reached = self.possible_types(id).iter().chain(self.interfaces(id));
            open.extend(reached.map(|&id| TypeId::Foreign(id)));
            found.push((definition.name, id));
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        // Services may have equal types, or the database's.
        found.dedup_by(|a, b| a.0 == b.0);
        found.into_iter().map(|(_, id)| id).collect()
    }
}
