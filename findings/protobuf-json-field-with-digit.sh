#!/usr/bin/env bash
# A protobuf field such as `line_1` has no common JSON: two libraries cannot print a field mask of it, a third loses its value.
#
# Packages: PyPI protobuf 7.36.2; npm protobufjs 8.8.1, @bufbuild/protobuf 2.17.0.
# One would swear: `line_1` is a plain name (addresses have `line_1`), and proto3's JSON is the same in each library.
# Behaviour: its JSON name is `line1`. A FieldMask with the path `line_1` cannot be written as JSON by protobuf or protobuf-es, because `line1` does
# not lead back; the client gets an error that speaks of letters. What is read from "line1" is the path `line1`, a field that does not
# exist. protobufjs calls the field `line_1`: `fromObject({ line1 })`, which is what the others write, is an empty message without an error.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: fc-runtime's gRPC is binary and has no JSON mapping, so such fields work. A service that may one day have one, by a gateway
# or for pages, names its fields without an underscore before a digit: `line1`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts protobufjs@8.8.1 @bufbuild/protobuf@2.17.0
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check protobuf==7.36.2

cat > run.py <<'PY'
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.field_mask_pb2 import FieldMask

field = descriptor_pb2.FieldDescriptorProto
file = descriptor_pb2.FileDescriptorProto(name="a.proto", package="t", syntax="proto3")
file.message_type.add(name="Address").field.add(name="line_1", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
pool = descriptor_pool.DescriptorPool()
pool.AddSerializedFile(file.SerializeToString())
Address = message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Address"))
print("protobuf, message:", json_format.MessageToJson(Address(line_1="x"), indent=None))
for path in ["line_one", "line_1"]:
    try:
        print("protobuf, mask of", path + ":", json_format.MessageToJson(FieldMask(paths=[path])))
    except ValueError:
        print("protobuf, mask of", path + ": ValueError")
print("protobuf, mask from line1:", list(json_format.Parse('"line1"', FieldMask()).paths))
PY
cat > run.mjs <<'JS'
import { create, toJsonString } from '@bufbuild/protobuf'
import { FieldMaskSchema } from '@bufbuild/protobuf/wkt'
import protobufjs from 'protobufjs'

for (const path of ['line_one', 'line_1']) {
  try {
    console.log(`protobuf-es, mask of ${path}:`, toJsonString(FieldMaskSchema, create(FieldMaskSchema, { paths: [path] })))
  } catch (error) {
    console.log(`protobuf-es, mask of ${path}:`, error.name)
  }
}
const { root } = protobufjs.parse('syntax = "proto3"; message Address { string line_one = 2; string line_1 = 1; }')
const Address = root.lookupType('Address')
for (const json of [{ lineOne: 'x' }, { line1: 'x' }, { line_1: 'x' }]) {
  const message = Address.fromObject(json)
  console.log(`protobufjs, ${JSON.stringify(json)}:`, JSON.stringify(message), Address.encode(message).finish().length, 'bytes')
}
JS
seen='protobuf, message: {"line1": "x"}
protobuf, mask of line_one: "lineOne"
protobuf, mask of line_1: ValueError
protobuf, mask from line1: ['"'line1'"']
protobuf-es, mask of line_one: "lineOne"
protobuf-es, mask of line_1: Error
protobufjs, {"lineOne":"x"}: {"lineOne":"x"} 3 bytes
protobufjs, {"line1":"x"}: {} 0 bytes
protobufjs, {"line_1":"x"}: {"line_1":"x"} 3 bytes'
got=$(
  timeout 30 venv/bin/python run.py
  timeout 30 node run.mjs
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
