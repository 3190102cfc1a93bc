// The contract's routes on node:http, without a framework.
import { createServer } from "node:http";

import { block, pieces, spin } from "./work.js";

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";

const server = createServer((request, response) => {
  const url = request.url;
  const query = url.indexOf("?");
  const path = query < 0 ? url : url.slice(0, query);
  const asked = (name) => Number(new URLSearchParams(url.slice(query)).get(name));
  switch (path) {
    case "/plaintext":
      return send(response, 200, TEXT, "Hello, World!");
    case "/healthz":
      return send(response, 200, TEXT, "ok");
    case "/json":
      return send(response, 200, JSON_TYPE, JSON.stringify({ message: "Hello, World!" }));
    case "/echo":
      response.writeHead(200, { "content-type": request.headers["content-type"] });
      return request.pipe(response);
    case "/orders":
      return order(request, response);
    case "/block":
      block(asked("ms"));
      return send(response, 200, TEXT, "blocked");
    case "/spin":
      spin(asked("ms"));
      return send(response, 200, TEXT, "spun");
    case "/large":
      response.writeHead(200, { "content-type": "application/octet-stream" });
      return pieces(asked("bytes")).pipe(response);
  }
  const [, users, id, posts, post] = path.split("/");
  if (users === "users" && posts === undefined) {
    return send(response, 200, TEXT, decodeURIComponent(id));
  }
  if (users === "users" && posts === "posts") {
    const numbers = { user: Number(id), post: Number(post) };
    return send(response, 200, JSON_TYPE, JSON.stringify(numbers));
  }
  send(response, 404, TEXT, "not found");
});

async function order(request, response) {
  const parts = [];
  for await (const part of request) parts.push(part);
  let order;
  try {
    order = JSON.parse(Buffer.concat(parts).toString());
  } catch {
    return send(response, 400, TEXT, "not JSON");
  }
  if (!(order.quantity > 0)) return send(response, 422, TEXT, "the quantity has to be more than 0");
  const location = `/orders/${order.item}`;
  send(response, 201, JSON_TYPE, JSON.stringify(order), { location });
}

function send(response, status, type, body, more = {}) {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body), ...more });
  response.end(body);
}

server.listen(Number(process.env.FC_CUSTOM_LISTEN_PORT ?? 9000), "0.0.0.0");
