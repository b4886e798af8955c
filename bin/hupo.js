#!/usr/bin/env node
// The launcher: plain JavaScript that any Node can read. It finds a Node that is new enough (this one, or the one that
// `npm ci` put beside the sources) and starts dist/main.js where there is one (a published package), else src/main.ts.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LEAST_MAJOR = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const built = join(root, 'dist', 'main.js');
const main = existsSync(built) ? built : join(root, 'src', 'main.ts');
const ownNode = join(root, 'node_modules', 'node', 'bin', 'node');

if (Number(process.versions.node.split('.')[0]) >= LEAST_MAJOR) {
  requireDependencies();
  process.argv[1] = main;
  await import(main);
} else if (existsSync(ownNode)) {
  const child = spawn(ownNode, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 1));
} else {
  fail(
    `Hupo needs Node ${LEAST_MAJOR} or later; this is ${process.version}. ` +
      (main === built ? 'Install a newer Node.' : `Run "npm ci" in ${root}: it brings one along.`),
  );
}

function requireDependencies() {
  const found = [join(root, 'node_modules'), dirname(root)].some((folder) => existsSync(join(folder, 'kysely')));
  if (!found) fail(`Hupo's dependencies are not installed. Run "npm ci" in ${root} first.`);
}

function fail(message) {
  console.error(`hupo: ${message}`);
  process.exit(1);
}
