#!/usr/bin/env node
// The launcher: plain JavaScript that any Node can read. It finds a Node that is new enough (this one, or the one that
// `npm ci` put beside the sources) and starts src/main.ts in a clone, dist/main.js in an installed package. A clone may hold
// a dist of an older build, which must not be taken for the sources; and Node runs no TypeScript below node_modules.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const LEAST_MAJOR = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'src', 'main.ts');
const isClone = existsSync(source) && !root.split(sep).includes('node_modules');
const main = isClone ? source : join(root, 'dist', 'main.js');
const ownNode = join(root, 'node_modules', 'node', 'bin', 'node');

if (Number(process.versions.node.split('.')[0]) >= LEAST_MAJOR) {
  requireDependencies();
  process.argv[1] = main;
  await import(main);
} else if (existsSync(ownNode)) {
  const child = spawn(ownNode, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  // Ctrl-C on a terminal reaches the child by itself; passed on, it would count as the second one, which ends at once.
  const hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => (signal === 'SIGINT' && hasTerminal) || child.kill(signal));
  }
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
} else {
  fail(
    `Hupo needs Node ${LEAST_MAJOR} or later; this is ${process.version}. ` +
      (isClone ? `Run "npm ci" in ${root}: it brings one along.` : 'Install a newer Node.'),
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
