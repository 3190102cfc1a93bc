//! What becomes of the objects of a local account: fields, sentence and JSON.

use serde_json::{Value, json};

use super::level::Level;

/// What clients of the API changed, or what cannot be read of it. [The example of the crate](crate) takes the events that
/// hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountNews {
    /// `fc-local serve` takes calls.
    Opened {
        /// The main address.
        url: String,
    },
    /// A function was made.
    FunctionCreated {
        /// Where its HTTP trigger answers, once it has one.
        url: String,
    },
    /// The code or the settings of a function changed.
    FunctionUpdated,
    /// A function was removed.
    FunctionDeleted,
    /// A trigger, a domain, a layer or a setting was made, or changed.
    Set {
        /// What it is.
        resource: String,
        /// Its name.
        name: String,
    },
    /// One was removed.
    Removed {
        /// What it was.
        resource: String,
        /// Its name.
        name: String,
    },
    /// A setting has no effect here.
    Note(String),
    /// An object that is kept cannot be read, or does not start.
    NotRead {
        /// Why.
        error: String,
    },
    /// What is kept cannot be read at all.
    Unavailable {
        /// Why.
        error: String,
    },
}

impl AccountNews {
    pub(crate) fn set(resource: &str, name: &str) -> Self {
        AccountNews::Set { resource: resource.to_owned(), name: name.to_owned() }
    }

    pub(crate) fn removed(resource: &str, name: &str) -> Self {
        AccountNews::Removed { resource: resource.to_owned(), name: name.to_owned() }
    }

    pub(super) fn level(&self) -> Level {
        match self {
            AccountNews::Note(_) => Level::Warning,
            AccountNews::NotRead { .. } | AccountNews::Unavailable { .. } => Level::Error,
            _ => Level::Info,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            AccountNews::FunctionUpdated | AccountNews::FunctionDeleted => 0,
            AccountNews::Opened { url: text }
            | AccountNews::FunctionCreated { url: text }
            | AccountNews::Note(text)
            | AccountNews::NotRead { error: text }
            | AccountNews::Unavailable { error: text } => text.capacity(),
            AccountNews::Set { resource, name } | AccountNews::Removed { resource, name } => {
                resource.capacity() + name.capacity()
            }
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            AccountNews::Opened { url } => {
                format!("the API takes signed calls at {url}; `fc-local keys` shows the key")
            }
            AccountNews::FunctionCreated { url } => {
                format!("created by the API; its HTTP trigger is at {url}")
            }
            AccountNews::FunctionUpdated => "updated by the API".to_owned(),
            AccountNews::FunctionDeleted => "deleted by the API".to_owned(),
            AccountNews::Set { resource, name } => format!("{resource} {name} is set"),
            AccountNews::Removed { resource, name } => format!("{resource} {name} is removed"),
            AccountNews::Note(note) => note.clone(),
            AccountNews::NotRead { error } => format!("what is kept of the account cannot be used: {error}"),
            AccountNews::Unavailable { error } => {
                format!("the account is not opened, and calls that change it are refused: {error}")
            }
        }
    }

    pub(super) fn json(&self) -> Value {
        let (what, resource, name) = match self {
            AccountNews::Opened { .. } => ("opened", None, None),
            AccountNews::FunctionCreated { .. } => ("function_created", None, None),
            AccountNews::FunctionUpdated => ("function_updated", None, None),
            AccountNews::FunctionDeleted => ("function_deleted", None, None),
            AccountNews::Set { resource, name } => ("set", Some(resource), Some(name)),
            AccountNews::Removed { resource, name } => ("removed", Some(resource), Some(name)),
            AccountNews::Note(_) => ("note", None, None),
            AccountNews::NotRead { .. } => ("not_read", None, None),
            AccountNews::Unavailable { .. } => ("unavailable", None, None),
        };
        let url = match self {
            AccountNews::Opened { url } | AccountNews::FunctionCreated { url } => Some(url),
            _ => None,
        };
        let error = match self {
            AccountNews::NotRead { error } | AccountNews::Unavailable { error } => Some(error),
            _ => None,
        };
        json!({ "what": what, "url": url, "resource": resource, "name": name, "error": error })
    }
}
