// Bundles the page, packs it, and writes it as C++: node build.mjs [NODE_MODULES [PAGE_DATA_CPP]].
// Without PAGE_DATA_CPP it only says how large the page is.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const BYTES_MAX = 80 * 1024; // of all files together, in brotli

const here = dirname(fileURLToPath(import.meta.url));
const modules = resolve(process.argv[2] ?? join(here, 'node_modules'));
const output = process.argv[3];
const esbuild = createRequire(join(modules, 'x.js'))('esbuild');

async function bundle(entry) {
  const result = await esbuild.build({
    entryPoints: [join(here, 'src', entry)],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: ['chrome109', 'firefox115', 'safari16'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    nodePaths: [modules],
    legalComments: 'none',
    logLevel: 'warning',
    charset: 'utf8',
  });
  return Buffer.from(result.outputFiles[0].contents);
}

const hashOf = (data) => createHash('sha256').update(data).digest('hex').slice(0, 12);

function pack(path, type, data, immutable) {
  const brotli = brotliCompressSync(data, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
    },
  });
  return { path, type, brotli, gzip: gzipSync(data, { level: 9 }), etag: hashOf(data), immutable };
}

const script = await bundle('main.tsx');
const style = await bundle('style.css');
const icon = readFileSync(join(here, 'src', 'icon.svg'));
const names = {
  'main.js': `app-${hashOf(script)}.js`,
  'style.css': `style-${hashOf(style)}.css`,
  'icon.svg': `icon-${hashOf(icon)}.svg`,
};
let html = readFileSync(join(here, 'src', 'index.html'), 'utf8');
for (const [plain, hashed] of Object.entries(names)) html = html.replaceAll(`"/${plain}"`, `"/${hashed}"`);

const files = [
  pack('/', 'text/html; charset=utf-8', Buffer.from(html), false),
  pack('/' + names['main.js'], 'text/javascript; charset=utf-8', script, true),
  pack('/' + names['style.css'], 'text/css; charset=utf-8', style, true),
  pack('/' + names['icon.svg'], 'image/svg+xml', icon, true),
];

const total = files.reduce((sum, file) => sum + file.brotli.length, 0);
console.log(`The page: ${(total / 1024).toFixed(1)} KB in brotli, of at most ${BYTES_MAX / 1024} KB.`);
if (total > BYTES_MAX) process.exit(1);

/** As C++ string literals. Three octal digits always, so that no digit behind them joins in. */
function literal(data) {
  const lines = [];
  for (let at = 0; at < data.length; at += 64) {
    let line = '';
    for (const byte of data.subarray(at, at + 64)) line += '\\' + byte.toString(8).padStart(3, '0');
    lines.push(`    "${line}"`);
  }
  return '\n' + lines.join('\n');
}

if (output) {
  const entries = files.map(
    (file) => `  {"${file.path}", "${file.type}", "\\"${file.etag}\\"",
   {${literal(file.brotli)}, ${file.brotli.length}},
   {${literal(file.gzip)}, ${file.gzip.length}},
   ${file.immutable}},`,
  );
  writeFileSync(
    output,
    `// Made by apps/hub/web/build.mjs.
#include <array>

#include "listeners/page.hpp"

namespace ieum::hub {

namespace {
constexpr std::array<PageFile, ${files.length}> files{{
${entries.join('\n')}
}};
}  // namespace

std::span<const PageFile> page_files() noexcept { return files; }

}  // namespace ieum::hub
`,
  );
}
