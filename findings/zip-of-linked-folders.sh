#!/usr/bin/env bash
# A linked folder is packed empty by Python's shutil, and with adm-zip the folder that a link leads to loses its files.
#
# Packages: npm adm-zip 0.6.1, archiver 7.0.1, @serverless-devs/zip 0.0.3-beta.8; Python 3.11 (shutil, `python -m zipfile`).
# One would swear: a packer either keeps a link or packs what it leads to. pnpm, npm's workspaces and virtual environments have links to folders in what is
# deployed.
# Behaviour: `shutil.make_archive(.., 'zip')` writes `pkg/link/` as a folder, and nothing below it; a link to a file becomes the file, one to nothing is
# dropped without a word. `python -m zipfile -c` of the same library packs what is behind. adm-zip's `addLocalFolder` packs each folder once, where it comes first: with
# the link in front, `real/` is there and empty. archiver's `directory` and the deployment tool keep links as links; archiver's `glob` with `follow` packs both whole.
# Output seen: `seen` below. The script ends with status 1 when the output differs.
#
# What our product does about it: `fc-local package` and the copies that `fc-local dev` runs keep links, as the deployment tool does. A zip for a layer is made by
# a packer that keeps links or packs what is behind.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts adm-zip@0.6.1 archiver@7.0.1 @serverless-devs/zip@0.0.3-beta.8

mkdir -p code/real code/pkg
echo x > code/real/file
ln -s ../real code/pkg/link
ln -s ../real/file code/pkg/one
cat > show.py <<'PY'
import stat, sys, zipfile
entries = zipfile.ZipFile(sys.argv[2]).infolist()
names = sorted(entry.filename + (' (link)' if stat.S_ISLNK(entry.external_attr >> 16) else '') for entry in entries if not entry.is_dir() or 'link' in entry.filename)
print(f'{sys.argv[1]}:', ', '.join(name.removeprefix('code/') for name in names))
PY
cat > run.cjs <<'JS'
const fs = require('node:fs')
const { pipeline } = require('node:stream/promises')
const AdmZip = require('adm-zip')
const archiver = require('archiver')
const { default: pack } = require('@serverless-devs/zip')

const silent = new Proxy({}, { get: () => () => {} })
const write = async (name, fill) => {
  const zip = archiver('zip')
  fill(zip)
  zip.finalize()
  await pipeline(zip, fs.createWriteStream(name))
}
;(async () => {
  const zip = new AdmZip()
  zip.addLocalFolder('code')
  zip.writeZip('adm.zip')
  await write('directory.zip', (zip) => zip.directory('code', false))
  await write('glob.zip', (zip) => zip.glob('**/*', { cwd: 'code', follow: true }))
  await pack({ codeUri: 'code', outputFilePath: '.', outputFileName: 'tool.zip', ignoreFiles: ['.fcignore'], logger: silent })
})()
JS
seen='shutil: pkg/link/, pkg/one, real/file
python -m zipfile: pkg/link/, pkg/link/file, pkg/one, real/file
adm-zip: pkg/link/, pkg/link/file, pkg/one
archiver directory: pkg/link (link), pkg/one (link), real/file
archiver glob: pkg/link/, pkg/link/file, pkg/one, real/file
deployment tool: pkg/link (link), pkg/one (link), real/file'
got=$(
  python3 -c "import shutil; shutil.make_archive('shutil', 'zip', 'code')"
  python3 -m zipfile -c cli.zip code
  timeout 60 node run.cjs > log 2>&1
  python3 show.py shutil shutil.zip
  python3 show.py 'python -m zipfile' cli.zip
  python3 show.py adm-zip adm.zip
  python3 show.py 'archiver directory' directory.zip
  python3 show.py 'archiver glob' glob.zip
  python3 show.py 'deployment tool' tool.zip
)
diff <(echo "$seen") <(echo "$got")
echo "as described"
