/**
 * Builds the console into `dist/console`, with a Brotli copy of each file beside it; does nothing while what is there was built from the same sources.
 * The digest of the sources is written last, so that a build that was interrupted is done again.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { build } from 'vite';
import react from '@vitejs/plugin-react';

const root = path.dirname(import.meta.dirname);
const outputFolder = path.join(root, 'dist', 'console');
const digestFile = path.join(outputFolder, '.sources');
/** What the page is made of; the lock file stands for the libraries. */
const sources = ['console', 'src/ecs', 'src/lib/acs3-request.ts', 'package-lock.json'];

const digest = digestSources();
if (fs.existsSync(digestFile) && fs.readFileSync(digestFile, 'utf8') === digest) process.exit(0);
console.log('building the console …');
await build({
  root: import.meta.dirname,
  base: '/console/',
  configFile: false,
  logLevel: 'warn',
  plugins: [react()],
  build: {
    outDir: outputFolder,
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
  },
});
for (const name of fs.readdirSync(outputFolder, { recursive: true, encoding: 'utf8' }))
  compress(path.join(outputFolder, name));
fs.writeFileSync(digestFile, digest);

function compress(file: string): void {
  if (!/\.(js|css|svg)$/.test(file)) return;
  const plain = fs.readFileSync(file);
  const compressed = zlib.brotliCompressSync(plain);
  if (compressed.length < plain.length) fs.writeFileSync(`${file}.br`, compressed);
}

function digestSources(): string {
  const hash = crypto.createHash('sha256');
  for (const name of sources.flatMap(filesOf).sort())
    hash.update(`${name}\n`).update(fs.readFileSync(path.join(root, name)));
  return hash.digest('hex');
}

function filesOf(name: string): string[] {
  const place = path.join(root, name);
  if (!fs.statSync(place).isDirectory()) return [name];
  const below = fs.readdirSync(place, { recursive: true, withFileTypes: true });
  return below
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}
