//! Values that must not be printed.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret value: no `Debug` or `Display` of its content, overwritten when dropped.
///
/// ```
/// let password = project::Secret::new("hunter2-hunter2".to_owned());
/// assert_eq!(format!("{password:?}"), "Secret(••••)");
/// assert_eq!(password.expose(), "hunter2-hunter2");
/// ```
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(••••)")
    }
}
