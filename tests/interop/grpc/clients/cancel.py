"""A client stream that is cancelled behind its first message: `cancel.py <grpcio or grpclib> <port> <request id>`.

A line of stdin says when.
"""

import asyncio
import sys

client, port, request_id = sys.argv[1:]
METHOD, MESSAGE = "/it.It/Gather", b"\x0a\x01a"
METADATA = {"x-fc-request-id": request_id}


def by_grpcio():
    import threading

    import grpc

    over = threading.Event()

    def messages():
        yield MESSAGE
        over.wait(30)

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.stream_unary(METHOD).future(messages(), timeout=30, metadata=list(METADATA.items()))
        sys.stdin.readline()
        call.cancel()
        over.set()
        print(call.code().name)


async def by_grpclib():
    from google.protobuf.wrappers_pb2 import StringValue
    from grpclib.client import Channel, StreamUnaryMethod

    async with Channel("127.0.0.1", int(port)) as channel:
        method = StreamUnaryMethod(channel, METHOD, StringValue, StringValue)
        async with method.open(timeout=30, metadata=METADATA) as stream:
            await stream.send_message(StringValue(value="a"))
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
            await stream.cancel()
    print("CANCELLED")


if client == "grpcio":
    by_grpcio()
else:
    asyncio.run(by_grpclib())
