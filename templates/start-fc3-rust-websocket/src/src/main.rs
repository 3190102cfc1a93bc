//! A chat: what one says, all hear.
//!
//! The people of one instance do not hear those of another one. Session affinity, or a channel that instances share, brings
//! them together.

use fc_runtime::{App, Html, OrError, Result, Socket};
use serde::Deserialize;
use tokio::sync::broadcast::{self, Sender, error::RecvError};

#[derive(Deserialize)]
struct Query {
    name: Option<String>,
}

const PAGE: &str = r"<!doctype html><title>chat</title><form><input autofocus> <button>say</button></form><pre></pre><script>
const socket = new WebSocket(location.href.replace(/^http/, 'ws') + 'chat?name=' + Math.random().toString(36).slice(2, 6));
socket.onmessage = (line) => { document.querySelector('pre').textContent += line.data + '\n'; };
document.querySelector('form').onsubmit = (event) => {
  event.preventDefault();
  socket.send(document.querySelector('input').value);
  document.querySelector('input').value = '';
};
</script>
";

fn main() -> Result {
    app().run()
}

fn app() -> App<Sender<String>> {
    App::with_state(broadcast::channel(64).0).get("/", async |_| Html(PAGE)).get("/chat", async |ex| {
        let Query { name } = ex.query()?;
        // What is refused here is refused by HTTP, before there is a socket.
        let name = name.or_error(400, "who are you?")?;
        Ok(ex.websocket(async move |socket| talk(socket, &name).await).with_max_message(4096))
    })
}

async fn talk(mut socket: Socket<Sender<String>>, name: &str) -> Result {
    let room = socket.state().clone();
    let mut heard = room.subscribe();
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(message) => if let Some(text) = message?.as_text() {
                    room.send(format!("{name}: {text}"))?;
                },
                None => return Ok(()),
            },
            line = heard.recv() => match line {
                Ok(line) => socket.send(line).await?,
                Err(RecvError::Lagged(missed)) => socket.send(format!("({missed} lines missed)")).await?,
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_says_all_hear() {
        fc_runtime::testing::run(async {
            let client = app().test_client();
            client.get("/chat").await.assert_status(400);
            let mut ann = client.get("/chat?name=ann").websocket().await.unwrap();
            let mut bob = client.get("/chat?name=bob").websocket().await.unwrap();
            bob.send("tea?").await;
            assert_eq!(bob.next().await.unwrap().as_text(), Some("bob: tea?"));
            ann.send("tea!").await;
            assert_eq!(bob.next().await.unwrap().as_text(), Some("ann: tea!"));
            assert_eq!(ann.close().await.unwrap().code, 1000);
        });
    }
}
