//! Editions of the platform.

use serde::{Deserialize, Serialize};

/// An edition of Function Compute. [The example of the crate](crate) keeps the manifest's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Edition {
    /// 3.0: functions without services.
    #[default]
    Fc3,
    /// 2.0: functions in services, a pre-freeze hook, more headers in replies, other shapes of errors.
    Fc2,
}
