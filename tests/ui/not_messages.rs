use fc_runtime::App;

fn main() {
    let _ = App::new().server_stream("/greeter.Greeter/SayHellos", async |_, _: ()| Ok(7_u32));
}
