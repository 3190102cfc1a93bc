//! Apps with settings that no example has. Each runs in a process of its own: this binary, started anew.

mod bodies;
pub mod bulk;
pub mod grpc;
mod leaving;
pub mod live;
mod octets;
pub mod readers;
mod settings;
mod sockets;
mod spelling;
mod telemetry;
mod words;

/// Not a test: what `Launch::app` starts.
#[test]
#[ignore = "a server for other tests, which start it: leave it out by --skip apps::serve"]
fn serve() {
    let name = std::env::var("IT_APP").expect("a server for other tests: leave it out by --skip apps::serve");
    match name.as_str() {
        "bodies" => bodies::app().run().unwrap(),
        "bulk" => bulk::app().run().unwrap(),
        "grpc" => grpc::app().run().unwrap(),
        "leaving" => leaving::app().run().unwrap(),
        "live" => live::app().run().unwrap(),
        "octets" => octets::app().run().unwrap(),
        "readers" => readers::app().run().unwrap(),
        "settings" => settings::app().run().unwrap(),
        "sockets" => sockets::app().run().unwrap(),
        "spelling" => spelling::app().run().unwrap(),
        "telemetry" => telemetry::app().run().unwrap(),
        "in-current-thread" => inside(&mut tokio::runtime::Builder::new_current_thread()),
        "in-multi-thread" => inside(&mut tokio::runtime::Builder::new_multi_thread()),
        name => panic!("no app has the name {name}"),
    }
}

/// What `#[tokio::main]` around `run()` does.
fn inside(runtime: &mut tokio::runtime::Builder) {
    runtime.enable_all().build().unwrap().block_on(async { settings::app().run() }).unwrap();
}
