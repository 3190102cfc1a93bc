//! The temporary credentials of the function's role.

use std::fmt;

/// Temporary credentials of the function's role. Absent when no role is configured or injection is off.
///
/// `Debug` shows the key's id only.
///
/// ```
/// use fc_runtime::Instance;
///
/// let instance = Instance::from_vars([
///     ("ALIBABA_CLOUD_ACCESS_KEY_ID", "an id"),
///     ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "a secret"),
/// ]);
/// let credentials = instance.credentials().unwrap();
/// assert_eq!(credentials.access_key_id, "an id");
/// assert_eq!(credentials.access_key_secret, "a secret");
/// assert!(!format!("{credentials:?}").contains("a secret"));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// The key's id.
    pub access_key_id: String,
    /// The key's secret.
    pub access_key_secret: String,
    /// The session token.
    pub security_token: String,
}

impl Credentials {
    pub(crate) fn from_parts(id: Option<&str>, secret: Option<&str>, token: Option<&str>) -> Option<Self> {
        Some(Self {
            access_key_id: id?.to_owned(),
            access_key_secret: secret?.to_owned(),
            security_token: token.unwrap_or_default().to_owned(),
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}
