#!/usr/bin/env bash
# betterproto leaves out the elements of a repeated message field that have nothing but defaults.
#
# Packages: PyPI betterproto 1.2.5 (the stable release), protobuf 7.36.2.
# One would swear: a list of three arrives as a list of three. Only scalar fields are left out of the wire when they are at their default.
# Behaviour: `[Point(x=1, y=1), Point(x=0, y=0), Point(x=2, y=2)]` is two elements on the wire: the origin is gone and later indices move. A field
# that is not repeated and set to the same message does arrive. protobuf writes a length of 0 for each.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime reads messages with prost, which keeps empty elements, and cannot know of those that a client
# never sent. Lists whose positions mean something carry an index, or an element that is never all defaults, if betterproto 1 is among the clients.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check betterproto==1.2.5 protobuf==7.36.2

cat > run.py <<'PY'
from dataclasses import dataclass
from typing import List
import betterproto
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

@dataclass
class Point(betterproto.Message):
    x: int = betterproto.int32_field(1)
    y: int = betterproto.int32_field(2)

@dataclass
class Line(betterproto.Message):
    points: List[Point] = betterproto.message_field(1)
    origin: Point = betterproto.message_field(2)

file = descriptor_pb2.FileDescriptorProto(name="line.proto", package="t", syntax="proto3")
field = descriptor_pb2.FieldDescriptorProto
point, line = file.message_type.add(name="Point"), file.message_type.add(name="Line")
for number, name in enumerate(["x", "y"], 1):
    point.field.add(name=name, number=number, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
line.field.add(name="points", number=1, type=field.TYPE_MESSAGE, type_name=".t.Point", label=field.LABEL_REPEATED)
line.field.add(name="origin", number=2, type=field.TYPE_MESSAGE, type_name=".t.Point", label=field.LABEL_OPTIONAL)
pool = descriptor_pool.DescriptorPool()
pool.AddSerializedFile(file.SerializeToString())
GooglePoint, GoogleLine = (message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in ("t.Point", "t.Line"))

places = [(1, 1), (0, 0), (2, 2)]
for name, line, point in [("protobuf", GoogleLine, GooglePoint), ("betterproto", Line, Point)]:
    sent = line(points=[point(x=x, y=y) for x, y in places], origin=point(x=0, y=0))
    wire = bytes(sent) if name == "betterproto" else sent.SerializeToString()
    got = GoogleLine.FromString(wire)
    print(f"{name}: {len(sent.points)} set, {len(got.points)} arrive: {[(p.x, p.y) for p in got.points]}, origin is set: {got.HasField('origin')}")
PY
seen='protobuf: 3 set, 3 arrive: [(1, 1), (0, 0), (2, 2)], origin is set: True
betterproto: 3 set, 2 arrive: [(1, 1), (2, 2)], origin is set: True'
got=$(timeout 60 venv/bin/python run.py)
diff <(echo "$seen") <(echo "$got")
echo "as described"
