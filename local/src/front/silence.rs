//! How long a streamed reply has been silent. A load balancer closes a connection on which nothing passes.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// Ends a silence that is too long.
#[derive(Debug)]
pub(crate) struct Silence {
    most: Duration,
    /// The end of the silence that has begun.
    wait: Option<Pin<Box<Sleep>>>,
}

impl Silence {
    pub(crate) fn new(most: Duration) -> Self {
        Silence { most, wait: None }
    }

    /// Something has passed.
    pub(crate) fn end(&mut self) {
        self.wait = None;
    }

    /// Ready once nothing has passed for too long.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let most = self.most;
        self.wait.get_or_insert_with(|| Box::pin(sleep(most))).as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_silence_begins_anew_with_each_piece() {
        let mut silence = Silence::new(Duration::from_millis(20));
        for _ in 0..3 {
            let polled = std::future::poll_fn(|context| Poll::Ready(silence.poll(context))).await;
            assert!(polled.is_pending());
            silence.end();
            sleep(Duration::from_millis(30)).await;
        }
        std::future::poll_fn(|context| silence.poll(context)).await;
    }
}
