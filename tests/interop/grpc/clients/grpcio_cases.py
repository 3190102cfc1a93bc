"""gRPC's interoperability cases by grpcio: `grpcio_cases.py <port> <folder of the generated code> <case>..`.

Ends with 0 if all is as it should be.
"""

import concurrent.futures
import os
import sys
import threading
import time

import grpc

port, folder, *cases = sys.argv[1:]
sys.path.insert(0, folder)
import test_pb2 as pb  # noqa: E402
import test_pb2_grpc as stubs  # noqa: E402

WAIT = 30
LARGE_REQUEST, LARGE_REPLY = 271_828, 314_159
REQUESTS = [27_182, 8, 1_828, 45_904]
REPLIES = [31_415, 9, 2_653, 58_979]
SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"


def connect(options=None):
    """With a certificate to trust in GRPC_CA, through TLS."""
    target, authority = f"127.0.0.1:{port}", os.environ.get("GRPC_CA")
    if not authority:
        return grpc.insecure_channel(target, options)
    with open(authority, "rb") as file:
        return grpc.secure_channel(target, grpc.ssl_channel_credentials(file.read()), options)


channel = connect()
service = stubs.TestServiceStub(channel)


def same(got, expected):
    assert got == expected, f"{got!r} is not {expected!r}"


def refused(call, code, details=None):
    try:
        call()
    except grpc.RpcError as error:
        same(error.code(), code)
        if details is not None:
            same(error.details(), details)
        return error
    raise AssertionError(f"{code} expected")


def zeros(size):
    return pb.Payload(body=b"\0" * size)


def large(**more):
    return pb.SimpleRequest(response_size=LARGE_REPLY, payload=zeros(LARGE_REQUEST), **more)


def is_large(reply):
    same(reply.payload.body, b"\0" * LARGE_REPLY)


def wanted(size, reply):
    return pb.StreamingOutputCallRequest(
        response_parameters=[pb.ResponseParameters(size=reply)], payload=zeros(size)
    )


def yes(value=True):
    return pb.BoolValue(value=value)


def empty_unary():
    same(service.EmptyCall(pb.Empty(), timeout=WAIT), pb.Empty())


def large_unary():
    is_large(service.UnaryCall(large(), timeout=WAIT))


def client_compressed_unary():
    # A server that cannot tell would let the first one pass.
    refused(lambda: service.UnaryCall(large(expect_compressed=yes()), timeout=WAIT), grpc.StatusCode.INVALID_ARGUMENT)
    request = large(expect_compressed=yes())
    is_large(service.UnaryCall(request, timeout=WAIT, compression=grpc.Compression.Gzip))
    is_large(service.UnaryCall(large(expect_compressed=yes(False)), timeout=WAIT))


def server_compressed_unary():
    for compressed in (True, False):
        is_large(service.UnaryCall(large(response_compressed=yes(compressed)), timeout=WAIT))


def parts(sizes, **more):
    for size in sizes:
        yield pb.StreamingInputCallRequest(payload=zeros(size), **more)


def client_streaming():
    same(service.StreamingInputCall(parts(REQUESTS), timeout=WAIT).aggregated_payload_size, 74_922)
    same(service.StreamingInputCall(parts([]), timeout=WAIT).aggregated_payload_size, 0)


def client_compressed_streaming():
    expect = {"expect_compressed": yes()}
    refused(lambda: service.StreamingInputCall(parts([27_182], **expect), timeout=WAIT), grpc.StatusCode.INVALID_ARGUMENT)
    total = service.StreamingInputCall(
        parts([27_182, 45_904], **expect), timeout=WAIT, compression=grpc.Compression.Gzip
    )
    same(total.aggregated_payload_size, 73_086)


def sizes(replies):
    return [len(reply.payload.body) for reply in replies]


def server_streaming():
    request = pb.StreamingOutputCallRequest(response_parameters=[pb.ResponseParameters(size=size) for size in REPLIES])
    same(sizes(service.StreamingOutputCall(request, timeout=WAIT)), REPLIES)


def server_compressed_streaming():
    parameters = [pb.ResponseParameters(size=31_415, compressed=yes()), pb.ResponseParameters(size=92_653, compressed=yes(False))]
    request = pb.StreamingOutputCallRequest(response_parameters=parameters)
    same(sizes(service.StreamingOutputCall(request, timeout=WAIT)), [31_415, 92_653])


class Pipe:
    """Requests that are sent one by one."""

    def __init__(self):
        self.ready = threading.Condition()
        self.waiting, self.is_over = [], False

    def send(self, request):
        with self.ready:
            self.waiting.append(request)
            self.ready.notify()

    def close(self):
        with self.ready:
            self.is_over = True
            self.ready.notify()

    def __iter__(self):
        while True:
            with self.ready:
                assert self.ready.wait_for(lambda: self.waiting or self.is_over, WAIT)
                if not self.waiting:
                    return
                request = self.waiting.pop(0)
            yield request


def ping_pong():
    pipe = Pipe()
    replies = service.FullDuplexCall(iter(pipe), timeout=WAIT)
    for size, reply in zip(REQUESTS, REPLIES):
        pipe.send(wanted(size, reply))
        same(len(next(replies).payload.body), reply)
    pipe.close()
    same(list(replies), [])
    same(replies.code(), grpc.StatusCode.OK)


def empty_stream():
    replies = service.FullDuplexCall(iter([]), timeout=WAIT)
    same(list(replies), [])
    same(replies.code(), grpc.StatusCode.OK)


def half_duplex():
    requests = [wanted(size, reply) for size, reply in zip(REQUESTS, REPLIES)]
    same(sizes(service.HalfDuplexCall(iter(requests), timeout=WAIT)), REPLIES)


METADATA = [("x-grpc-test-echo-initial", "test_initial_metadata_value"), ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")]


def has(metadata, pair):
    assert pair in [tuple(one) for one in metadata], f"{pair!r} is not in {metadata!r}"


def custom_metadata(of_unary=True):
    _, call = service.UnaryCall.with_call(large(), timeout=WAIT, metadata=METADATA)
    has(call.initial_metadata(), METADATA[0])
    if of_unary:
        has(call.trailing_metadata(), METADATA[1])
    call = service.FullDuplexCall(iter([wanted(8, 9)]), timeout=WAIT, metadata=METADATA)
    has(call.initial_metadata(), METADATA[0])
    same(sizes(call), [9])
    has(call.trailing_metadata(), METADATA[1])


def custom_metadata_of_streams():
    """Code that tonic generates has no trailers for one reply."""
    custom_metadata(of_unary=False)


def status_code_and_message():
    status = pb.EchoStatus(code=2, message="test status message")
    refused(lambda: service.UnaryCall(pb.SimpleRequest(response_status=status), timeout=WAIT), grpc.StatusCode.UNKNOWN, status.message)
    request = pb.StreamingOutputCallRequest(response_status=status)
    for method in (service.FullDuplexCall, lambda requests, **more: service.StreamingOutputCall(request, **more)):
        refused(lambda: list(method(iter([request]), timeout=WAIT)), grpc.StatusCode.UNKNOWN, status.message)


def special_status_message():
    for message in (SPECIAL, " what? 100% of 50%25 \"a\" <b> ", "%"):
        status = pb.EchoStatus(code=2, message=message)
        refused(lambda: service.UnaryCall(pb.SimpleRequest(response_status=status), timeout=WAIT), grpc.StatusCode.UNKNOWN, message)
        request = pb.StreamingOutputCallRequest(response_status=status)
        refused(lambda: list(service.FullDuplexCall(iter([request]), timeout=WAIT)), grpc.StatusCode.UNKNOWN, message)


def unimplemented_method():
    refused(lambda: service.UnimplementedCall(pb.Empty(), timeout=WAIT), grpc.StatusCode.UNIMPLEMENTED)


def unimplemented_service():
    nowhere = stubs.UnimplementedServiceStub(channel)
    refused(lambda: nowhere.UnimplementedCall(pb.Empty(), timeout=WAIT), grpc.StatusCode.UNIMPLEMENTED)


def cancel_after_begin():
    pipe = Pipe()
    call = service.StreamingInputCall.future(iter(pipe), timeout=WAIT)
    call.cancel()
    pipe.close()
    assert call.cancelled()
    same(call.code(), grpc.StatusCode.CANCELLED)


def cancel_after_first_response():
    pipe = Pipe()
    replies = service.FullDuplexCall(iter(pipe), timeout=WAIT)
    pipe.send(wanted(27_182, 31_415))
    same(len(next(replies).payload.body), 31_415)
    replies.cancel()
    refused(lambda: next(replies), grpc.StatusCode.CANCELLED)
    pipe.close()


def timeout_on_sleeping_server():
    pipe = Pipe()
    pipe.send(pb.StreamingOutputCallRequest(response_parameters=[pb.ResponseParameters(size=1, interval_us=WAIT * 1_000_000)]))
    refused(lambda: list(service.FullDuplexCall(iter(pipe), timeout=0.2)), grpc.StatusCode.DEADLINE_EXCEEDED)
    pipe.close()


def concurrent_large_unary():
    futures = [service.UnaryCall.future(large(), timeout=WAIT) for _ in range(100)]
    for future in futures:
        is_large(future.result())


def rpc_soak():
    """Many calls on one connection, by several threads."""
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(large_unary) for _ in range(400)]:
            done.result()


def channel_soak():
    """Each call on a connection of its own."""

    def once(at):
        # Channels to one address share a connection unless an option differs.
        with connect([("soak", at)]) as own:
            is_large(stubs.TestServiceStub(own).UnaryCall(large(), timeout=WAIT))

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(once, at) for at in range(100)]:
            done.result()


for case in cases:
    start = time.monotonic()
    globals()[case]()
    print(f"{case}: {time.monotonic() - start:.2f} s", flush=True)
