use fc_runtime::App;

fn main() {
    let _ = App::new().get("/{id}", async |ex| {
        ex.param("id")?;
        Ok("x")
    });
}
