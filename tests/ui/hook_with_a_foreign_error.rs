use fc_runtime::App;

#[derive(Debug)]
struct DbError;

async fn warm_up() -> Result<(), DbError> {
    Err(DbError)
}

fn main() {
    let _ = App::new().on_initialize(async |_| warm_up().await);
}
