//! Tracked functions, and what functions and computed fields have in common.

use metadata::{ExposedAs, QualifiedName};
use postgres::Ident;
use postgres::catalog::{self, ArgumentMode, FunctionKind, TypeKind, Volatility};

use super::build::Builder;
use super::inconsistency::Inconsistency;
use super::naming::is_name;
use super::{ArgumentPlace, Function, FunctionArgument, FunctionRootNames, TableId};

impl<'a> Builder<'a> {
    pub(super) fn add_functions(&mut self, functions: &[metadata::Function]) {
        for found in functions {
            match self.function(found) {
                Ok(function) => self.model.functions.push(function),
                Err(inconsistency) => self.model.inconsistencies.push(*inconsistency),
            }
        }
    }

    fn function(&mut self, found: &metadata::Function) -> Result<Function, Box<Inconsistency>> {
        let name = &found.function;
        let source = self.only_function(name).map_err(|reason| Box::new(Inconsistency::of_function(name, reason)))?;
        let config = &found.configuration;
        let is_mutation = match config.exposed_as {
            Some(exposed) => exposed == ExposedAs::Mutation,
            None => source.volatility == Volatility::Volatile,
        };
        let custom = config.custom_name.clone();
        let base = custom.clone().unwrap_or_else(|| self.default_name(name));
        let session = config.session_argument.as_deref();
        let mut reasons = argument_objections(source, session);
        if !is_name(&base) {
            reasons.push("function name is not a legal GraphQL identifier".to_owned());
        }
        if is_mutation && source.volatility != Volatility::Volatile {
            reasons.push(
                "the function was requested to be exposed as a mutation, but is not marked VOLATILE. Maybe the \
                 function was given the wrong volatility when it was defined?"
                    .to_owned(),
            );
        }
        let returned = source.returns.as_ref();
        if returned.is_none_or(|returned| returned.kind != TypeKind::Composite) {
            reasons.push("the function does not return a \"COMPOSITE\" type".to_owned());
        }
        if !reasons.is_empty() {
            let reason = format!("the function \"{name}\" cannot be tracked {}", because(&reasons));
            return Err(Box::new(Inconsistency::of_function(name, reason)));
        }
        let returned = returned.map(|found| QualifiedName::new(&found.schema, &found.name));
        let returns = returned.as_ref().and_then(|table| self.model.tables_by_relation.get(table).copied());
        let Some(returns) = returns else {
            let table = returned.unwrap_or_else(|| name.clone());
            let mut inconsistency = Inconsistency::of_function(name, "");
            inconsistency.reason = format!("Inconsistent object: table \"{table}\" is not tracked");
            return Err(Box::new(inconsistency));
        };
        let field = |custom: &Option<metadata::RootField>, made: String| {
            custom.as_ref().and_then(|custom| custom.name.clone()).unwrap_or(made)
        };
        let naming = &self.model.naming;
        let own = naming.root("", &base, custom.is_some(), "");
        let aggregate = match &custom {
            Some(custom) => format!("{custom}_aggregate"),
            None => naming.derived(&own, "aggregate"),
        };
        let root_names = FunctionRootNames {
            function: naming.customized_root(&field(&config.custom_root_fields.function, own)),
            aggregate: naming.customized_root(&field(&config.custom_root_fields.function_aggregate, aggregate)),
        };
        let skip = session.map(|session| place_of(source, session)).into_iter().flatten().collect::<Vec<_>>();
        Ok(Function {
            name: base,
            schema_name: name.schema.clone(),
            function_name: name.name.clone(),
            sql: format!("{}.{}", Ident::new(&name.schema), Ident::new(&name.name)),
            comment: found.comment.clone().or_else(|| source.comment.clone()).filter(|text| !text.is_empty()),
            arguments: self.arguments(source, &skip),
            session_argument: skip.into_iter().next(),
            returns,
            returns_set: source.returns_set,
            is_mutation,
            root_names,
            permissions: found.permissions.iter().map(|permission| permission.role.as_str().into()).collect(),
        })
    }

    /// The function of that name when there is exactly one.
    ///
    /// # Errors
    /// Hasura's words.
    pub(super) fn only_function(&self, name: &QualifiedName) -> Result<&'a catalog::Function, String> {
        let catalog = self.catalog;
        let found = catalog.functions_named(&name.schema, &name.name);
        let mut callable = found.iter().filter(|function| function.kind == FunctionKind::Function);
        match (callable.next(), callable.next()) {
            (Some(found), None) => Ok(found),
            (None, _) => Err(format!("no such function exists: \"{name}\"")),
            (Some(_), Some(_)) => {
                Err(format!("function \"{name}\" is overloaded. Overloaded functions are not supported"))
            }
        }
    }

    /// What a client may give.
    pub(super) fn arguments(&mut self, source: &catalog::Function, skip: &[ArgumentPlace]) -> Vec<FunctionArgument> {
        let mut arguments = Vec::new();
        for (position, argument) in source.inputs().enumerate() {
            if skip.iter().any(|place| place.position == position) {
                continue;
            }
            let typed = self.base_type(&argument.r#type);
            let scalar = self.scalar(&typed).unwrap_or_else(|| self.unnamed(&typed));
            let name = match &argument.name {
                Some(name) => self.model.naming.member(name),
                None => format!("arg_{}", position + 1),
            };
            let place = place(position, argument);
            let cast = super::scalar::cast(&typed);
            arguments.push(FunctionArgument { name, place, scalar, cast, has_default: argument.has_default });
        }
        arguments
    }

    /// The table whose row type an argument has.
    pub(super) fn table_of_type(&self, found: &catalog::TypeRef) -> Option<TableId> {
        let name = QualifiedName::new(&found.schema, &found.name);
        self.model.tables_by_relation.get(&name).copied().filter(|_| found.kind == TypeKind::Composite)
    }
}

fn place(position: usize, argument: &catalog::Argument) -> ArgumentPlace {
    ArgumentPlace { position, name: argument.name.as_deref().map(|name| Ident::new(name).to_string()) }
}

/// Where the argument of that name stands.
pub(super) fn place_of(source: &catalog::Function, name: &str) -> Option<ArgumentPlace> {
    let found = source.inputs().enumerate().find(|(_, argument)| argument.name.as_deref() == Some(name));
    found.map(|(position, argument)| place(position, argument))
}

/// What speaks against a function's arguments, whatever it is used for.
pub(super) fn argument_objections(source: &catalog::Function, session: Option<&str>) -> Vec<String> {
    let mut reasons = Vec::new();
    if source.arguments.iter().any(|argument| argument.mode == ArgumentMode::Variadic) {
        reasons.push("function with \"VARIADIC\" parameters are not supported".to_owned());
    }
    if let Some(session) = session {
        let found = source.inputs().find(|argument| argument.name.as_deref() == Some(session));
        match found {
            None => reasons.push(format!("given session argument \"{session}\" not the input argument")),
            Some(found) if found.r#type.name != "json" => {
                reasons.push(format!("given session argument \"{session}\" is not of type json"));
            }
            Some(_) => {}
        }
    }
    let bad: Vec<String> = source
        .inputs()
        .filter_map(|argument| argument.name.as_deref())
        .filter(|name| !is_name(name))
        .map(|name| format!("\"{name}\""))
        .collect();
    if !bad.is_empty() {
        let bad = bad.join(", ");
        reasons.push(format!("the function arguments {bad} are not in compliance with GraphQL spec"));
    }
    reasons
}

/// `because …`, or a list.
pub(super) fn because(reasons: &[String]) -> String {
    match reasons {
        [one] => format!("because {one}"),
        many => {
            let lines: String = many.iter().map(|reason| format!("\n  • {reason}")).collect();
            format!("for the following reasons:{lines}")
        }
    }
}
