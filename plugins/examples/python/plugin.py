"""A plugin for knak in Python: the Huawei E398's refusal in IPCP.

It is served over gRPC as every plugin is. The messages are made from knak's own description of them (knak.binpb), so that
no generated code is needed. docs/plugins.md says what each call means.
"""

import os
import signal
import sys
import threading
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

NAME = "python-refusal"
VERSION = "1.0.0"

IPCP = 0x8021
ADDRESS, DNS1, DNS2 = 3, 129, 131


def messages(path):
    """Gives the message classes of knak.plugin.v1 by their names."""
    pool = descriptor_pool.DescriptorPool()
    described = descriptor_pb2.FileDescriptorSet()
    with open(path, "rb") as f:
        described.ParseFromString(f.read())
    found = {}
    for file in described.file:
        pool.Add(file)
    make = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory(pool).GetPrototype
    for file in described.file:
        if file.package == "knak.plugin.v1":
            for message in file.message_type:
                found[message.name] = make(pool.FindMessageTypeByName("knak.plugin.v1." + message.name))
    enums = {}
    for file in described.file:
        if file.package == "knak.plugin.v1":
            for enum in file.enum_type:
                for value in enum.value:
                    enums[value.name] = value.number
    return found, enums


class Plugin:
    """What this plugin has an opinion on. An exception, and None, mean: as knak intends."""

    def __init__(self, found, enums):
        self.m, self.e = found, enums

    def describe(self, _):
        point = self.e
        return self.m["DescribeResponse"](
            name=NAME, version=VERSION, about="the Huawei E398's refusal in IPCP, in Python",
            capabilities=["credentials", "decide"],
            subscriptions=[self.m["Subscription"](protocol=IPCP, points=[point["POINT_REQUEST"], point["POINT_NAK"]])],
            sdk="python grpcio " + grpc.__version__,
        )

    def configure(self, request):
        if request.config_json:
            problem = self.m["Problem"](text="it takes no configuration: remove [plugins.%s.config]" % NAME)
            return self.m["ConfigureResponse"](problems=[problem])
        return self.m["ConfigureResponse"]()

    def resolve(self, request):
        # The working Windows dialer sent an empty name.
        if request.device.model == "E398" and not request.user_chosen:
            return self.m["ResolveResponse"](replace=True, reason="the E398 wants an empty user name")
        return self.m["ResolveResponse"]()

    def decide(self, request):
        answer = self.m["DecideResponse"]()
        if request.device.model != "E398" or request.protocol != IPCP:
            return answer
        types = [o.type for o in request.options]
        if request.point == self.e["POINT_REQUEST"] and not {DNS1, DNS2} <= set(types):
            answer.verdict.action = self.e["ACTION_REQUEST"]
            for type_ in (ADDRESS, DNS1, DNS2):
                answer.verdict.options.add(type=type_, data=bytes(4))
        elif request.point == self.e["POINT_NAK"] and not types:
            # An empty Nak says nothing: ask the same again, but not as fast as the modem answers.
            answer.verdict.action = self.e["ACTION_RETRY"]
            answer.verdict.delay_ms = 500
        return answer


def service(name, calls):
    """Makes a gRPC service of functions: NAME -> (function, class of the request)."""
    def handler(function, request_class):
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: function(request),
            request_deserializer=request_class.FromString,
            response_serializer=lambda response: response.SerializeToString(),
        )
    return grpc.method_handlers_generic_handler(name, {call: handler(*how) for call, how in calls.items()})


def empty(_):
    """google.protobuf.Empty and an empty message of ours are no octets."""
    return b""


def raw(name, calls):
    """Makes a gRPC service of calls whose messages are given as octets."""
    return grpc.method_handlers_generic_handler(name, {
        call: grpc.unary_unary_rpc_method_handler(lambda request, context, f=f: f(request)) for call, f in calls.items()})


def main():
    if os.environ.get("KNAK_PLUGIN") != "5b0fc1a6-knak-plugin":
        sys.exit("This is a plugin for knak: install it with knak plugins install.")
    line = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what anything prints is logged, and does not spoil the line by which knak finds us
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for knak
    found, enums = messages(sys.argv[1])
    plugin, ended = Plugin(found, enums), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())

    def shutdown(_):
        ended.set()
        return b""

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=[
        ("grpc.max_receive_message_length", 64 << 10), ("grpc.max_send_message_length", 64 << 10)])
    server.add_generic_rpc_handlers((
        service("knak.plugin.v1.Base", {
            "Describe": (plugin.describe, found["DescribeRequest"]),
            "Configure": (plugin.configure, found["ConfigureRequest"]),
        }),
        raw("knak.plugin.v1.Base", {"Health": empty, "Shutdown": shutdown}),
        service("knak.plugin.v1.Credentials", {"Resolve": (plugin.resolve, found["ResolveRequest"])}),
        service("knak.plugin.v1.Negotiator", {"Decide": (plugin.decide, found["DecideRequest"])}),
        # What every go-plugin host asks for: is it there (the answer is SERVING), and please end.
        raw("grpc.health.v1.Health", {"Check": lambda _: b"\x08\x01"}),
        raw("plugin.GRPCController", {"Shutdown": shutdown}),
    ))
    path = os.path.join(os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or os.environ["TMPDIR"], "python-%d.sock" % os.getpid())
    if server.add_insecure_port("unix:" + path) == 0:
        sys.exit("cannot listen on " + path)
    server.start()
    line.write("1|1|unix|%s|grpc|\n" % path)
    line.flush()
    ended.wait()
    server.stop(0.2).wait()


main()
