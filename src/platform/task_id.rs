//! The ids of asynchronous tasks.

use crate::platform::limits::TASK_ID_MAX;

/// Whether a task can have this id: a letter or `_`, then letters, digits, `_` and `-`, at most [`TASK_ID_MAX`] in all.
///
/// ```
/// use fc_runtime::platform::is_task_id;
///
/// assert!(is_task_id("order-7"));
/// assert!(!is_task_id("7-orders") && !is_task_id(""));
/// ```
///
/// Source: [InvokeFunction](https://help.aliyun.com/zh/functioncompute/fc-2-0/developer-reference/api-invokefunction).
pub fn is_task_id(id: &str) -> bool {
    id.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && id.len() <= TASK_ID_MAX
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::is_task_id;

    #[test]
    fn ids_of_tasks_have_the_platforms_form() {
        for id in &["a", "_", "my-Task_1", &"a".repeat(128)] {
            assert!(is_task_id(id), "{id}");
        }
        for id in &["", "1", "-a", "a b", "a.b", "ä", &"a".repeat(129)] {
            assert!(!is_task_id(id), "{id}");
        }
    }
}
