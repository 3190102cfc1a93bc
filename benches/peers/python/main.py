"""The contract's routes on FastAPI, served by uvicorn with its fast loop and parser."""

import os
import time

import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel

app = FastAPI()
ZEROS = bytes(64 * 1024)


class Order(BaseModel):
    item: str
    quantity: int


@app.get("/plaintext", response_class=PlainTextResponse)
async def plaintext():
    return "Hello, World!"


@app.get("/healthz", response_class=PlainTextResponse)
async def healthz():
    return "ok"


@app.get("/json")
async def json():
    return {"message": "Hello, World!"}


@app.get("/users/{id}", response_class=PlainTextResponse)
async def user(id: str):
    return id


@app.get("/users/{user}/posts/{post}")
async def post(user: int, post: int):
    return {"user": user, "post": post}


class Back(Response):
    """The request's own body. A StreamingResponse listens for a disconnect meanwhile, and so takes the body's pieces away."""

    def __init__(self, request: Request):
        super().__init__()
        self.request = request
        self.raw_headers = [(b"content-type", request.headers["content-type"].encode())]

    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for piece in self.request.stream():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


@app.post("/echo")
async def echo(request: Request):
    return Back(request)


@app.post("/orders", status_code=201)
async def orders(order: Order, response: Response):
    if order.quantity <= 0:
        raise HTTPException(422, "the quantity has to be more than 0")
    response.headers["location"] = f"/orders/{order.item}"
    return order


@app.get("/block", response_class=PlainTextResponse)
async def block(ms: int):
    time.sleep(ms / 1000)
    return "blocked"


@app.get("/spin", response_class=PlainTextResponse)
async def spin(ms: int):
    end = time.monotonic() + ms / 1000
    while time.monotonic() < end:
        pass
    return "spun"


@app.get("/large")
async def large(bytes: int):
    async def pieces():
        left = bytes
        while left > 0:
            yield ZEROS[:left]
            left -= len(ZEROS)

    return StreamingResponse(pieces(), media_type="application/octet-stream")


if __name__ == "__main__":
    port = int(os.environ.get("FC_CUSTOM_LISTEN_PORT", "9000"))
    uvicorn.run(app, host="0.0.0.0", port=port, access_log=False, log_level="warning")
