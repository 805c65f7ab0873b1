//! Functions: tracked ones as root fields, computed fields as fields of rows, and their arguments.

use crate::failure::{Code, Failure, Path};
use crate::model::{FunctionArgument, Returned};
use crate::schema::{FunctionId, InputDef, TableId, TypeId};
use crate::validate::Selected;
use crate::value::{Encoding, Source, Value};

use super::{Call, Cast, From, Operand, OutputValue, Parameter, ParameterId, Planner, RootValue, unknown_field};

/// What rows are asked of, where it is not their table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Callee {
    Nothing,
    Function(FunctionId),
    Computed(TableId, usize),
}

impl<'a> Planner<'a> {
    /// A root field that calls a function.
    pub(super) fn function(
        &mut self,
        function: FunctionId,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<RootValue, Failure> {
        let found = &self.schema.functions[function];
        let select = self.select(found.returns, Callee::Function(function), selected, path)?;
        Ok(if found.returns_set { RootValue::Rows(select) } else { RootValue::One(select) })
    }

    /// A computed field of a row.
    pub(super) fn computed(
        &mut self,
        table: TableId,
        computed: usize,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<OutputValue, Failure> {
        let callee = Callee::Computed(table, computed);
        match self.schema.tables[table].computed[computed].returns {
            Returned::Table { table: target, set } => {
                let select = self.select(target, callee, selected, path)?;
                Ok(if set { OutputValue::ComputedRows(select) } else { OutputValue::ComputedRow(select) })
            }
            Returned::Scalar { scalar, .. } => {
                let is_json = self.schema.scalars[scalar].family.is_json();
                let (call, path) = self.computed_value(table, computed, is_json, selected, path)?;
                Ok(OutputValue::Computed { computed, call, path })
            }
        }
    }

    /// A computed field with a value, wherever it is selected: what its function is given, and the path into JSON.
    pub(super) fn computed_value(
        &mut self,
        table: TableId,
        computed: usize,
        is_json: bool,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<(Call, Option<ParameterId>), Failure> {
        let callee = Callee::Computed(table, computed);
        self.validator.leaf(selected, path)?;
        self.see(table, super::Field::Computed(computed))?;
        let mut defined = self.schema.callee_arguments(callee);
        if is_json {
            defined.push(self.schema.path_argument());
        }
        let given = self.validator.arguments(selected.field, &defined, path)?;
        let path = path.key("args");
        let (mut call, mut json_path) = (self.default_call(callee), None);
        for (name, value) in given {
            let path = path.key(name);
            if self.validator.variables.is_null(&value) {
                continue;
            }
            match name {
                "args" => call = self.call(callee, value, &path)?,
                _ => json_path = Some(self.json_path(value, &path)?),
            }
        }
        Ok((call, json_path))
    }

    pub(super) fn json_path(&mut self, value: Value<'a>, path: &Path<'_>) -> Result<ParameterId, Failure> {
        self.parameter(value, &self.schema.built_in("String").into(), Encoding::JsonPath, path)
    }

    /// A call without arguments of the client's.
    pub(crate) fn default_call(&mut self, callee: Callee) -> Call {
        let wanted = match callee {
            Callee::Nothing => false,
            Callee::Function(function) => self.schema.functions[function].session_argument.is_some(),
            Callee::Computed(table, computed) => {
                self.schema.tables[table].computed[computed].session_argument.is_some()
            }
        };
        Call { arguments: Vec::new(), session: wanted.then(|| self.whole_session()) }
    }

    /// The session as a parameter.
    pub(super) fn whole_session(&mut self) -> ParameterId {
        let found = self.parameters.iter().position(|parameter| parameter.source == Source::WholeSession);
        found.unwrap_or_else(|| {
            self.parameters.push(Parameter {
                source: Source::WholeSession,
                encoding: Encoding::Verbatim,
                constant: None,
            });
            self.parameters.len() - 1
        })
    }

    pub(super) fn from(&self, callee: Callee, call: Call) -> From {
        match callee {
            Callee::Nothing => From::Table,
            Callee::Function(function) => From::Function { function, call },
            Callee::Computed(table, computed) => From::Computed { table, computed, call },
        }
    }

    /// `args: {…}`.
    pub(super) fn call(&mut self, callee: Callee, value: Value<'a>, path: &Path<'_>) -> Result<Call, Failure> {
        let schema = self.schema;
        let defined = schema.callee_parameters(callee);
        let type_id = match callee {
            Callee::Computed(table, computed) => TypeId::ComputedArguments(table, computed),
            Callee::Function(function) => TypeId::FunctionArguments(function),
            Callee::Nothing => return Ok(Call::default()),
        };
        let given = self.object(type_id, value, path)?.unwrap_or_default();
        if let Some((name, _)) = given.iter().find(|(name, _)| defined.iter().all(|one| one.name != *name)) {
            return Err(unknown_field(name, &self.type_name(type_id), &path.key(name)));
        }
        let mut call = self.default_call(callee);
        let mut left_out = false;
        for (position, argument) in defined.iter().enumerate() {
            let found = given.iter().find(|(name, _)| *name == argument.name).map(|(_, value)| value.clone());
            let Some(value) = found else {
                if !argument.has_default {
                    let message = "Non default arguments cannot be omitted";
                    return Err(Failure::new(Code::NotSupported, path, message));
                }
                left_out = true;
                continue;
            };
            if left_out && argument.place.name.is_none() {
                let message = "Only last set of positional arguments can be omitted";
                return Err(Failure::new(Code::NotSupported, path, message));
            }
            let (operand, cast) = self.argument(argument, value, &path.key(&argument.name))?;
            call.arguments.push((position, operand, cast));
        }
        Ok(call)
    }

    /// Every argument of a function may be null.
    fn argument(
        &mut self,
        argument: &FunctionArgument,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<(Operand, Cast), Failure> {
        let cast = Cast { sql: argument.cast.clone(), reader: self.schema.scalars[argument.scalar].family.reader() };
        let expected = self.schema.scalar_type(argument.scalar);
        let value = self.validator.variables.resolve(value, Some(&expected), self.schema, path)?;
        if self.validator.variables.is_null(&value) {
            return Ok((Operand::Null, cast));
        }
        let encoding = Encoding::of_scalar(self.schema, argument.scalar);
        Ok((Operand::Parameter(self.parameter(value, &expected, encoding, path)?), cast))
    }
}

impl crate::schema::Schema {
    /// What a client may give to a function.
    pub(super) fn callee_parameters(&self, callee: Callee) -> &[FunctionArgument] {
        match callee {
            Callee::Nothing => &[],
            Callee::Function(function) => &self.functions[function].arguments,
            Callee::Computed(table, computed) => &self.tables[table].computed[computed].arguments,
        }
    }

    pub(super) fn callee_arguments(&self, callee: Callee) -> Vec<InputDef> {
        match callee {
            Callee::Nothing => Vec::new(),
            Callee::Function(function) => self.function_arguments(function),
            Callee::Computed(table, computed) => self.computed_arguments(table, computed),
        }
    }
}
