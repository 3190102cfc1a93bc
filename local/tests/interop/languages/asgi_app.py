# uvicorn alone, with an application of nothing but ASGI.
import asyncio
import os
from urllib.parse import parse_qs

word = open("/code/word").read()


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    path = scope["path"]
    await send_head(send) if path != "/slow" else None
    if path == "/where":
        text = f"{os.path.dirname(os.path.abspath(__file__))} {os.getcwd()}"
    elif path == "/length":
        length, is_more = 0, True
        while is_more:
            part = await receive()
            length, is_more = length + len(part.get("body", b"")), part.get("more_body", False)
        text = str(length)
    elif path == "/big":
        text = "x" * int(parse_qs(scope["query_string"])[b"bytes"][0])
    elif path == "/stream":
        for number in range(3):
            await asyncio.sleep(0.2)
            await send({"type": "http.response.body", "body": f"chunk {number}\n".encode(), "more_body": True})
        text = ""
    elif path == "/slow":
        print("slow begins", flush=True)
        while (await receive())["type"] != "http.disconnect":
            pass
        print("slow client left", flush=True)
        return
    else:
        text = word
    await send({"type": "http.response.body", "body": text.encode()})


async def send_head(send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
