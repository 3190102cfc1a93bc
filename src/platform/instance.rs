//! The environment of the instance, read once.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::sync::Arc;

use http::StatusCode;

use crate::error::{Error, StatusError};
use crate::platform::credentials::Credentials;
use crate::platform::limits::DEFAULT_PORT;
use crate::platform::names::env;

/// This instance, as its environment variables describe it. Read once, at start.
///
/// ```
/// use fc_runtime::Instance;
///
/// let instance = Instance::from_vars([("FC_FUNCTION_NAME", "shop"), ("DATABASE_URL", "db://localhost")]);
/// assert!(instance.is_on_platform());
/// assert_eq!(instance.function_name(), Some("shop"));
/// assert_eq!(instance.var("DATABASE_URL").unwrap(), "db://localhost");
/// assert_eq!(instance.port().unwrap(), 9000);
/// ```
#[derive(Clone, Default)]
pub struct Instance {
    /// Names and values. A later value of the same name is the valid one. Few are ever read, so none is looked through for
    /// what is not UTF-8 before it is.
    vars: Arc<[(OsString, OsString)]>,
}

impl Instance {
    /// Reads the process's environment. Variables that are not UTF-8 are left out.
    pub fn from_env() -> Self {
        Self { vars: std::env::vars_os().collect() }
    }

    /// An instance with exactly these variables. For tests.
    pub fn from_vars<K: Into<String>, V: Into<String>>(vars: impl IntoIterator<Item = (K, V)>) -> Self {
        Self { vars: vars.into_iter().map(|(k, v)| (k.into().into(), v.into().into())).collect() }
    }

    /// The value of a required variable.
    ///
    /// # Errors
    /// An error that names the variable, if it is not set or empty.
    #[track_caller]
    pub fn var(&self, name: &str) -> Result<String, StatusError> {
        match self.var_opt(name) {
            Some(value) => Ok(value.to_owned()),
            None => Err(Error::new(500, format!("the environment variable {name} is not set")).into_std()),
        }
    }

    /// The value of an optional variable. An empty value counts as absent.
    pub fn var_opt(&self, name: &str) -> Option<&str> {
        let mut known = self.vars.iter().rev().filter(|(known, _)| known == name);
        let value = known.find_map(|(_, value)| value.to_str())?;
        (!value.is_empty()).then_some(value)
    }

    /// The value of a variable that is set and not empty, whatever its bytes.
    fn set(&self, name: &str) -> Option<&OsStr> {
        let (_, value) = self.vars.iter().rev().find(|(known, _)| known == name)?;
        (!value.is_empty()).then_some(value)
    }

    /// Whether Function Compute, or a local one, started this process: the environment names the function or the
    /// instance.
    ///
    /// Only then are the platform's headers and hooks trusted. Source: [environment
    /// variables](https://www.alibabacloud.com/help/en/functioncompute/fc/environment-variables). The page does not say
    /// that the two variables are always set; that is inferred.
    pub fn is_on_platform(&self) -> bool {
        self.function_name().is_some() || self.instance_id().is_some()
    }

    /// The port to listen on: `FC_CUSTOM_LISTEN_PORT`, else `FC_SERVER_PORT`, else 9000.
    ///
    /// # Errors
    /// When a variable is set, and is not a port from 1 to 65535.
    #[allow(clippy::unnecessary_debug_formatting, reason = "bytes that are not UTF-8 are told too")]
    pub fn port(&self) -> Result<u16, StatusError> {
        for name in [env::LISTEN_PORT, env::SERVER_PORT] {
            if let Some(value) = self.set(name) {
                let port = value.to_str().and_then(|text| text.parse().ok());
                return port.filter(|port| *port != 0).ok_or_else(|| {
                    let advice = "it has to be a port from 1 to 65535";
                    let what = format!("the environment variable {name} is {value:?}; {advice}");
                    Error::of_ours(StatusCode::INTERNAL_SERVER_ERROR, what).into_std()
                });
            }
        }
        Ok(DEFAULT_PORT)
    }

    /// The function's name.
    pub fn function_name(&self) -> Option<&str> {
        self.var_opt(env::FUNCTION_NAME)
    }

    /// The version that this instance runs.
    pub fn function_version(&self) -> Option<&str> {
        self.var_opt(env::FUNCTION_VERSION).or_else(|| self.var_opt(env::VERSION_ID))
    }

    /// The function's memory in MiB, which the platform calls MB.
    pub fn memory_mib(&self) -> Option<u32> {
        self.var_opt(env::FUNCTION_MEMORY)?.parse().ok()
    }

    /// What is wrong with the memory's size, which then counts as unknown.
    #[allow(clippy::unnecessary_debug_formatting, reason = "bytes that are not UTF-8 are told too")]
    pub(crate) fn memory_mistake(&self) -> Option<String> {
        let (name, value) = (env::FUNCTION_MEMORY, self.set(env::FUNCTION_MEMORY)?);
        let what = || {
            format!(
                "the environment variable {name} is {value:?}, which is no number of MiB, and is passed over"
            )
        };
        self.memory_mib().is_none().then(what)
    }

    /// This instance's id, `c-…`.
    pub fn instance_id(&self) -> Option<&str> {
        self.var_opt(env::INSTANCE_ID)
    }

    /// The region's id, such as `cn-hangzhou`.
    pub fn region(&self) -> Option<&str> {
        self.var_opt(env::REGION)
    }

    /// The owner's account id.
    pub fn account_id(&self) -> Option<&str> {
        self.var_opt(env::ACCOUNT_ID)
    }

    /// The directory with the code, `/code` on the platform.
    pub fn code_path(&self) -> Option<&str> {
        self.var_opt(env::CODE_PATH)
    }

    /// The temporary credentials of the function's role, as they were at the start of the instance.
    pub fn credentials(&self) -> Option<Credentials> {
        Credentials::from_parts(
            self.var_opt(env::ACCESS_KEY_ID),
            self.var_opt(env::ACCESS_KEY_SECRET),
            self.var_opt(env::SECURITY_TOKEN),
        )
    }
}

/// Shows only known, harmless facts, because any other variable may be a secret.
impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("function_name", &self.function_name())
            .field("function_version", &self.function_version())
            .field("instance_id", &self.instance_id())
            .field("region", &self.region())
            .field("account_id", &self.account_id())
            .field("memory_mib", &self.memory_mib())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_port(vars: &[(&str, &str)], expected: Result<u16, &str>) {
        let port = Instance::from_vars(vars.iter().copied()).port();
        match (&port, expected) {
            (Ok(port), Ok(expected)) => assert_eq!(*port, expected),
            (Err(error), Err(text)) => assert!(error.message().contains(text), "{error}"),
            _ => panic!("{vars:?} gave {port:?}"),
        }
    }

    #[test]
    fn the_port_is_read_in_the_documented_order() {
        check_port(&[], Ok(9000));
        check_port(&[("FC_SERVER_PORT", "8080")], Ok(8080));
        check_port(&[("FC_SERVER_PORT", "8080"), ("FC_CUSTOM_LISTEN_PORT", "7000")], Ok(7000));
        check_port(&[("FC_CUSTOM_LISTEN_PORT", "")], Ok(9000));
        check_port(&[("FC_CUSTOM_LISTEN_PORT", ""), ("FC_SERVER_PORT", "8080")], Ok(8080));
        check_port(&[("FC_CUSTOM_LISTEN_PORT", "no")], Err("FC_CUSTOM_LISTEN_PORT is \"no\""));
        check_port(&[("FC_SERVER_PORT", "0")], Err("1 to 65535"));
        check_port(&[("FC_SERVER_PORT", "65536")], Err("1 to 65535"));
    }

    #[test]
    fn the_last_value_that_can_be_read_counts() {
        use std::os::unix::ffi::OsStringExt;
        let name = OsString::from("NAME");
        let values =
            [&b"first"[..], b"second", b"\xff"].map(|value| (name.clone(), OsString::from_vec(value.into())));
        let instance = Instance { vars: values.into() };
        assert_eq!((instance.var_opt("NAME"), instance.var_opt("name")), (Some("second"), None));
    }

    #[test]
    fn debug_shows_no_secret() {
        let instance = Instance::from_vars([("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "hush"), ("TOKEN", "hush")]);
        assert!(!format!("{instance:?}").contains("hush"));
    }
}
