//! Rooms to talk in, on any number of instances: `REDIS=redis://127.0.0.1:6379 cargo run`, then <http://localhost:9000/>.

use fc_runtime::{App, Error, Exchange, Html, Instance, Json, Metrics, OrError as _, Result, Socket, Sse};
use rooms::{Id, Rooms, Seat, Settings};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;

/// A socket that is too slow is told to come again.
const TRY_AGAIN_LATER: u16 = 1013;

fn main() -> Result {
    let metrics = Metrics::new();
    let of_rooms = metrics.clone();
    App::with_state_from(async move |instance: Instance| {
        Rooms::open(&instance.var("REDIS")?, Settings::default(), &of_rooms)
    })
    .get("/", async |_| Html(include_str!("page.html")))
    .post("/rooms/{room}", async |ex| {
        let said: Said = ex.json().await?;
        let id = say(ex.state(), &ex.param::<String>("room")?, &said).await?;
        Ok((201, Json(id.to_string())))
    })
    .get("/rooms/{room}/events", async |ex| {
        let after = ex.last_event_id().map(|id| id.into_owned());
        let after = after.or(ex.query::<Listen>()?.after).map(|id| parse(&id)).transpose()?;
        let seat = ex.state().enter(&ex.param::<String>("room")?).await?;
        Ok(Sse::new(seat.events(after)))
    })
    .get("/rooms/{room}/socket", socket)
    .ready_check("redis", async |rooms| rooms.ping().await)
    .metrics("/metrics", &metrics)
    .run()
}

/// What somebody says.
#[derive(Debug, Deserialize, Serialize)]
struct Said {
    from: String,
    text: String,
}

#[derive(Debug, Deserialize)]
struct Listen {
    /// The last line that the listener has.
    after: Option<String>,
    from: Option<String>,
}

fn parse(id: &str) -> Result<Id> {
    Ok(id.parse::<Id>().or_bad_request("this is no id of a line")?)
}

async fn say(rooms: &Rooms, room: &str, said: &Said) -> Result<Id> {
    if said.from.is_empty() || said.text.is_empty() {
        return Err(Error::unprocessable("somebody has to say something"));
    }
    rooms.say(room, &serde_json::to_string(said)?).await
}

/// Checks and takes the seat before the upgrade, so that a refusal is a reply that says why.
async fn socket(ex: Exchange<Rooms>) -> Result<fc_runtime::Upgrade> {
    let Listen { after, from } = ex.query()?;
    let after = after.map(|id| parse(&id)).transpose()?;
    let from = from.filter(|name| !name.is_empty()).or_bad_request("who are you?")?;
    let room: String = ex.param("room")?;
    let seat = ex.state().enter(&room).await?;
    let talk = async move |socket| talk(socket, seat, room, from, after).await;
    Ok(ex.websocket(talk).with_max_message(rooms::TEXT_MAX))
}

async fn talk(
    mut socket: Socket<Rooms>,
    seat: Seat,
    room: String,
    from: String,
    after: Option<Id>,
) -> Result {
    let (missed, mut live) = seat.messages(after)?;
    for message in missed {
        socket.send(message).await?;
    }
    loop {
        tokio::select! {
            message = socket.next() => {
                let Some(message) = message else { return Ok(()) };
                let text = message?.as_text().unwrap_or_default().to_owned();
                let rooms = socket.state_arc();
                if let Err(error) = say(&rooms, &room, &Said { from: from.clone(), text: text.clone() }).await {
                    let refused = serde_json::json!({"refused": {"text": text, "why": error.message()}});
                    socket.send_json(&refused).await?;
                }
            }
            heard = live.recv() => match heard {
                Ok(message) => socket.send(message).await?,
                Err(RecvError::Lagged(_)) => {
                    socket.close(TRY_AGAIN_LATER, "too slow: come again with the last id");
                    return Ok(());
                }
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}
