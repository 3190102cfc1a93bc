//! The temporary credentials of the function's role.

use std::fmt;

/// The temporary credentials of the function's role. There are none if the function has no role, or injection is off.
///
/// `Debug` shows only the id of the access key.
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
    /// The id of the access key.
    pub access_key_id: String,
    /// The secret of the access key.
    pub access_key_secret: String,
    /// The session token.
    pub security_token: String,
}

impl Credentials {
    /// Credentials of a key, with the session token if the key is temporary; else with an empty one.
    pub fn new(
        access_key_id: impl Into<String>,
        access_key_secret: impl Into<String>,
        security_token: impl Into<String>,
    ) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            access_key_secret: access_key_secret.into(),
            security_token: security_token.into(),
        }
    }

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
