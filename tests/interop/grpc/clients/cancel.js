// A client stream that is cancelled behind its first message: `node cancel.js <port> <request id>`. A line of stdin says when.

const grpc = require("@grpc/grpc-js");

const [port, id] = process.argv.slice(2);
const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
const metadata = new grpc.Metadata();
metadata.set("x-fc-request-id", id);
const same = (bytes) => bytes;
const call = client.makeClientStreamRequest("/it.It/Gather", same, same, metadata, (error) => {
  console.log(error ? grpc.status[error.code] : "OK");
  client.close();
  process.stdin.unref();
});
call.write(Buffer.from("\x0a\x01a"));
process.stdin.once("data", () => call.cancel());
