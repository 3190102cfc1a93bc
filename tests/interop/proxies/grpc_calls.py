"""Calls a greeter through a proxy by grpcio: `grpc_calls.py <port> <folder of the generated code> <part>`. The last line is what was seen."""

import sys
import threading

import grpc

port, folder, part = sys.argv[1:]
sys.path.insert(0, folder)
import greeter_pb2 as pb  # noqa: E402
import greeter_pb2_grpc as stubs  # noqa: E402

channel = grpc.insecure_channel(f"127.0.0.1:{port}")
greeter = stubs.GreeterStub(channel)
WAIT = 10
# Seconds, as in `silence.rs`.
SILENCE = 65


def hello(name):
    return pb.HelloRequest(name=name)


def code_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def talk(requests, **more):
    """A call of which the next request is sent when the reply to the last one is there."""
    said = threading.Semaphore(0)

    def one_by_one():
        for name in requests:
            yield hello(name)
            said.acquire(timeout=WAIT)
        # The client does not end the call.
        said.acquire(timeout=WAIT)

    call = greeter.Chat(one_by_one(), timeout=60, **more)
    for name in requests:
        assert next(call).message == name
        said.release()
    return call, said


def calls():
    code = code_of(lambda: greeter.SayHello(hello("tea"), timeout=WAIT))
    if code != grpc.StatusCode.OK:
        return f"no, {code.name}"
    missing = []
    if [reply.message for reply in greeter.SayHellos(hello("2"), timeout=WAIT)] != ["Hello 2"] * 2:
        missing.append("streams")
    if greeter.Collect(iter([hello("tea"), hello("salt")]), timeout=WAIT).message != "tea, salt":
        missing.append("streams of requests")
    # Trailers behind nothing, and trailers behind messages.
    code = code_of(lambda: channel.unary_unary("/greeter.Greeter/Nope")(b"", timeout=WAIT))
    if code != grpc.StatusCode.UNIMPLEMENTED:
        missing.append(f"errors ({code.name})")
    code = code_of(lambda: list(greeter.Chat(iter([]), timeout=WAIT)))
    if code != grpc.StatusCode.OK:
        missing.append(f"a stream without messages ({code.name})")
    try:
        call, said = talk(["tea", "salt"], metadata=[("x-fc-request-id", "chat-cancelled")])
    except grpc.RpcError as error:
        missing.append(f"talk ({error.code().name})")
    else:
        call.cancel()
        said.release()
    return "without " + ", ".join(missing) if missing else "yes"


def chat():
    call, said = talk(["tea"])
    print("chat is open", flush=True)
    code = code_of(lambda: next(call))
    said.release()
    return code.name


def quiet_chat():
    """A call on which neither side says anything for a while, and then one more message each."""
    names = ["before", "after"]
    may_go_on = threading.Event()

    def requests():
        yield hello(names[0])
        may_go_on.wait(2 * SILENCE)
        yield hello(names[1])

    call = greeter.Chat(requests(), timeout=4 * SILENCE)
    assert next(call).message == names[0]
    print("chat is open", flush=True)
    threading.Timer(SILENCE, may_go_on.set).start()
    try:
        assert next(call).message == names[1]
    except grpc.RpcError as error:
        may_go_on.set()
        return f"is cut, {error.code().name}"
    return "passes"


print(globals()[part](), flush=True)
