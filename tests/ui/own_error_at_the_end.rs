use fc_runtime::{App, Json};

#[derive(Debug)]
struct DbError;

async fn find() -> Result<Json<u8>, DbError> {
    Err(DbError)
}

fn main() {
    let _ = App::new().get("/", async |_| find().await);
}
