// Runs the unit tests, src/**/*_test.ts, under node: node test.mjs [NODE_MODULES].
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('src', import.meta.url));
const modules = resolve(process.argv[2] ?? fileURLToPath(new URL('node_modules', import.meta.url)));
const esbuild = createRequire(join(modules, 'x.js'))('esbuild');
const tests = readdirSync(source, { recursive: true })
  .filter((name) => name.endsWith('_test.ts'))
  .map((name) => join(source, name));
const output = mkdtempSync(join(tmpdir(), 'ieum-page-'));
try {
  await esbuild.build({
    entryPoints: tests,
    bundle: true,
    outdir: output,
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
  });
  const made = readdirSync(output, { recursive: true })
    .filter((name) => name.endsWith('_test.mjs'))
    .map((name) => join(output, name));
  process.exitCode = spawnSync(process.execPath, ['--test', ...made], { stdio: 'inherit' }).status ?? 1;
} finally {
  rmSync(output, { recursive: true });
}
