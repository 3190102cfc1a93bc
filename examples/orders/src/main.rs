//! Takes orders, and carries each one out exactly once, although the platform calls at least once.
//!
//! `POST /orders` answers while the customer waits: a wrong order is refused there and then, a right one is handed over as
//! a task. The event handler of the same function carries it out; docs/async.md tells why it is written as it is.

mod store;

use std::sync::Arc;

use fc_client::Client;
use fc_runtime::{App, Error, Instance, Json, Result};
use serde::{Deserialize, Serialize};

use store::Store;

struct State {
    store: Arc<Store>,
    client: Client,
    /// The name of this function, which calls itself.
    function: String,
}

/// An order. Its id is the customer's own, so that a customer who asks twice means one order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    id: String,
    item: String,
    quantity: u32,
}

#[derive(Debug, Serialize)]
struct Taken {
    task: String,
    /// Whether the order had been taken before.
    already: bool,
}

fn main() -> Result {
    app().run()
}

fn app() -> App<State> {
    App::with_state_from(open)
        .post("/orders", async |ex| {
            let order: Order = ex.json().await?;
            // What can be refused is refused now: after the 202 nobody listens any more.
            if order.quantity == 0 {
                return Err(Error::unprocessable("an order of nothing"));
            }
            let state = ex.state();
            let known = Arc::clone(&state.store);
            let item = order.item.clone();
            if !ex.blocking(move || known.has_item(&item)).await? {
                return Err(Error::not_found(format!("there is no {}", order.item)));
            }
            let client = state.client.for_call(&ex.invocation());
            let task = format!("order-{}", order.id);
            match client.invoke(&*state.function).json(&order).send_as_task(&*task).await {
                Ok(_) => Ok((202, Json(Taken { task, already: false }))),
                Err(fc_client::Error::DuplicateTask { .. }) => Ok((202, Json(Taken { task, already: true }))),
                Err(error) => Err(Error::unavailable("the order cannot be taken now").with_cause(error)),
            }
        })
        .get("/stock/{item}", async |ex| {
            let (store, item) = (Arc::clone(&ex.state().store), ex.param::<String>("item")?);
            let quantity = ex.blocking(move || store.stock(&item)).await?;
            Ok(quantity.to_string())
        })
        .event(async |event| {
            let order: Order = event.json()?;
            let store = Arc::clone(&event.state().store);
            let remaining = event.blocking(move || store.carry_out(&order)).await?;
            Ok(remaining.to_string())
        })
}

async fn open(instance: Instance) -> Result<State> {
    let store = Store::open(&instance.var("DATABASE")?)?;
    let function = instance.function_name().unwrap_or("orders").to_owned();
    Ok(State { store: Arc::new(store), client: Client::new(&instance)?, function })
}

#[cfg(test)]
mod tests;
