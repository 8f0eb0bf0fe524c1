// Builds web/dist from web/src: hashed names, a brotli copy beside each asset, and index.html that names them.
// `--check` builds in memory and compares with what is committed. dist/sources.txt holds a digest of the sources, so
// that a test without Node can tell a stale build.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { build } from 'esbuild';

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, 'dist');
const checking = process.argv.includes('--check');
const kFirstLoadBytesMax = 45_000; // brotli, all scripts of index.html

// The digest that tests/web computes too: every file under src, sorted by path, "path\n" and its bytes.
function sourcesDigest() {
  const hash = createHash('sha256');
  const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .sort();
  for (const file of files) hash.update(file + '\n').update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

async function bundle() {
  const made = await build({
    absWorkingDir: root,
    entryPoints: { app: 'src/main.tsx', theme: 'src/theme_first.ts', style: 'src/style.css' },
    bundle: true,
    splitting: true,
    format: 'esm',
    minify: true,
    target: 'es2022',
    outdir: 'dist/assets',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    metafile: true,
    write: false,
  });
  const files = new Map();
  for (const file of made.outputFiles) files.set(file.path.slice(dist.length + 1), Buffer.from(file.contents));
  return { files, meta: made.metafile };
}

// The scripts that the first page needs: the entry and what it imports statically.
function firstLoad(meta, entry) {
  const wanted = new Set();
  const add = (path) => {
    if (wanted.has(path)) return;
    wanted.add(path);
    for (const one of meta.outputs[path].imports) if (one.kind === 'import-statement') add(one.path);
  };
  add(entry);
  return [...wanted].map((path) => path.slice('dist/'.length));
}

function compress(bytes) {
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
}

const { files, meta } = await bundle();
const named = (stem) => [...files.keys()].find((name) => name.startsWith(`assets/${stem}-`));
const icon = readFileSync(join(root, 'src/icon.svg'));
const iconName = `assets/icon-${createHash('sha256').update(icon).digest('hex').slice(0, 8).toUpperCase()}.svg`;
files.set(iconName, icon);
const app = named('app');
const style = [...files.keys()].find((name) => name.endsWith('.css'));
const theme = [...files.keys()].find((name) => name.startsWith('assets/theme-'));
const first = [...firstLoad(meta, `dist/${app}`), theme];
const preload = first.filter((name) => name !== app && name !== theme);
const page = readFileSync(join(root, 'src/index.html'), 'utf8')
  .replaceAll('{{style}}', `/app/${style}`)
  .replaceAll('{{theme}}', `/app/${theme}`)
  .replaceAll('{{icon}}', `/app/${iconName}`)
  .replaceAll('{{app}}', `/app/${app}`)
  .replaceAll('{{preload}}', preload.map((name) => `<link rel="modulepreload" href="/app/${name}">`).join('\n    '));
files.set('index.html', Buffer.from(page));

let firstBytes = 0;
for (const name of first) firstBytes += compress(files.get(name)).length;
console.log(`first load: ${firstBytes} bytes of JavaScript (brotli) in ${first.length} files`);
if (firstBytes > kFirstLoadBytesMax) {
  console.error(`more than ${kFirstLoadBytesMax}`);
  process.exit(1);
}
files.set('sources.txt', Buffer.from(sourcesDigest() + '\n'));

if (checking) {
  const there = readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(dist.length + 1));
  const wrong = there.filter((name) => {
    const bytes = readFileSync(join(dist, name));
    if (!name.endsWith('.br')) return !files.has(name) || !files.get(name).equals(bytes);
    const plain = files.get(name.slice(0, -3));
    return plain === undefined || !plain.equals(brotliDecompressSync(bytes));
  });
  for (const name of files.keys()) if (!there.includes(name)) wrong.push(name);
  if (wrong.length > 0) {
    console.error(`web/dist is not what web/src builds: ${wrong.join(', ')}; run node web/build.mjs`);
    process.exit(1);
  }
  console.log('web/dist is what web/src builds');
} else {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(join(dist, 'assets'), { recursive: true });
  for (const [name, bytes] of files) {
    writeFileSync(join(dist, name), bytes);
    if (name.startsWith('assets/')) writeFileSync(join(dist, name + '.br'), compress(bytes));
  }
}
