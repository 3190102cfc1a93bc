//! In memory there is no connection that a socket could take over, and a test is told so.

use fc_runtime::App;

#[tokio::test]
async fn a_handshake_in_memory_is_told_what_it_lacks() {
    let client = App::new()
        .get("/ws", async |ex| ex.websocket(async |mut socket| Ok(socket.send("never").await?)))
        .test_client();
    client.get("/ws").await.assert_status(426);
    let whole = client
        .get("/ws")
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .await;
    assert!(whole.assert_status(501).text().contains("serve the app on a port"), "{}", whole.text());
}
