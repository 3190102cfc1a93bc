use fc_runtime::{App, Sse};

#[derive(Debug)]
struct DbError;

fn prices() -> impl futures_core::Stream<Item = Result<&'static str, DbError>> {
    async_stream::stream! {
        yield Ok("7.50");
    }
}

fn main() {
    let _: App = App::new().get("/prices", async |_| Sse::new(prices()));
}
