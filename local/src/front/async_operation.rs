//! The operations on asynchronous calls, by the part of the path behind a function.

use http::{Method, Uri};

/// What is asked of the asynchronous calls of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AsyncWhat {
    GetConfig,
    PutConfig,
    DeleteConfig,
    /// Of one function, or of all.
    ListConfigs,
    /// Edition 2.0: the functions whose calls are tasks.
    ListTaskFunctions,
    GetTask(String),
    ListTasks,
    StopTask(String),
    /// fc-local's own: the same request once more.
    RepeatTask(String),
    /// fc-local's own: the messages of the stand-ins for destinations.
    ListMessages,
    GetMessage(String),
}

impl AsyncWhat {
    /// Whether it is asked of all functions.
    pub(crate) fn is_of_all(&self) -> bool {
        use AsyncWhat::{GetMessage, ListConfigs, ListMessages, ListTaskFunctions};
        matches!(self, ListConfigs | ListTaskFunctions | ListMessages | GetMessage(_))
    }
}

/// A path of this kind that takes other methods.
#[derive(Debug)]
pub(crate) struct OtherMethod;

/// The operation of edition 2.0. `None` if the path is none of asynchronous calls.
pub(crate) fn fc2(below: &[&str], method: &Method) -> Option<Result<AsyncWhat, OtherMethod>> {
    let what = match (below, method) {
        (["async-invoke-config"], &Method::GET) => AsyncWhat::GetConfig,
        (["async-invoke-config"], &Method::PUT) => AsyncWhat::PutConfig,
        (["async-invoke-config"], &Method::DELETE) => AsyncWhat::DeleteConfig,
        (["async-invoke-configs"], &Method::GET) => AsyncWhat::ListConfigs,
        (["stateful-async-invocations"], &Method::GET) => AsyncWhat::ListTasks,
        (["stateful-async-invocations", id], &Method::GET) => AsyncWhat::GetTask((*id).to_owned()),
        (["stateful-async-invocations", id], &Method::PUT) => AsyncWhat::StopTask((*id).to_owned()),
        (
            ["async-invoke-config" | "async-invoke-configs" | "stateful-async-invocations"]
            | ["stateful-async-invocations", _],
            _,
        ) => return Some(Err(OtherMethod)),
        _ => return None,
    };
    Some(Ok(what))
}

/// A parameter of a query, decoded. `None` for an empty one.
pub(crate) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.into_iter().find(|(own, _)| *own == name)?.1;
    super::operation::decode(&value.replace('+', " ")).filter(|value| !value.is_empty())
}
