use fc_runtime::{App, Reply};

fn main() {
    let _ = App::new().get("/", async |_| {
        Reply::stream(async_stream::stream! {
            yield 7;
        })
    });
}
