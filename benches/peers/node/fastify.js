// The contract's routes on Fastify.
import Fastify from "fastify";

import { block, pieces, spin } from "./work.js";

const app = Fastify();
const TEXT = "text/plain; charset=utf-8";

// Only /echo streams: elsewhere JSON is parsed, as is the framework's default.
app.register(async (streams) => {
  streams.removeAllContentTypeParsers();
  streams.addContentTypeParser("*", (request, payload, done) => done(null, payload));
  streams.post("/echo", { bodyLimit: 64 * 1024 * 1024 }, (request, reply) =>
    reply.type(request.headers["content-type"]).send(request.body),
  );
});

const message = { type: "object", properties: { message: { type: "string" } } };
const numbers = { type: "object", properties: { user: { type: "integer" }, post: { type: "integer" } } };
const order = { type: "object", properties: { item: { type: "string" }, quantity: { type: "integer" } } };

app.get("/plaintext", (request, reply) => reply.type(TEXT).send("Hello, World!"));
app.get("/healthz", (request, reply) => reply.type(TEXT).send("ok"));
app.get("/json", { schema: { response: { 200: message } } }, (request, reply) =>
  reply.type("application/json").send({ message: "Hello, World!" }),
);
app.get("/users/:id", (request, reply) => reply.type(TEXT).send(request.params.id));
app.get("/users/:user/posts/:post", { schema: { params: numbers, response: { 200: numbers } } }, (request, reply) =>
  reply.type("application/json").send(request.params),
);
app.post("/orders", { schema: { body: order, response: { 201: order } } }, (request, reply) => {
  if (!(request.body.quantity > 0)) return reply.code(422).send("the quantity has to be more than 0");
  return reply.code(201).type("application/json").header("location", `/orders/${request.body.item}`).send(request.body);
});
app.get("/block", (request, reply) => {
  block(Number(request.query.ms));
  return reply.type(TEXT).send("blocked");
});
app.get("/spin", (request, reply) => {
  spin(Number(request.query.ms));
  return reply.type(TEXT).send("spun");
});
app.get("/large", (request, reply) =>
  reply.type("application/octet-stream").send(pieces(Number(request.query.bytes))),
);

await app.listen({ port: Number(process.env.FC_CUSTOM_LISTEN_PORT ?? 9000), host: "0.0.0.0" });
