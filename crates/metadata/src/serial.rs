//! How fields are read and written: `null` counts as absent, a default is not written.

use serde::{Deserialize, Deserializer};

/// For a field that Hasura takes as missing when it is `null`.
pub fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(input: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(input)?.unwrap_or_default())
}

/// True for what is left out.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
