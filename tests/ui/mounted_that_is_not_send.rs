use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use fc_runtime::App;
use fc_runtime::http::{Request, Response};
use tower_service::Service;

#[derive(Clone)]
struct Greeter(std::rc::Rc<str>);

impl<B> Service<Request<B>> for Greeter {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(Response::new("hello".to_owned())))
    }
}

fn main() {
    let _ = App::new().mount("/greeter", Greeter("hello".into()));
}
