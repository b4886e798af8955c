/** The published package: packed, installed elsewhere, run as a user would on a machine with only Node. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';

const root = path.dirname(path.dirname(import.meta.dirname));

function npm(folder: string, ...args: string[]): string {
  const result = spawnSync('npm', args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, npm_config_loglevel: 'error' },
  });
  assert.equal(result.status, 0, `npm ${args.join(' ')}: ${result.stdout}${result.stderr}`);
  return result.stdout;
}

test('a packed tarball installs and runs', (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-package-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  npm(root, 'pack', '--pack-destination', folder);
  const tarball = fs.readdirSync(folder).find((name) => name.endsWith('.tgz'));
  assert.ok(tarball, 'npm pack made nothing');
  fs.writeFileSync(path.join(folder, 'package.json'), '{"private":true}');
  npm(folder, 'install', '--omit=dev', `./${tarball}`);
  const help = npm(folder, 'exec', '--', 'hupo', '--help');
  for (const command of ['serve', 'stop', 'check', 'demo', 'ecs', 'disk', 'snapshot'])
    assert.match(help, new RegExp(`\\b${command}\\b`));
  const bin = path.join(folder, 'node_modules', '.bin', 'hupo');
  const data = path.join(folder, 'data');
  const check = spawnSync(process.execPath, [bin, 'stop', '--data', data], { encoding: 'utf8' });
  assert.equal(check.status, 0, check.stderr);
  const image = path.join(folder, 'small.img');
  fs.writeFileSync(image, Buffer.alloc(1_000_000, 'amber'));
  const demo = spawnSync(process.execPath, [bin, 'demo', image], { encoding: 'utf8' });
  assert.equal(demo.status, 0, demo.stdout + demo.stderr);
  assert.match(demo.stdout, /Every byte is as it was/);
  for (const file of fs.readdirSync(path.join(root, 'deploy')))
    assert.ok(fs.existsSync(path.join(folder, 'node_modules', 'hupo', 'deploy', file)), `deploy/${file} is missing`);
  assert.ok(!fs.existsSync(path.join(folder, 'node_modules', 'hupo', 'src')), 'sources are not published');
  assert.ok(!fs.existsSync(path.join(folder, 'node_modules', 'node')), 'the package brings a Node of its own');
});

test('npx hupo runs in the clone itself', () => {
  const help = npm(root, 'exec', '--', 'hupo', '--version');
  assert.match(help, /^\d+\.\d+\.\d+/);
});
