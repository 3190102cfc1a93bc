//! What lies between a function and its database: it passes connections on, forgets them, or refuses them.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub struct Relay {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Connections of earlier epochs are forgotten: open, and silent.
    epoch: AtomicUsize,
    refuses: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Relay {
    pub fn start(to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let own = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if own.refuses.load(Ordering::SeqCst) {
                    continue;
                }
                let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
                let mut open = own.open.lock().unwrap_or_else(PoisonError::into_inner);
                open.extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                drop(open);
                for (from, to) in [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))] {
                    let (from, to, state) = (from.unwrap(), to.unwrap(), Arc::clone(&own));
                    std::thread::spawn(move || state.pass(from, to));
                }
            }
        });
        Relay { port, state }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on nothing passes on the connections that are open, and nobody is told.
    pub fn forget(&self) {
        self.state.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether it ends all connections, old and new ones.
    pub fn refuse(&self, refuses: bool) {
        self.state.refuses.store(refuses, Ordering::SeqCst);
        for stream in self.state.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

impl State {
    fn pass(&self, mut from: TcpStream, mut to: TcpStream) {
        let born = self.epoch.load(Ordering::SeqCst);
        let mut bytes = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            if self.epoch.load(Ordering::SeqCst) != born {
                continue;
            }
            if to.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        if self.epoch.load(Ordering::SeqCst) == born {
            drop(to.shutdown(Shutdown::Both));
        }
    }
}
