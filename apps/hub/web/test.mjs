// Runs the unit tests, src/**/*_test.ts, under node: node test.mjs.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const source = fileURLToPath(new URL('src', import.meta.url));
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
