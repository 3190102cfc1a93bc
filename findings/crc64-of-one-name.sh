#!/usr/bin/env bash
# What OSS and the deployment tool call CRC-64 of ECMA-182 is another sum than that of this name in four libraries.
#
# Packages: PyPI oss2 2.19.1, alibabacloud-oss-v2 1.4.1, fastcrc 0.5.0, crccheck 1.3.1, anycrc 2.1.0; npm crc64-ecma182.js 2.0.2; crates crc 3.4.0.
# One would swear: `x-oss-hash-crc64ecma` of an object, and the `codeChecksum` of a function, are what a library calls CRC-64/ECMA-182, name for name.
# Behaviour: the polynomial is the same. The standard's sum begins with zero, most significant bit first; that of OSS is reflected, begins and ends with
# all ones, and is listed as CRC-64/XZ, in crccheck as that of Go. So a program that checks an upload with `crc::CRC_64_ECMA_182` calls every good upload broken.
# crcmod, which oss2 brings along, has a `crc-64` by name that is a third sum. OSS writes it as a decimal number of 64 bits without sign.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: where `fc-local` gives or compares a code's checksum, it is CRC-64/XZ as a decimal number; the same goes for programs that
# check an object of OSS.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts crc64-ecma182.js@2.0.2
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check oss2==2.19.1 alibabacloud-oss-v2==1.4.1 fastcrc==0.5.0 crccheck==1.3.1 anycrc==2.1.0 crcmod==1.7
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "sums"
version = "0.0.0"
edition = "2021"

[dependencies]
crc = "=3.4.0"
TOML
cat > src/main.rs <<'RUST'
use crc::{Crc, CRC_64_ECMA_182, CRC_64_XZ};

fn main() {
    for (name, algorithm) in [("CRC_64_ECMA_182", &CRC_64_ECMA_182), ("CRC_64_XZ", &CRC_64_XZ)] {
        println!("crc {name}: {}", Crc::<u64>::new(algorithm).checksum(b"123456789"));
    }
}
RUST
cat > run.py <<'PY'
import anycrc, crcmod.predefined, fastcrc
from alibabacloud_oss_v2.crc import Crc64
from crccheck import crc
from oss2.utils import Crc64 as Crc64OfOss2

data = b'123456789'
for name, begun in [('oss2', Crc64OfOss2()), ('alibabacloud-oss-v2', Crc64(0))]:
    begun.update(data)
    print(f'{name}: {begun.crc if hasattr(begun, "crc") else begun.sum64()}')
print('fastcrc ecma_182:', fastcrc.crc64.ecma_182(data))
print('fastcrc xz:', fastcrc.crc64.xz(data))
print('crccheck Crc64Ecma182:', crc.Crc64Ecma182.calc(data))
print('crccheck Crc64GoEcma:', crc.Crc64GoEcma.calc(data))
print('anycrc CRC64-ECMA-182:', anycrc.Model('CRC64-ECMA-182').calc(data))
print('crcmod crc-64:', crcmod.predefined.mkPredefinedCrcFun('crc-64')(data))
PY
cat > run.cjs <<'JS'
console.log('crc64-ecma182.js:', require('crc64-ecma182.js').crc64('123456789'))
JS
timeout 300 cargo build -q 2> build.log || { cat build.log; exit 1; }
seen='crc64-ecma182.js: 11051210869376104954
oss2: 11051210869376104954
alibabacloud-oss-v2: 11051210869376104954
fastcrc ecma_182: 7800480153909949255
fastcrc xz: 11051210869376104954
crccheck Crc64Ecma182: 7800480153909949255
crccheck Crc64GoEcma: 11051210869376104954
anycrc CRC64-ECMA-182: 7800480153909949255
crcmod crc-64: 5090661014116757502
crc CRC_64_ECMA_182: 7800480153909949255
crc CRC_64_XZ: 11051210869376104954'
got=$(
  timeout 30 node run.cjs
  timeout 30 venv/bin/python -W ignore run.py
  target/debug/sums
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
