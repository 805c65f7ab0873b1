//! `__schema` and `__type`: answered from the schema alone.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::failure::{Failure, Path};
use crate::plan::{Planner, unknown_field};
use crate::schema::{DirectiveDef, EnumValue, FieldDef, InputDef, Kind, Meta, TypeDef, TypeId, TypeRef};
use crate::validate::Selected;
use crate::value::{Datum, View};

/// JSON that one answer may have. The whole schema of 2,000 tables has some 100 MB.
const SIZE_LIMIT: usize = 512 << 20;

/// Something that can be selected from.
#[derive(Clone, Copy)]
enum Node<'n> {
    Schema,
    Type(&'n TypeRef),
    Definition(&'n TypeDef),
    Field(&'n FieldDef),
    Input(&'n InputDef),
    EnumValue(&'n EnumValue),
    Directive(&'n DirectiveDef),
}

impl Node<'_> {
    fn meta(self) -> Meta {
        match self {
            Self::Schema => Meta::Schema,
            Self::Type(_) | Self::Definition(_) => Meta::Type,
            Self::Field(_) => Meta::Field,
            Self::Input(_) => Meta::InputValue,
            Self::EnumValue(_) => Meta::EnumValue,
            Self::Directive(_) => Meta::Directive,
        }
    }
}

/// Writes the answer of a selection, once collected, for many nodes.
struct Writer<'w, 'a> {
    planner: &'w mut Planner<'a>,
    out: String,
}

/// Fields that an answer about the schema may have: the standard question to a schema of 1,000 tables has about a million.
const FIELD_LIMIT: usize = 10_000_000;

/// The JSON of `__schema` or `__type`.
pub(crate) fn root<'a>(planner: &mut Planner<'a>, selected: &Selected<'a>, path: &Path<'_>) -> Result<String, Failure> {
    // Its fields grow with the schema, not with the request, so they have a limit of their own.
    let left = planner.validator.replace_fields_left(FIELD_LIMIT);
    let answer = about_schema(planner, selected, path);
    planner.validator.replace_fields_left(left);
    answer
}

fn about_schema<'a>(planner: &mut Planner<'a>, selected: &Selected<'a>, path: &Path<'_>) -> Result<String, Failure> {
    let mut wanted = Some(TypeId::QueryRoot);
    if selected.field.name == "__type" {
        let name = InputDef {
            name: "name".to_owned(),
            description: None,
            r#type: TypeRef::from(planner.schema.built_in("String")).required(),
            default: None,
        };
        let arguments = planner.validator.arguments(selected.field, &[name], path)?;
        let text = match arguments.first().map(|(_, value)| planner.validator.variables.view(value)) {
            Some(View::Scalar(Datum::String(text))) => text.into_owned(),
            other => {
                let found = other.map_or("null", |view| view.describe());
                let message = format!("expected a string for type 'String', but found {found}");
                return Err(Failure::invalid(path.key("args").key("name"), message));
            }
        };
        wanted = planner.schema.shown_type(&text);
    }
    let mut writer = Writer { planner, out: String::new() };
    match (selected.field.name.as_str(), wanted) {
        ("__schema", _) => writer.object(Node::Schema, selected, path)?,
        (_, Some(id)) => writer.object(Node::Type(&id.into()), selected, path)?,
        // The selection is checked all the same.
        (_, None) => {
            writer.object(Node::Type(&TypeId::QueryRoot.into()), selected, path)?;
            writer.out = "null".to_owned();
        }
    }
    Ok(writer.out)
}

impl<'a> Writer<'_, 'a> {
    fn object(&mut self, node: Node<'_>, selected: &Selected<'a>, path: &Path<'_>) -> Result<(), Failure> {
        let type_name = node.meta().name();
        let fields = self.planner.validator.inside(selected, type_name, path)?;
        self.collected(node, &fields, &path.key("selectionSet"))
    }

    fn collected(&mut self, node: Node<'_>, fields: &[Selected<'a>], path: &Path<'_>) -> Result<(), Failure> {
        if self.out.len() > SIZE_LIMIT {
            return Err(Failure::invalid(path, "the answer to this introspection is too large"));
        }
        if let Node::Type(TypeRef::Named(id)) = node {
            let definition = self.planner.schema.describe(*id);
            return self.collected(Node::Definition(&definition), fields, path);
        }
        self.out.push('{');
        for (index, selected) in fields.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            let _ = write!(self.out, "\"{}\":", selected.key);
            self.field(node, selected, &path.key(selected.key))?;
        }
        self.out.push('}');
        Ok(())
    }

    fn field(&mut self, node: Node<'_>, selected: &Selected<'a>, path: &Path<'_>) -> Result<(), Failure> {
        let name = selected.field.name.as_str();
        if name == "__typename" {
            self.text(Some(node.meta().name()));
            return Ok(());
        }
        match node {
            Node::Schema => self.schema_field(name, selected, path),
            Node::Type(wrapper) => self.wrapper_field(wrapper, name, selected, path),
            Node::Definition(definition) => self.type_field(definition, name, selected, path),
            Node::Field(field) => match name {
                "args" => self.list(field.arguments.iter().map(Node::Input), selected, path),
                "type" => self.object(Node::Type(&field.r#type), selected, path),
                _ => self.described(node, name, &field.name, field.description.as_deref(), path),
            },
            Node::Input(input) => match name {
                "type" => self.object(Node::Type(&input.r#type), selected, path),
                "defaultValue" => {
                    self.text(input.default.as_deref());
                    Ok(())
                }
                _ => self.described(node, name, &input.name, input.description.as_deref(), path),
            },
            Node::EnumValue(value) => self.described(node, name, &value.name, value.description.as_deref(), path),
            Node::Directive(directive) => self.directive_field(directive, name, selected, path),
        }
    }

    fn schema_field(&mut self, name: &str, selected: &Selected<'a>, path: &Path<'_>) -> Result<(), Failure> {
        match name {
            "types" => {
                let types: Vec<TypeRef> = self.planner.schema.all_types().into_iter().map(TypeRef::from).collect();
                self.list(types.iter().map(Node::Type), selected, path)
            }
            "queryType" => self.object(Node::Type(&TypeId::QueryRoot.into()), selected, path),
            "subscriptionType" if self.planner.schema.exists(TypeId::SubscriptionRoot) => {
                self.object(Node::Type(&TypeId::SubscriptionRoot.into()), selected, path)
            }
            "mutationType" if self.planner.schema.exists(TypeId::MutationRoot) => {
                self.object(Node::Type(&TypeId::MutationRoot.into()), selected, path)
            }
            "mutationType" | "subscriptionType" => self.nothing(Node::Type(&TypeId::QueryRoot.into()), selected, path),
            "directives" => {
                let directives = self.planner.schema.directives();
                self.list(directives.iter().map(Node::Directive), selected, path)
            }
            "description" => {
                self.text(None);
                Ok(())
            }
            other => Err(unknown_field(other, Meta::Schema.name(), path)),
        }
    }

    /// A field of `[T]` or `T!`.
    fn wrapper_field(
        &mut self,
        wrapper: &TypeRef,
        name: &str,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<(), Failure> {
        let (kind, inner) = match wrapper {
            TypeRef::List(inner) => ("LIST", inner),
            TypeRef::NonNull(inner) => ("NON_NULL", inner),
            TypeRef::Named(id) => {
                let definition = self.planner.schema.describe(*id);
                return self.type_field(&definition, name, selected, path);
            }
        };
        match name {
            "kind" => self.text(Some(kind)),
            "ofType" => return self.object(Node::Type(inner), selected, path),
            "name" | "description" | "fields" | "interfaces" | "possibleTypes" | "enumValues" | "inputFields"
            | "specifiedByURL" => self.text(None),
            other => return Err(unknown_field(other, Meta::Type.name(), path)),
        }
        Ok(())
    }

    fn type_field(
        &mut self,
        definition: &TypeDef,
        name: &str,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<(), Failure> {
        match (name, definition.kind) {
            ("kind", kind) => self.text(Some(kind.name())),
            ("name", _) => self.text(Some(&definition.name)),
            ("description", _) => self.text(definition.description.as_deref()),
            ("fields", Kind::Object | Kind::Interface) => {
                return self.list(definition.fields.iter().map(Node::Field), selected, path);
            }
            ("inputFields", Kind::InputObject) => {
                return self.list(definition.inputs.iter().map(Node::Input), selected, path);
            }
            ("enumValues", Kind::Enum) => {
                return self.list(definition.values.iter().map(Node::EnumValue), selected, path);
            }
            ("possibleTypes", Kind::Interface | Kind::Union) => {
                return self.foreign_types(definition, true, selected, path);
            }
            ("interfaces", Kind::Object | Kind::Interface) => {
                return self.foreign_types(definition, false, selected, path);
            }
            ("fields" | "inputFields" | "enumValues" | "interfaces" | "possibleTypes" | "ofType", _)
            | ("specifiedByURL", _) => self.text(None),
            (other, _) => return Err(unknown_field(other, Meta::Type.name(), path)),
        }
        Ok(())
    }

    /// The possible types of an abstract type, or the interfaces of an object.
    fn foreign_types(
        &mut self,
        definition: &TypeDef,
        possible: bool,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<(), Failure> {
        let schema = self.planner.schema;
        let id = schema.type_named(&definition.name);
        let found = id.map_or(&[][..], |id| if possible { schema.possible_types(id) } else { schema.interfaces(id) });
        let mut types: Vec<TypeRef> = found.iter().map(|&id| TypeId::Foreign(id).into()).collect();
        match id {
            Some(TypeId::Node) if possible => types.extend(schema.nodes().map(|table| TypeId::Table(table).into())),
            Some(TypeId::Table(table)) if !possible && schema.is_node(table) => types.push(TypeId::Node.into()),
            _ => {}
        }
        self.list(types.iter().map(Node::Type), selected, path)
    }

    fn directive_field(
        &mut self,
        directive: &DirectiveDef,
        name: &str,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<(), Failure> {
        match name {
            "name" => self.text(Some(directive.name)),
            "description" => self.text(Some(directive.description)),
            "locations" => self.out.push_str(&Json::from(directive.locations).to_string()),
            "args" => return self.list(directive.arguments.iter().map(Node::Input), selected, path),
            "isRepeatable" => self.out.push_str("false"),
            other => return Err(unknown_field(other, Meta::Directive.name(), path)),
        }
        Ok(())
    }

    /// What fields, inputs and enum values have in common. Nothing is deprecated.
    fn described(
        &mut self,
        node: Node<'_>,
        field: &str,
        name: &str,
        description: Option<&str>,
        path: &Path<'_>,
    ) -> Result<(), Failure> {
        match field {
            "name" => self.text(Some(name)),
            "description" => self.text(description),
            "isDeprecated" => self.out.push_str("false"),
            "deprecationReason" => self.text(None),
            other => return Err(unknown_field(other, node.meta().name(), path)),
        }
        Ok(())
    }

    fn list<'n>(
        &mut self,
        nodes: impl Iterator<Item = Node<'n>>,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<(), Failure> {
        self.out.push('[');
        let mut fields = None;
        for (index, node) in nodes.enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            let fields = match &mut fields {
                Some(fields) => fields,
                // Collected once for the whole list.
                none => none.insert(self.planner.validator.inside(selected, node.meta().name(), path)?),
            };
            self.collected(node, fields, &path.key("selectionSet"))?;
        }
        self.out.push(']');
        Ok(())
    }

    /// Null, after checking that the selection would have been right for `node`.
    fn nothing(&mut self, node: Node<'_>, selected: &Selected<'a>, path: &Path<'_>) -> Result<(), Failure> {
        let length = self.out.len();
        self.object(node, selected, path)?;
        self.out.truncate(length);
        self.text(None);
        Ok(())
    }

    fn text(&mut self, text: Option<&str>) {
        let _ = write!(self.out, "{}", text.map_or(Json::Null, Json::from));
    }
}
