# The routes of docs/conform.md on Starlette and uvicorn, with their defaults.
import asyncio
import os
import subprocess
import sys
import time

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

busy = 0


def number(request, name):
    return int(request.query_params.get(name, 0))


async def echo(request):
    headers = {"content-type": request.headers.get("content-type", ""), "x-conform-method": request.method}
    return Response(await request.body(), headers=headers)


async def upload(request):
    return PlainTextResponse(str(len(await request.body())))


async def status(request):
    return PlainTextResponse("status", status_code=number(request, "code"))


async def headers(request):
    return JSONResponse(dict(request.headers))


async def sleep(request):
    global busy
    busy += 1
    try:
        await asyncio.sleep(number(request, "ms") / 1000)
    finally:
        busy -= 1
    return PlainTextResponse("slept")


async def block(request):
    time.sleep(number(request, "ms") / 1000)
    return PlainTextResponse("blocked")


async def tell_busy(request):
    return PlainTextResponse(str(busy))


def ticks(kind, before, after):
    async def handler(request):
        async def pieces():
            global busy
            busy += 1
            try:
                pause = number(request, "first")
                for at in range(number(request, "n")):
                    if pause:
                        await asyncio.sleep(pause / 1000)
                    pause = number(request, "ms")
                    yield f"{before}tick {at}{after}"
            finally:
                busy -= 1

        return StreamingResponse(pieces(), media_type=kind)

    return handler


async def fail(request):
    raise RuntimeError("as asked")


async def log(request):
    print(request.query_params["text"])
    return PlainTextResponse("logged")


async def child(request):
    subprocess.run(["true"], check=True)
    return PlainTextResponse("done")


async def talk(socket):
    await socket.accept()
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is not None and text.startswith("close "):
                return await socket.close(int(text[6:]))
            if text is not None:
                await socket.send_text(text)
            else:
                await socket.send_bytes(message["bytes"])
    except WebSocketDisconnect:
        pass


async def invoke(request):
    event = await request.body()
    if event != b"fail":
        return Response(event, headers={"x-fc-status": "200"})
    print("the event fails", file=sys.stderr)
    error = {"errorMessage": "as asked", "errorType": "Asked"}
    return JSONResponse(error, status_code=404, headers={"x-fc-status": "404"})


async def done(request):
    return PlainTextResponse("done")


app = Starlette(routes=[
    Route("/conform/echo", echo, methods=["POST", "PUT", "PATCH", "DELETE"]),
    Route("/conform/upload", upload, methods=["POST"]),
    Route("/conform/status", status),
    Route("/conform/headers", headers),
    Route("/conform/sleep", sleep),
    Route("/conform/block", block),
    Route("/conform/busy", tell_busy),
    Route("/conform/health", done),
    Route("/conform/stream", ticks("text/plain", "", "\n")),
    Route("/conform/sse", ticks("text/event-stream", "data: ", "\n\n")),
    Route("/conform/fail", fail),
    Route("/conform/log", log),
    Route("/conform/child", child),
    WebSocketRoute("/conform/ws", talk),
    Route("/invoke", invoke, methods=["POST"]),
    Route("/initialize", done, methods=["POST"]),
    Route("/pre-stop", done),
])

if __name__ == "__main__":
    uvicorn.run(app, host="0.0.0.0", port=int(os.environ["FC_SERVER_PORT"]))
