use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use fc_runtime::{App, Reply};
use futures_core::Stream;

#[derive(Debug)]
struct Broken(Rc<str>);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

struct Rows;

impl Stream for Rows {
    type Item = Result<String, Broken>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(None)
    }
}

fn main() {
    let _ = App::new().get("/", async |_| Reply::stream(Rows));
}
