#!/usr/bin/env bash
# JSZip drops the executable bit that it was given, and adm-zip unpacks every file as writable by all, executable by none.
#
# Packages: npm jszip 3.10.2, adm-zip 0.6.1, node-stream-zip 1.16.0, yazl 3.3.1.
# One would swear: `unixPermissions: 0o755` is kept in the zip, and a tool that unpacks a zip sets the modes that stand there.
# Behaviour: JSZip writes modes only with `platform: 'UNIX'` in `generateAsync`; by default the zip says that it was made on DOS, without modes, and no
# word is said of the permissions that were given. yazl keeps the mode of a file. adm-zip unpacks that file with 666, unless its third argument says
# to keep permissions, and node-stream-zip with 644.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: a layer's zip without modes is unpacked with 644 by fc-local, and a `bootstrap` is made executable whatever the zip or
# the disk says, as the deployment tool does. A program of a layer that is not executable is named when its start fails.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts jszip@3.10.2 adm-zip@0.6.1 node-stream-zip@1.16.0 yazl@3.3.1

cat > run.mjs <<'JS'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { buffer } from 'node:stream/consumers'
import AdmZip from 'adm-zip'
import JSZip from 'jszip'
import StreamZip from 'node-stream-zip'
import yazl from 'yazl'

fs.writeFileSync('tool', '#!/bin/sh\n', { mode: 0o755 })
const octal = (mode) => (mode & 0o777).toString(8)

for (const platform of [undefined, 'UNIX']) {
  const zip = new JSZip()
  zip.file('tool', fs.readFileSync('tool'), { unixPermissions: 0o755 })
  fs.writeFileSync('jszip.zip', await zip.generateAsync({ type: 'nodebuffer', ...(platform && { platform }) }))
  const script = 'import zipfile; i = zipfile.ZipFile("jszip.zip").infolist()[0]; print(i.create_system, oct(i.external_attr >> 16))'
  console.log(`jszip, platform ${platform}: system and mode`, execFileSync('python3', ['-c', script]).toString().trim())
}

const zip = new yazl.ZipFile()
zip.addFile('tool', 'tool')
zip.end()
fs.writeFileSync('yazl.zip', await buffer(zip.outputStream))
process.umask(0o022)
new AdmZip('yazl.zip').extractAllTo('adm')
console.log('adm-zip:', octal(fs.statSync('adm/tool').mode))
new AdmZip('yazl.zip').extractAllTo('adm-kept', true, true)
console.log('adm-zip, keepOriginalPermission:', octal(fs.statSync('adm-kept/tool').mode))
fs.mkdirSync('stream')
const stream = new StreamZip.async({ file: 'yazl.zip' })
await stream.extract(null, 'stream')
await stream.close()
console.log('node-stream-zip:', octal(fs.statSync('stream/tool').mode))
JS
seen="jszip, platform undefined: system and mode 0 0o0
jszip, platform UNIX: system and mode 3 0o755
adm-zip: 666
adm-zip, keepOriginalPermission: 755
node-stream-zip: 644"
got=$(timeout 30 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
