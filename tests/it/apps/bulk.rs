//! Replies with pieces of every size, whose bytes say where they stand.

use fc_runtime::{App, Bytes, Error, Reply, Result};
use serde::Deserialize;

#[derive(Deserialize)]
struct Sizes {
    /// Of the pieces, in their order.
    of: String,
}

#[derive(Deserialize)]
struct Size {
    bytes: usize,
}

pub fn app() -> App {
    App::new()
        .trust_platform(true)
        .get("/whole", async |ex| Ok(pattern(0, ex.query::<Size>()?.bytes)))
        .get("/stream", async |ex| Ok(Reply::stream(pieces(sizes(&ex.query::<Sizes>()?)?, false))))
        .get("/failing", async |ex| Ok(Reply::stream(pieces(sizes(&ex.query::<Sizes>()?)?, true))))
        .get("/small", async |_| "small")
}

fn sizes(sizes: &Sizes) -> Result<Vec<usize>> {
    Ok(sizes.of.split(',').map(str::parse).collect::<Result<_, _>>()?)
}

fn pieces(sizes: Vec<usize>, fails: bool) -> impl futures_core::Stream<Item = Result<Bytes>> {
    async_stream::stream! {
        let mut start = 0;
        for size in sizes {
            yield Ok(Bytes::from(pattern(start, size)));
            start += size;
        }
        if fails {
            yield Err(Error::internal("the source is dry"));
        }
    }
}

/// So many bytes from this place on. None is lost, doubled or moved by less than its period without being seen.
pub fn pattern(start: usize, length: usize) -> Vec<u8> {
    (start..start + length).map(|at| ((at % 251) ^ (at / 251 % 256)).to_le_bytes()[0]).collect()
}
