//! How fields are read and written: `null` counts as absent, a default is not written, what is shared is written where
//! it stands.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// For a field that Hasura takes as missing when it is `null`.
pub fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(input: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(input)?.unwrap_or_default())
}

/// A list, each item in an [`Arc`] of its own.
pub mod shared {
    use super::*;

    pub fn serialize<S: Serializer, T: Serialize>(items: &[Arc<T>], output: S) -> Result<S::Ok, S::Error> {
        output.collect_seq(items.iter().map(|item| &**item))
    }

    pub fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Vec<Arc<T>>, D::Error> {
        let items: Vec<T> = super::or_default(input)?;
        Ok(items.into_iter().map(Arc::new).collect())
    }
}

/// True for what is left out.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
