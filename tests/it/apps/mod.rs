//! Apps with settings that no example has. Each runs in a process of its own: this binary, started anew.

mod bodies;
pub mod grpc;
mod leaving;
pub mod live;
mod octets;
mod settings;
mod sockets;
mod spelling;
mod words;

/// Not a test: what `Launch::app` starts.
#[test]
#[ignore = "a server for other tests"]
fn serve() {
    match std::env::var("IT_APP").as_deref() {
        Ok("bodies") => bodies::app().run().unwrap(),
        Ok("grpc") => grpc::app().run().unwrap(),
        Ok("leaving") => leaving::app().run().unwrap(),
        Ok("live") => live::app().run().unwrap(),
        Ok("octets") => octets::app().run().unwrap(),
        Ok("settings") => settings::app().run().unwrap(),
        Ok("sockets") => sockets::app().run().unwrap(),
        Ok("spelling") => spelling::app().run().unwrap(),
        Ok(name) => panic!("no app has the name {name}"),
        // Somebody asked for all ignored tests.
        Err(_) => {}
    }
}
