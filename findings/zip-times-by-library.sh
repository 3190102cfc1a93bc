#!/usr/bin/env bash
# JSZip and archiver write a zip's times in UTC, three other packers in local time, and readers part the same way: in Shanghai files are eight hours off.
#
# Packages: npm jszip 3.10.2, archiver 7.0.1 (the deployment tool's is 5), adm-zip 0.6.1, yazl 3.3.1, fflate 0.8.3, yauzl 3.4.0, unzipper 0.12.5, node-stream-zip 1.16.0,
# decompress 4.2.1.
# One would swear: the time in a zip is that of the packer's clock on the wall, without a zone. It is wrong on a machine elsewhere, and right on the one that
# packed it.
# Behaviour: on one machine in Shanghai, adm-zip, yazl and fflate write local time, JSZip and archiver UTC. adm-zip, yauzl and decompress read local time, JSZip,
# unzipper and node-stream-zip UTC. Half of the thirty ways from one to another shift by eight hours: behind, or into the future, where a file's `Last-Modified` is
# later than now and a build tool takes its products for old. Only yazl also writes a time with its zone, and only yauzl of the readers asks for one.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local package` writes 1980, as archives without times have it. `files` does not use the one date that the deployment tool writes, in any zone
# (`readers::files::a_time_that_a_packer_gives_to_all_files_…`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts jszip@3.10.2 archiver@7.0.1 adm-zip@0.6.1 yazl@3.3.1 fflate@0.8.3 yauzl@3.4.0 unzipper@0.12.5 \
  node-stream-zip@1.16.0 decompress@4.2.1

cat > run.mjs <<'JS'
import fs from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import AdmZip from 'adm-zip'
import archiver from 'archiver'
import decompress from 'decompress'
import { zipSync } from 'fflate'
import JSZip from 'jszip'
import StreamZip from 'node-stream-zip'
import unzipper from 'unzipper'
import yauzl from 'yauzl'
import yazl from 'yazl'

const time = new Date('2026-06-01T12:00:00Z')
fs.writeFileSync('f', 'x')
fs.utimesSync('f', time, time)

const writers = {
  jszip: () => new JSZip().file('f', 'x', { date: time }).generateAsync({ type: 'nodebuffer' }),
  archiver: () => {
    const zip = archiver('zip')
    zip.file('f', { name: 'f' })
    zip.finalize()
    return buffer(zip)
  },
  'adm-zip': () => {
    const zip = new AdmZip()
    zip.addLocalFile('f')
    return zip.toBuffer()
  },
  yazl: () => {
    const zip = new yazl.ZipFile()
    zip.addFile('f', 'f')
    zip.end()
    return buffer(zip.outputStream)
  },
  fflate: () => Buffer.from(zipSync({ f: [Buffer.from('x'), { mtime: time }] })),
}
const readers = {
  jszip: async (bytes) => (await JSZip.loadAsync(bytes)).files.f.date,
  unzipper: async (bytes) => (await unzipper.Open.buffer(bytes)).files[0].lastModifiedDateTime,
  'node-stream-zip': async (bytes) => {
    fs.writeFileSync('f.zip', bytes)
    const zip = new StreamZip.async({ file: 'f.zip' })
    const { time } = await zip.entry('f')
    await zip.close()
    return time
  },
  'adm-zip': (bytes) => new AdmZip(bytes).getEntry('f').header.time,
  yauzl: async (bytes) => {
    const zip = await promisify(yauzl.fromBuffer)(bytes, { lazyEntries: true })
    zip.readEntry()
    return new Promise((done) => zip.on('entry', (entry) => done(entry.getLastModDate())))
  },
  decompress: async (bytes) => {
    fs.rmSync('out', { recursive: true, force: true })
    await decompress(bytes, 'out')
    return fs.statSync('out/f').mtime
  },
}
for (const [writer, write] of Object.entries(writers)) {
  const bytes = await write()
  const words = []
  for (const [reader, read] of Object.entries(readers)) words.push(`${reader} ${(new Date(await read(bytes)) - time) / 3600000}`)
  console.log(`${writer}, hours off: ${words.join(', ')}`)
}
JS
seen='jszip, hours off: jszip 0, unzipper 0, node-stream-zip 0, adm-zip -8, yauzl -8, decompress -8
archiver, hours off: jszip 0, unzipper 0, node-stream-zip 0, adm-zip -8, yauzl -8, decompress -8
adm-zip, hours off: jszip 8, unzipper 8, node-stream-zip 8, adm-zip 0, yauzl 0, decompress 0
yazl, hours off: jszip 8, unzipper 8, node-stream-zip 8, adm-zip 0, yauzl 0, decompress 0
fflate, hours off: jszip 8, unzipper 8, node-stream-zip 8, adm-zip 0, yauzl 0, decompress 0'
got=$(TZ=Asia/Shanghai timeout 60 node run.mjs)
diff <(echo "$seen") <(echo "$got")
echo "as described"
