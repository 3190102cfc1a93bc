// gRPC's interoperability cases by @grpc/grpc-js: `node grpc_js_cases.js <port> <test.proto> <case>..`. The modules are
// found by NODE_PATH. Ends with 0 if all is as it should be.

const assert = require("node:assert");
const fs = require("node:fs");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [port, proto, ...cases] = process.argv.slice(2);
const WAIT = 30_000;
const REQUESTS = [27182, 8, 1828, 45904];
const REPLIES = [31415, 9, 2653, 58979];
const SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";

// With a certificate to trust in GRPC_CA, through TLS.
const authority = process.env.GRPC_CA;
const credentials = authority
  ? grpc.credentials.createSsl(fs.readFileSync(authority))
  : grpc.credentials.createInsecure();
const testing = grpc.loadPackageDefinition(loader.loadSync(proto, { keepCase: true })).grpc.testing;
const connect = (options, Service = testing.TestService) =>
  new Service(`127.0.0.1:${port}`, credentials, options);
const service = connect();
const GZIP = { "grpc.default_compression_algorithm": grpc.compressionAlgorithms.gzip };

const soon = () => ({ deadline: Date.now() + WAIT });
const zeros = (size) => ({ body: Buffer.alloc(size) });
const large = (more = {}) => ({ response_size: 314159, payload: zeros(271828), ...more });
const isLarge = (reply) => assert.ok(reply.payload.body.equals(Buffer.alloc(314159)));
const wanted = (size, reply) => ({ response_parameters: [{ size: reply }], payload: zeros(size) });

// What a call with one reply gives, with its metadata.
const call = (client, method, request, metadata = new grpc.Metadata()) =>
  new Promise((resolve, reject) => {
    const seen = {};
    const done = (error, reply) => (seen.error = error, seen.reply = reply, "status" in seen && finish());
    const finish = () => (seen.error ? reject(seen.error) : resolve(seen));
    const made = client[method](request, metadata, soon(), done);
    made.on("metadata", (initial) => (seen.initial = initial));
    made.on("status", (status) => (seen.status = status, "error" in seen && finish()));
  });
// What a call with several replies gives.
const all = (made) =>
  new Promise((resolve, reject) => {
    const seen = { replies: [] };
    made.on("metadata", (initial) => (seen.initial = initial));
    made.on("data", (reply) => seen.replies.push(reply));
    made.on("error", reject);
    made.on("status", (status) => (seen.status = status, status.code === grpc.status.OK && resolve(seen)));
  });
const next = (made) =>
  new Promise((resolve, reject) => {
    made.once("data", resolve);
    made.once("error", reject);
  });
const refused = async (promise, code, details) => {
  const error = await promise.then(() => assert.fail(`status ${code} expected`), (error) => error);
  assert.strictEqual(error.code, code, error);
  if (details !== undefined) assert.strictEqual(error.details, details);
  return error;
};
const sizes = (seen) => seen.replies.map((reply) => reply.payload.body.length);
const duplex = (metadata = new grpc.Metadata(), options = soon()) => service.FullDuplexCall(metadata, options);
const input = (client, requests) =>
  new Promise((resolve, reject) => {
    const made = client.StreamingInputCall(soon(), (error, reply) => (error ? reject(error) : resolve(reply)));
    for (const request of requests) made.write(request);
    made.end();
  });

const all_cases = {
  async empty_unary() {
    assert.deepStrictEqual({ ...(await call(service, "EmptyCall", {})).reply }, {});
  },
  async large_unary() {
    isLarge((await call(service, "UnaryCall", large())).reply);
  },
  async client_compressed_unary() {
    const request = large({ expect_compressed: { value: true } });
    await refused(call(service, "UnaryCall", request), grpc.status.INVALID_ARGUMENT);
    const client = connect(GZIP);
    // Twice: the client compresses on as long as the server's replies name gzip as understood.
    for (let at = 0; at < 2; at++) isLarge((await call(client, "UnaryCall", request)).reply);
    client.close();
  },
  async server_compressed_unary() {
    for (const value of [true, false]) {
      isLarge((await call(service, "UnaryCall", large({ response_compressed: { value } }))).reply);
    }
  },
  async client_streaming() {
    const parts = REQUESTS.map((size) => ({ payload: zeros(size) }));
    assert.strictEqual((await input(service, parts)).aggregated_payload_size, 74922);
  },
  async client_compressed_streaming() {
    const parts = [27182, 45904].map((size) => ({ payload: zeros(size), expect_compressed: { value: true } }));
    await refused(input(service, parts), grpc.status.INVALID_ARGUMENT);
    const client = connect(GZIP);
    assert.strictEqual((await input(client, parts)).aggregated_payload_size, 73086);
    client.close();
  },
  async server_streaming() {
    const request = { response_parameters: REPLIES.map((size) => ({ size })) };
    assert.deepStrictEqual(sizes(await all(service.StreamingOutputCall(request, soon()))), REPLIES);
  },
  async server_compressed_streaming() {
    const response_parameters = [{ size: 31415, compressed: { value: true } }, { size: 92653, compressed: { value: false } }];
    assert.deepStrictEqual(sizes(await all(service.StreamingOutputCall({ response_parameters }, soon()))), [31415, 92653]);
  },
  async ping_pong() {
    const made = duplex();
    const end = new Promise((resolve) => made.on("status", resolve));
    for (const [at, size] of REQUESTS.entries()) {
      const reply = next(made);
      made.write(wanted(size, REPLIES[at]));
      assert.strictEqual((await reply).payload.body.length, REPLIES[at]);
    }
    made.end();
    assert.strictEqual((await end).code, grpc.status.OK);
  },
  async empty_stream() {
    const made = duplex();
    made.end();
    assert.deepStrictEqual((await all(made)).replies, []);
  },
  async half_duplex() {
    const made = service.HalfDuplexCall(soon());
    REQUESTS.forEach((size, at) => made.write(wanted(size, REPLIES[at])));
    made.end();
    assert.deepStrictEqual(sizes(await all(made)), REPLIES);
  },
  async custom_metadata(of_unary = true) {
    const metadata = new grpc.Metadata();
    metadata.set("x-grpc-test-echo-initial", "test_initial_metadata_value");
    metadata.set("x-grpc-test-echo-trailing-bin", Buffer.from([0xab, 0xab, 0xab]));
    const check = ({ initial, status }, trailing) => {
      assert.deepStrictEqual(initial.get("x-grpc-test-echo-initial"), ["test_initial_metadata_value"]);
      const bytes = status.metadata.get("x-grpc-test-echo-trailing-bin");
      if (trailing) assert.deepStrictEqual(bytes, [Buffer.from([0xab, 0xab, 0xab])]);
    };
    check(await call(service, "UnaryCall", large(), metadata), of_unary);
    const made = duplex(metadata);
    made.end(wanted(8, 9));
    check(await all(made), true);
  },
  // Code that tonic generates has no trailers for one reply.
  custom_metadata_of_streams: () => all_cases.custom_metadata(false),
  async status_code_and_message(message = "test status message") {
    const response_status = { code: grpc.status.UNKNOWN, message };
    await refused(call(service, "UnaryCall", { response_status }), grpc.status.UNKNOWN, message);
    const made = duplex();
    made.end({ response_status });
    await refused(all(made), grpc.status.UNKNOWN, message);
    await refused(all(service.StreamingOutputCall({ response_status }, soon())), grpc.status.UNKNOWN, message);
  },
  async special_status_message() {
    // This client decodes only some of what a server may have encoded too much: `%3F` would stay.
    for (const message of [SPECIAL, " what? 100% of 50%25 #1 \"a\" <b>; c=d&e ", "%"]) {
      await all_cases.status_code_and_message(message);
    }
  },
  async unimplemented_method() {
    await refused(call(service, "UnimplementedCall", {}), grpc.status.UNIMPLEMENTED);
  },
  async unimplemented_service() {
    const nowhere = connect({}, testing.UnimplementedService);
    await refused(call(nowhere, "UnimplementedCall", {}), grpc.status.UNIMPLEMENTED);
    nowhere.close();
  },
  async cancel_after_begin() {
    const ended = new Promise((resolve) => {
      const made = service.StreamingInputCall(soon(), (error) => resolve(error));
      made.cancel();
    });
    assert.strictEqual((await ended).code, grpc.status.CANCELLED);
  },
  async cancel_after_first_response() {
    const made = duplex();
    const ended = new Promise((resolve) => made.on("status", resolve));
    const first = next(made);
    made.write(wanted(27182, 31415));
    assert.strictEqual((await first).payload.body.length, 31415);
    made.on("error", () => {});
    made.cancel();
    assert.strictEqual((await ended).code, grpc.status.CANCELLED);
  },
  async timeout_on_sleeping_server() {
    const made = duplex(new grpc.Metadata(), { deadline: Date.now() + 200 });
    made.write({ response_parameters: [{ size: 1, interval_us: 30_000_000 }] });
    await refused(all(made), grpc.status.DEADLINE_EXCEEDED);
  },
  async concurrent_large_unary() {
    const calls = Array.from({ length: 100 }, () => call(service, "UnaryCall", large()));
    for (const { reply } of await Promise.all(calls)) isLarge(reply);
  },
  async rpc_soak() {
    for (let at = 0; at < 200; at++) isLarge((await call(service, "UnaryCall", large())).reply);
  },
  async channel_soak() {
    for (let at = 0; at < 50; at++) {
      const client = connect({ "grpc.use_local_subchannel_pool": 1 });
      isLarge((await call(client, "UnaryCall", large())).reply);
      client.close();
    }
  },
};

(async () => {
  for (const name of cases) {
    const start = Date.now();
    await all_cases[name]();
    console.log(`${name}: ${Date.now() - start} ms`);
  }
  service.close();
  // Timers of deadlines that calls have left behind would hold the process up.
  process.exit(0);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
