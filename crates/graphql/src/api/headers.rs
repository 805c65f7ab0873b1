//! Rules for headers that the metadata configures.

use metadata::Header;

use crate::failure::{Code, Failure};

/// # Errors
/// A header takes its value from a variable that configures the engine itself.
pub fn check(headers: &[Header], path: &str) -> Result<(), Failure> {
    for (index, header) in headers.iter().enumerate() {
        let Some(variable) = &header.value_from_env else { continue };
        if variable.starts_with("HASURA_GRAPHQL_") {
            let message = "env variables starting with \"HASURA_GRAPHQL_\" are not allowed in value_from_env";
            return Err(Failure::new(Code::ParseFailed, format!("{path}[{index}]"), format!("{message}: {variable}")));
        }
    }
    Ok(())
}
