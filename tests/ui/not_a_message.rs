use fc_runtime::App;

fn main() {
    let _ = App::new().unary("/greeter.Greeter/SayHello", async |_, _: ()| Ok("Hello"));
}
