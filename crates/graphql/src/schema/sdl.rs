//! The schema as GraphQL's schema definition language, for code generators and tests.

use std::fmt::Write as _;

use super::{FieldDef, InputDef, Kind, Schema, TypeDef, TypeId};

impl Schema {
    /// Introspection's own types and the built-in scalars are left out, as every reader knows them.
    pub fn sdl(&self) -> String {
        let mut out = String::from("schema {\n  query: query_root\n");
        if self.exists(TypeId::MutationRoot) {
            out.push_str("  mutation: mutation_root\n");
        }
        if self.exists(TypeId::SubscriptionRoot) {
            out.push_str("  subscription: subscription_root\n");
        }
        out.push_str("}\n");
        for id in self.all_types() {
            let definition = self.describe(id);
            let built_in = crate::model::BUILT_IN.contains(&definition.name.as_str());
            if !built_in && !matches!(id, TypeId::Meta(_)) {
                out.push('\n');
                self.write_type(&mut out, &definition);
            }
        }
        out
    }

    fn write_type(&self, out: &mut String, definition: &TypeDef) {
        write_description(out, "", definition.description.as_deref());
        let (keyword, name) = match definition.kind {
            Kind::Scalar => ("scalar", &definition.name),
            Kind::Object => ("type", &definition.name),
            Kind::Enum => ("enum", &definition.name),
            Kind::InputObject => ("input", &definition.name),
            Kind::Interface => ("interface", &definition.name),
            Kind::Union => ("union", &definition.name),
        };
        let _ = write!(out, "{keyword} {name}");
        if definition.kind == Kind::Scalar {
            out.push('\n');
            return;
        }
        out.push_str(" {\n");
        for field in &definition.fields {
            write_description(out, "  ", field.description.as_deref());
            let _ = writeln!(out, "  {}{}: {}", field.name, self.arguments(field), field.r#type.text(self));
        }
        for input in &definition.inputs {
            write_description(out, "  ", input.description.as_deref());
            let _ = writeln!(out, "  {}", self.input(input));
        }
        for value in &definition.values {
            write_description(out, "  ", value.description.as_deref());
            let _ = writeln!(out, "  {}", value.name);
        }
        out.push_str("}\n");
    }

    fn arguments(&self, field: &FieldDef) -> String {
        if field.arguments.is_empty() {
            return String::new();
        }
        let list: Vec<String> = field.arguments.iter().map(|argument| self.input(argument)).collect();
        format!("({})", list.join(", "))
    }

    fn input(&self, input: &InputDef) -> String {
        let default = input.default.as_ref().map(|default| format!(" = {default}")).unwrap_or_default();
        format!("{}: {}{default}", input.name, input.r#type.text(self))
    }
}

fn write_description(out: &mut String, indent: &str, description: Option<&str>) {
    if let Some(text) = description {
        // JSON's escapes are GraphQL's.
        let quoted = serde_json::Value::from(text);
        let _ = writeln!(out, "{indent}{quoted}");
    }
}
