//! The tasks of a function: get, list, stop.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::content::Content;
use crate::error::Error;
use crate::invoke::{api, check_task_id};
use crate::reply::Reply;
use crate::send::{Outbound, Signing};
use crate::sign::encode;

/// The tasks of a function. It is made by [`Client::tasks`]. Asking for tasks starts no instance.
///
/// ```
/// use fc_client::TaskState;
///
/// # async fn example(client: &fc_client::Client) -> Result<(), fc_client::Error> {
/// let tasks = client.tasks("report");
/// if tasks.get("report-2026").await?.state == TaskState::Running {
///     tasks.stop("report-2026").await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Tasks<'c> {
    client: &'c Client,
    function: String,
    qualifier: Option<String>,
}

/// A task, as the platform describes it. [`Tasks`] has an example.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Task {
    /// The id of the task.
    pub task_id: String,
    /// Where the task is.
    #[serde(rename = "status")]
    pub state: TaskState,
    /// The id of the call.
    pub request_id: String,
    /// The version or alias that was called.
    pub qualifier: String,
    /// When its first attempt began, in Unix milliseconds; 0 if none has.
    pub started_time: u64,
    /// When it ended, in Unix milliseconds; 0 if it has not.
    pub end_time: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// How often it was repeated.
    #[serde(rename = "alreadyRetriedTimes")]
    pub retries: u32,
    /// Why it failed; empty if it did not.
    #[serde(rename = "taskErrorMessage")]
    pub error: String,
    /// What it was called with, if that was asked for.
    #[serde(rename = "taskPayload")]
    pub payload: String,
    /// What has happened to it.
    pub events: Vec<TaskEvent>,
}

impl Default for Task {
    fn default() -> Self {
        Task {
            task_id: String::new(),
            state: TaskState::Unknown,
            request_id: String::new(),
            qualifier: String::new(),
            started_time: 0,
            end_time: 0,
            duration_ms: 0,
            retries: 0,
            error: String::new(),
            payload: String::new(),
            events: Vec::new(),
        }
    }
}

/// A step of a task. [`Tasks`] leads to them.
///
/// ```
/// fn last_step(task: &fc_client::Task) -> Option<&fc_client::TaskEvent> {
///     task.events.last()
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct TaskEvent {
    /// The number of the step.
    pub event_id: u64,
    /// The state that the task came to.
    #[serde(rename = "status")]
    pub state: TaskState,
    /// When, in Unix milliseconds.
    pub timestamp: u64,
    /// Details, as JSON.
    #[serde(rename = "eventDetail")]
    pub detail: String,
}

/// Where a task is.
///
/// ```
/// use fc_client::TaskState;
///
/// assert!(TaskState::Stopped.is_final() && !TaskState::Retrying.is_final());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TaskState {
    /// It waits in the queue.
    Enqueued,
    /// It was taken from the queue, and waits for an instance.
    Dequeued,
    /// The function works on it.
    Running,
    /// It failed, and waits for its next attempt.
    Retrying,
    /// It ended well.
    Succeeded,
    /// It failed, and has no attempts left.
    Failed,
    /// It is being stopped.
    Stopping,
    /// It was stopped.
    Stopped,
    /// It waited longer than the function's configuration allows.
    Expired,
    /// What it called is gone.
    Invalid,
    /// A state that this version of the crate does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

impl TaskState {
    /// Whether nothing more will happen to the task.
    pub fn is_final(self) -> bool {
        use TaskState::{Expired, Failed, Invalid, Stopped, Succeeded};
        matches!(self, Succeeded | Failed | Stopped | Expired | Invalid)
    }

    fn word(self) -> String {
        format!("{self:?}")
    }
}

/// A page of a list of tasks. [`ListTasks`] has an example.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Where the next page begins; empty on the last one.
    pub next_token: String,
}

impl<'c> Tasks<'c> {
    pub(crate) fn new(client: &'c Client, function: String) -> Self {
        Tasks { client, function, qualifier: None }
    }

    /// The tasks of a version or an alias.
    #[must_use]
    pub fn qualifier(mut self, qualifier: impl Into<String>) -> Self {
        self.qualifier = Some(qualifier.into());
        self
    }

    /// A task.
    ///
    /// # Errors
    /// [`Error::Refused`] with the code `StatefulAsyncInvocationNotFound` if there is none.
    pub async fn get(&self, id: &str) -> Result<Task, Error> {
        check_task_id(id)?;
        self.ask(Method::GET, &format!("/{id}"), &[], "GetAsyncTask").await?.json().await
    }

    /// Lists tasks: all of them, unless the methods of [`ListTasks`] say which.
    pub fn list(&self) -> ListTasks<'_, 'c> {
        ListTasks { tasks: self, query: Vec::new() }
    }

    /// Stops a task: its call is cancelled, and the instance lives on.
    ///
    /// # Errors
    /// [`Error::Refused`] with the code `StatefulAsyncInvocationAlreadyCompleted` if it has ended, and
    /// `StatefulAsyncInvocationNotFound` if there is none.
    pub async fn stop(&self, id: &str) -> Result<(), Error> {
        check_task_id(id)?;
        self.ask(Method::PUT, &format!("/{id}/stop"), &[], "StopAsyncTask").await.map(drop)
    }

    async fn ask(
        &self,
        method: Method,
        rest: &str,
        query: &[(&str, String)],
        action: &'static str,
    ) -> Result<Reply, Error> {
        let path = format!("/functions/{}/async-tasks{rest}", encode(&self.function));
        let own = self.qualifier.iter().map(|qualifier| ("qualifier", qualifier.as_str()));
        let query = own.chain(query.iter().map(|(key, value)| (*key, value.as_str())));
        let call = Outbound {
            uri: api(self.client, &path, query)?,
            method,
            headers: HeaderMap::new(),
            content: Content::Whole(Bytes::new()),
            signing: Signing::Api(action),
            is_idempotent: true,
            limit: self.client.limit,
        };
        self.client.ask(call, false).await
    }
}

/// A list of tasks, page by page, the newest first. It is made by [`Tasks::list`].
///
/// ```
/// use fc_client::TaskState;
///
/// # async fn example(client: &fc_client::Client) -> Result<(), fc_client::Error> {
/// let tasks = client.tasks("report");
/// let mut page = tasks.list().state(TaskState::Failed).limit(100).page("").await?;
/// loop {
///     page.tasks.iter().for_each(|task| println!("{}: {}", task.task_id, task.error));
///     if page.next_token.is_empty() {
///         break;
///     }
///     page = tasks.list().state(TaskState::Failed).limit(100).page(&page.next_token).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a list is sent by `page`"]
pub struct ListTasks<'t, 'c> {
    tasks: &'t Tasks<'c>,
    query: Vec<(&'static str, String)>,
}

impl ListTasks<'_, '_> {
    fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.retain(|(own, _)| *own != key);
        self.query.push((key, value.into()));
        self
    }

    /// Those whose ids begin so.
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        self.with("prefix", prefix)
    }

    /// Those in this state.
    pub fn state(self, state: TaskState) -> Self {
        self.with("status", state.word())
    }

    /// Those that began at this moment or later, in Unix milliseconds.
    pub fn started_from(self, millis: u64) -> Self {
        self.with("startedTimeBegin", millis.to_string())
    }

    /// Those that began at this moment or earlier, in Unix milliseconds.
    pub fn started_until(self, millis: u64) -> Self {
        self.with("startedTimeEnd", millis.to_string())
    }

    /// The oldest first.
    pub fn oldest_first(self) -> Self {
        self.with("sortOrderByTime", "asc")
    }

    /// With what they were called with.
    pub fn with_payloads(self) -> Self {
        self.with("includePayload", "true")
    }

    /// How many stand on a page: 1 to 100, 20 by default.
    pub fn limit(self, limit: u32) -> Self {
        self.with("limit", limit.to_string())
    }

    /// Asks for the page that begins at the token; the empty token begins the list.
    ///
    /// # Errors
    /// All but [`Error::Function`] and [`Error::DuplicateTask`].
    pub async fn page(self, token: &str) -> Result<TaskPage, Error> {
        let list = if token.is_empty() { self } else { self.with("nextToken", token) };
        list.tasks.ask(Method::GET, "", &list.query, "ListAsyncTasks").await?.json().await
    }
}
