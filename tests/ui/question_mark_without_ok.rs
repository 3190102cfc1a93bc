use fc_runtime::App;

fn main() {
    let _ = App::new().get("/{id}", async |ex| {
        let id: u32 = ex.param("id")?;
        id.to_string()
    });
}
