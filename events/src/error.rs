//! Why a payload is no event of the wanted type.

use std::fmt;

/// Why a payload is no event of the wanted type: the element of the batch, the field, and what is wrong with it.
///
/// The text is for people and names no value of the payload beyond what serde quotes.
///
/// ```
/// let wrong = fc_events::read::<fc_events::timer::TimerEvent>(br#"{"triggerTime": "", "triggerName": []}"#).unwrap_err();
/// assert_eq!(wrong.field(), Some("triggerName"));
/// assert!(wrong.to_string().starts_with("triggerName: "));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    field: Option<String>,
    element: Option<usize>,
    message: String,
}

impl Error {
    pub(crate) fn whole(message: impl Into<String>) -> Self {
        Self { field: None, element: None, message: message.into() }
    }

    /// `path` is where a reader stopped, as `serde_path_to_error` writes it: `.` for the whole.
    pub(crate) fn at(path: &str, message: impl Into<String>) -> Self {
        if path == "." {
            return Self::whole(message);
        }
        let element = path.strip_prefix('[').and_then(|rest| rest.split(']').next()?.parse().ok());
        Self { field: Some(path.to_owned()), element, message: message.into() }
    }

    /// The field that is wrong, as a path: `events[0].oss.object.size`. Nothing when the payload as a whole is wrong.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Which element of a batch is wrong, from zero.
    pub fn element(&self) -> Option<usize> {
        self.element
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}
