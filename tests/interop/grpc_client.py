"""Calls a greeter by grpcio: `grpc_client.py <port> <folder of the generated code> <part>..`. Ends with 0 if all is as it should be."""

import os
import sys
import threading
import time

import grpc

port, folder, *parts = sys.argv[1:]
sys.path.insert(0, folder)
import greeter_pb2 as pb  # noqa: E402
import greeter_pb2_grpc as stubs  # noqa: E402

target, options = f"127.0.0.1:{port}", [("grpc.max_receive_message_length", 8 << 20)]
# With a certificate to trust, through TLS.
authority = os.environ.get("GRPC_CA")
if authority:
    with open(authority, "rb") as file:
        channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(file.read()), options)
else:
    channel = grpc.insecure_channel(target, options)
greeter = stubs.GreeterStub(channel)
WAIT = 30


def hello(name):
    return pb.HelloRequest(name=name)


def same(got, expected):
    assert got == expected, f"{got!r} is not {expected!r}"


def refused(call, code):
    try:
        call()
    except grpc.RpcError as error:
        same(error.code(), code)
        return error
    raise AssertionError(f"{code} expected")


def kinds():
    same(greeter.SayHello(hello("tea"), timeout=WAIT).message, "Hello tea")
    several = [reply.message for reply in greeter.SayHellos(hello("tea"), timeout=WAIT)]
    same(len(several), 3)
    assert greeter.Collect(iter([hello("tea"), hello("salt")]), timeout=WAIT).message.endswith("tea, salt")
    chat = [reply.message for reply in greeter.Chat(iter([hello("tea"), hello("salt")]), timeout=WAIT)]
    assert len(chat) == 2 and chat[1].endswith("salt"), chat
    # Many at the same time on one connection.
    futures = [greeter.SayHello.future(hello(str(at)), timeout=WAIT) for at in range(500)]
    same([future.result().message for future in futures], [f"Hello {at}" for at in range(500)])


def sizes():
    # 4 MiB is the limit of generated services.
    name = "x" * ((4 << 20) - 100)
    same(len(greeter.SayHello(hello(name), timeout=WAIT).message), len(name) + 6)
    refused(lambda: greeter.SayHello(hello("x" * (7 << 20)), timeout=WAIT), grpc.StatusCode.RESOURCE_EXHAUSTED)


def compressed():
    call = greeter.SayHello
    same(call(hello("x" * 1000), timeout=WAIT, compression=grpc.Compression.Gzip).message, "Hello " + "x" * 1000)
    error = refused(lambda: call(hello("x"), timeout=WAIT, compression=grpc.Compression.Deflate), grpc.StatusCode.UNIMPLEMENTED)
    assert "grpc-encoding" in error.details(), error.details()


def silence(stop, *first):
    """These requests, and then none before `stop`."""
    yield from first
    stop.wait(WAIT)


def deadline():
    stop = threading.Event()
    refused(lambda: list(greeter.Chat(silence(stop), timeout=0.3)), grpc.StatusCode.DEADLINE_EXCEEDED)
    refused(lambda: greeter.Collect(silence(stop), timeout=0.3), grpc.StatusCode.DEADLINE_EXCEEDED)
    stop.set()


def cancellation():
    stop = threading.Event()
    metadata = [("x-fc-request-id", "py-cancelled")]
    call = greeter.Chat(silence(stop, hello("tea")), timeout=WAIT, metadata=metadata)
    # The call is there when its first reply is.
    assert next(call).message.endswith("tea")
    call.cancel()
    refused(lambda: next(call), grpc.StatusCode.CANCELLED)
    stop.set()


def unknown():
    for method in ("/greeter.Greeter/Nope", "/nope.Nope/Nope"):
        refused(lambda: channel.unary_unary(method)(b"", timeout=WAIT), grpc.StatusCode.UNIMPLEMENTED)


def refusal():
    error = refused(lambda: greeter.SayHello(hello(""), timeout=WAIT), grpc.StatusCode.INVALID_ARGUMENT)
    same(error.details(), "a name, please")


def health():
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    stub = health_pb2_grpc.HealthStub(channel)
    for service in ("", "greeter.Greeter", "grpc.health.v1.Health"):
        asked = health_pb2.HealthCheckRequest(service=service)
        same(stub.Check(asked, timeout=WAIT).status, health_pb2.HealthCheckResponse.SERVING)
    nowhere = health_pb2.HealthCheckRequest(service="nope.Nope")
    refused(lambda: stub.Check(nowhere, timeout=WAIT), grpc.StatusCode.NOT_FOUND)
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="greeter.Greeter"), timeout=WAIT)
    same(next(watch).status, health_pb2.HealthCheckResponse.SERVING)
    watch.cancel()
    watch = stub.Watch(nowhere, timeout=WAIT)
    same(next(watch).status, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
    watch.cancel()


def reflection():
    from google.protobuf.descriptor_pool import DescriptorPool
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

    database = ProtoReflectionDescriptorDatabase(channel)
    own = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]
    same(sorted(database.get_services()), ["greeter.Greeter", *own])
    pool = DescriptorPool(database)
    service = pool.FindServiceByName("greeter.Greeter")
    same([method.name for method in service.methods], ["SayHello", "SayHellos", "Collect", "Chat"])
    same(service.methods_by_name["SayHello"].input_type.fields[0].name, "name")
    # Those of the library have descriptors too, which a tool can build calls from.
    kinds = {name: [method.name for method in pool.FindServiceByName(name).methods] for name in own}
    same(kinds[own[0]], ["Check", "List", "Watch"])
    same([kinds[own[1]], kinds[own[2]]], [["ServerReflectionInfo"]] * 2)
    asked = pool.FindMessageTypeByName("grpc.health.v1.HealthCheckResponse")
    same(asked.fields_by_name["status"].enum_type.values_by_name["SERVICE_UNKNOWN"].number, 3)


for part in parts:
    start = time.monotonic()
    globals()[part]()
    print(f"{part}: {time.monotonic() - start:.2f} s", flush=True)
