"""gRPC's interoperability cases by grpclib, a client in pure Python: `grpclib_cases.py <port> <folder> <case>..`.

Ends with 0 if all is as it should be.
"""

import asyncio
import os
import ssl
import sys

from grpclib.client import Channel
from grpclib.const import Status
from grpclib.exceptions import GRPCError

port, folder, *cases = sys.argv[1:]
sys.path.insert(0, folder)
import test_grpc as stubs  # noqa: E402
import test_pb2 as pb  # noqa: E402

WAIT = 30
REQUESTS = [27_182, 8, 1_828, 45_904]
REPLIES = [31_415, 9, 2_653, 58_979]
SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"


def same(got, expected):
    assert got == expected, f"{got!r} is not {expected!r}"


def zeros(size):
    return pb.Payload(body=b"\0" * size)


def wanted(size, reply):
    return pb.StreamingOutputCallRequest(response_parameters=[pb.ResponseParameters(size=reply)], payload=zeros(size))


async def refused(call, code, message=None):
    try:
        await call
    except GRPCError as error:
        same(error.status, code)
        if message is not None:
            same(error.message, message)
        return
    raise AssertionError(f"{code} expected")


async def empty_unary(service):
    same(await service.EmptyCall(pb.Empty(), timeout=WAIT), pb.Empty())


async def large_unary(service):
    request = pb.SimpleRequest(response_size=314_159, payload=zeros(271_828))
    same((await service.UnaryCall(request, timeout=WAIT)).payload.body, b"\0" * 314_159)


async def client_streaming(service):
    requests = [pb.StreamingInputCallRequest(payload=zeros(size)) for size in REQUESTS]
    same((await service.StreamingInputCall(requests, timeout=WAIT)).aggregated_payload_size, 74_922)


async def server_streaming(service):
    request = pb.StreamingOutputCallRequest(response_parameters=[pb.ResponseParameters(size=size) for size in REPLIES])
    replies = await service.StreamingOutputCall(request, timeout=WAIT)
    same([len(reply.payload.body) for reply in replies], REPLIES)


async def ping_pong(service):
    async with service.FullDuplexCall.open(timeout=WAIT) as stream:
        for size, reply in zip(REQUESTS, REPLIES):
            await stream.send_message(wanted(size, reply))
            same(len((await stream.recv_message()).payload.body), reply)
        await stream.end()
        same(await stream.recv_message(), None)


async def empty_stream(service):
    same(await service.FullDuplexCall([], timeout=WAIT), [])


async def custom_metadata(service):
    metadata = {"x-grpc-test-echo-initial": "test_initial_metadata_value", "x-grpc-test-echo-trailing-bin": b"\xab\xab\xab"}
    async with service.FullDuplexCall.open(timeout=WAIT, metadata=metadata) as stream:
        await stream.send_message(wanted(8, 9), end=True)
        await stream.recv_initial_metadata()
        same(stream.initial_metadata["x-grpc-test-echo-initial"], "test_initial_metadata_value")
        same(len((await stream.recv_message()).payload.body), 9)
        await stream.recv_trailing_metadata()
        same(stream.trailing_metadata["x-grpc-test-echo-trailing-bin"], b"\xab\xab\xab")


custom_metadata_of_streams = custom_metadata


async def status_code_and_message(service):
    status = pb.EchoStatus(code=2, message="test status message")
    await refused(service.UnaryCall(pb.SimpleRequest(response_status=status), timeout=WAIT), Status.UNKNOWN, status.message)
    request = pb.StreamingOutputCallRequest(response_status=status)
    await refused(service.FullDuplexCall([request], timeout=WAIT), Status.UNKNOWN, status.message)


async def special_status_message(service):
    for message in (SPECIAL, "what? 100% of 50%25", "%"):
        status = pb.EchoStatus(code=2, message=message)
        await refused(service.UnaryCall(pb.SimpleRequest(response_status=status), timeout=WAIT), Status.UNKNOWN, message)


async def unimplemented_method(service):
    await refused(service.UnimplementedCall(pb.Empty(), timeout=WAIT), Status.UNIMPLEMENTED)


async def unimplemented_service(service):
    nowhere = stubs.UnimplementedServiceStub(service.channel)
    await refused(nowhere.UnimplementedCall(pb.Empty(), timeout=WAIT), Status.UNIMPLEMENTED)


async def cancel_after_begin(service):
    async with service.StreamingInputCall.open(timeout=WAIT) as stream:
        await stream.send_request()
        await stream.cancel()


async def cancel_after_first_response(service):
    async with service.FullDuplexCall.open(timeout=WAIT) as stream:
        await stream.send_message(wanted(27_182, 31_415))
        same(len((await stream.recv_message()).payload.body), 31_415)
        await stream.cancel()


async def timeout_on_sleeping_server(service):
    sleepy = pb.StreamingOutputCallRequest(response_parameters=[pb.ResponseParameters(size=1, interval_us=WAIT * 1_000_000)])
    try:
        await service.FullDuplexCall([sleepy], timeout=0.2)
    except asyncio.TimeoutError:
        return
    except GRPCError as error:
        same(error.status, Status.DEADLINE_EXCEEDED)
        return
    raise AssertionError("a time-out expected")


async def rpc_soak(service):
    await asyncio.gather(*[large_unary(service) for _ in range(50)])


async def main():
    authority = os.environ.get("GRPC_CA")
    secure = None
    if authority:
        secure = ssl.create_default_context(cafile=authority)
        secure.set_alpn_protocols(["h2"])
    async with Channel("127.0.0.1", int(port), ssl=secure) as channel:
        service = stubs.TestServiceStub(channel)
        service.channel = channel
        for case in cases:
            await asyncio.wait_for(globals()[case](service), 2 * WAIT)
            print(case, flush=True)


asyncio.run(main())
