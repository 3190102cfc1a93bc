//! Rooms to talk in, with a page to do it: `cargo run --example chat --features websocket`, then <http://localhost:9000/>.
//!
//! The rooms of one instance know nothing of those of another. The example `rooms` brings people together by Redis.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use fc_runtime::{App, Html, OrError, Result, Socket};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// How many messages a slow reader may be behind before it misses some.
const BACKLOG: usize = 64;

#[derive(Default)]
struct Rooms(Mutex<HashMap<String, broadcast::Sender<String>>>);

impl Rooms {
    /// A room lasts for as long as somebody is in it.
    fn enter(&self, room: &str) -> (broadcast::Sender<String>, broadcast::Receiver<String>) {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.retain(|_, room| room.receiver_count() > 0);
        let sender = rooms.entry(room.to_owned()).or_insert_with(|| broadcast::channel(BACKLOG).0);
        (sender.clone(), sender.subscribe())
    }
}

fn main() -> Result {
    App::with_state(Rooms::default())
        .get("/", async |_| Html(PAGE))
        .get("/rooms/{room}", async |ex| {
            let room: String = ex.param("room")?;
            let query: HashMap<String, String> = ex.query()?;
            let name =
                query.get("name").filter(|name| !name.is_empty()).or_error(400, "who are you?")?.clone();
            Ok(ex.websocket(async move |socket| talk(socket, &room, &name).await).with_max_message(4096))
        })
        .run()
}

async fn talk(mut socket: Socket<Rooms>, room: &str, name: &str) -> Result {
    let (say, mut heard) = socket.state().enter(room);
    // Nobody left to hear it is no failure, here and below.
    let _ = say.send(format!("{name} came in"));
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(message) => {
                    if let Some(text) = message?.as_text() {
                        let _ = say.send(format!("{name}: {text}"));
                    }
                }
                None => break,
            },
            line = heard.recv() => match line {
                Ok(line) => socket.send(line).await?,
                Err(RecvError::Lagged(missed)) => socket.send(format!("({missed} messages missed)")).await?,
                Err(RecvError::Closed) => break,
            },
        }
    }
    let _ = say.send(format!("{name} has left"));
    Ok(())
}

const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8"><title>chat</title>
<form id="door"><input name="room" value="lobby"> <input name="name" placeholder="your name"> <button>enter</button></form>
<pre id="lines"></pre>
<form id="talk" hidden><input name="text" autofocus> <button>say</button></form>
<script>
const show = text => { lines.textContent += text + '\n'; };
door.onsubmit = event => {
  event.preventDefault();
  const url = new URL('/rooms/' + encodeURIComponent(door.room.value), location.href.replace(/^http/, 'ws'));
  url.searchParams.set('name', door.elements.name.value);
  const socket = new WebSocket(url);
  socket.onopen = () => { door.hidden = true; talk.hidden = false; };
  socket.onmessage = event => show(event.data);
  socket.onclose = event => { show('closed: ' + event.code + ' ' + event.reason); talk.hidden = true; door.hidden = false; };
  talk.onsubmit = event => { event.preventDefault(); socket.send(talk.text.value); talk.text.value = ''; };
};
</script>
"#;
