# FastAPI behind uvicorn.
import asyncio
import os

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, StreamingResponse

app = FastAPI(default_response_class=PlainTextResponse)
word = open("/code/word").read()


@app.get("/")
async def home():
    return word


@app.get("/where")
async def where():
    return f"{os.path.dirname(os.path.abspath(__file__))} {os.getcwd()}"


@app.post("/length")
async def length(request: Request):
    return str(len(await request.body()))


@app.get("/big")
async def big(bytes: int):
    return "x" * bytes


@app.get("/stream")
async def stream():
    async def chunks():
        for number in range(3):
            await asyncio.sleep(0.2)
            yield f"chunk {number}\n"

    return StreamingResponse(chunks())


@app.get("/slow")
async def slow():
    print("slow begins", flush=True)
    await asyncio.sleep(60)
