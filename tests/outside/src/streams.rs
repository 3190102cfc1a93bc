//! Streams of other crates in both directions.

use fc_runtime::{Group, Json, Reply, Sse, grpc};
use futures_util::TryStreamExt as _;
use sqlx::Row as _;
use tokio::io::AsyncBufReadExt as _;
use tokio_util::io::{ReaderStream, StreamReader};

use crate::Shop;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Name {
    #[prost(string, tag = "1")]
    name: String,
}

pub(crate) fn routes(group: Group<Shop>) -> Group<Shop> {
    group
        .post("/multipart", async |ex| {
            let boundary = multer::parse_boundary(ex.header("content-type").unwrap_or_default())?;
            let mut parts = multer::Multipart::new(ex.body(), boundary);
            let mut seen = Vec::new();
            while let Some(part) = parts.next_field().await? {
                let name = part.name().unwrap_or_default().to_owned();
                seen.push((name, part.bytes().await?.len()));
            }
            Ok(Json(seen))
        })
        .post("/lines", async |ex| {
            let mut lines = StreamReader::new(ex.body()).lines();
            let mut count = 0;
            while lines.next_line().await?.is_some() {
                count += 1;
            }
            Ok(count.to_string())
        })
        .post("/file", async |ex| {
            let mut file = tokio::fs::File::from_std(tempfile::tempfile()?);
            tokio::io::copy(&mut StreamReader::new(ex.body()), &mut file).await?;
            tokio::io::AsyncSeekExt::rewind(&mut file).await?;
            Ok(Reply::stream(ReaderStream::new(file)))
        })
        .get("/rows", async |ex| {
            let db = ex.state().db.clone();
            Reply::stream(async_stream::stream! {
                let mut rows = sqlx::query("select name from items order by name").fetch(&db);
                while let Some(row) = rows.try_next().await.transpose() {
                    yield row.and_then(|row| row.try_get::<String, _>("name"));
                }
            })
        })
        .get("/tried", async |ex| {
            Reply::try_stream(async_stream::try_stream! {
                let mut rows = sqlx::query("select name from items order by name").fetch(&ex.state().db);
                while let Some(row) = rows.try_next().await? {
                    yield row.try_get::<String, _>("name")?.into();
                }
            })
        })
        .get("/events", async |ex| {
            let db = ex.state().db.clone();
            Sse::new(async_stream::stream! {
                let mut rows = sqlx::query("select name from items order by name").fetch(&db);
                while let Some(row) = rows.try_next().await.transpose() {
                    yield row.and_then(|row| row.try_get::<String, _>("name"));
                }
            })
        })
        // A proxy: the request's body goes on as a stream, and the body of the answer comes back as one.
        .post("/forward", async |ex| {
            let to = format!("http://{}/streams/lines", ex.host().unwrap_or_default());
            let answer = ex.state().http.post(to).body(reqwest::Body::wrap_stream(ex.body())).send().await?;
            Ok((answer.status(), Reply::stream(answer.bytes_stream())))
        })
        .post("/forward-body", async |ex| {
            let to = format!("http://{}/streams/lines", ex.host().unwrap_or_default());
            let answer = ex.state().http.post(to).body(reqwest::Body::wrap(ex.body())).send().await?;
            Ok(answer.text().await?)
        })
        .server_stream("/shop.Shop/Names", async |ex, _: Name| {
            let db = ex.state().db.clone();
            Ok(grpc::replies(async_stream::stream! {
                let mut rows = sqlx::query("select name from items order by name").fetch(&db);
                while let Some(row) = rows.try_next().await.transpose() {
                    yield row.and_then(|row| Ok(Name { name: row.try_get("name")? }));
                }
            }))
        })
}
