/**
 * The one test command: `node test/run.ts quick|all|long`. `all` first makes sure of the Debian packages that suites
 * need (installs them when it can, else the suites say in their skip what is missing; in CI a skip is a failure).
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
/** Each file is a process of its own, and half of what it takes is reading the same sources. */
const compiledFolder = path.join(root, 'node_modules', '.cache', 'compiled-for-tests');
interface Suite {
  folders: string[];
  concurrency: number;
  timeoutMs: number;
  environment?: Record<string, string>;
}

const suites: Record<string, Suite[]> = {
  quick: [
    {
      folders: ['src', 'test/contract', 'test/model', 'test/damaged', 'test/compat', 'test/console'],
      concurrency: 2,
      timeoutMs: 180_000,
      environment: { HUPO_SEEDS: '20' },
    },
    { folders: ['test'], concurrency: 1, timeoutMs: 180_000 },
  ],
  all: [
    {
      folders: [
        'src',
        'test/contract',
        'test/model',
        'test/damaged',
        'test/format',
        'test/compat',
        'test/fault',
        'test/conformance',
        'test/crash',
        'test/fuzz',
        'test/clients',
        'test/console',
      ],
      concurrency: 2,
      timeoutMs: 300_000,
    },
    { folders: ['test', 'test/e2e'], concurrency: 1, timeoutMs: 900_000 },
  ],
  long: [{ folders: ['test/long'], concurrency: 1, timeoutMs: 6 * 3_600_000 }],
};

/** Debian package → a program that it brings. */
const packages: Record<string, string> = {
  'btrfs-progs': '/usr/bin/btrfs',
  chromium: '/usr/bin/chromium',
  e2fsprogs: '/usr/sbin/mkfs.ext4',
  fio: '/usr/bin/fio',
  'fonts-noto-cjk': '/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc',
  fuse3: '/usr/bin/fusermount3',
  'libnbd-bin': '/usr/bin/nbdinfo',
  mount: '/usr/sbin/losetup',
  nbdfuse: '/usr/bin/nbdfuse',
  nbdkit: '/usr/bin/nbdkit',
  python3: '/usr/bin/python3',
  'qemu-utils': '/usr/bin/qemu-img',
  xfsprogs: '/usr/sbin/mkfs.xfs',
  zstd: '/usr/bin/zstd',
};

const which = process.argv[2] ?? 'all';
const chosen = suites[which];
if (chosen === undefined) {
  console.error(`test/run.ts: "${which}" is none of ${Object.keys(suites).join(', ')}`);
  process.exit(2);
}
if (which !== 'quick') installPackages();
let failed = false;
for (const suite of chosen) failed = !runSuite(suite) || failed;
process.exit(failed ? 1 : 0);

function installPackages(): void {
  const missing = Object.entries(packages).filter(([, program]) => !fs.existsSync(program));
  if (missing.length === 0) return;
  const names = missing.map(([name]) => name);
  console.log(`installing Debian packages that tests use: ${names.join(' ')}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (args: string[]) =>
    spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env: environment });
  apt(['update']);
  const result = apt(['install', '-y', '--no-install-recommends', ...names]);
  if (result.status !== 0) console.log(`could not install ${names.join(' ')}: suites that need them will say so`);
}

function testFiles(folder: string): string[] {
  const absolute = path.join(root, folder);
  if (!fs.existsSync(absolute)) return [];
  return fs
    .readdirSync(absolute, { recursive: folder === 'src', encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => path.join(absolute, name))
    .sort();
}

function runSuite(suite: Suite): boolean {
  const files = suite.folders.flatMap(testFiles);
  if (files.length === 0) return true;
  const args = [
    '--test',
    `--test-concurrency=${suite.concurrency}`,
    `--test-timeout=${suite.timeoutMs}`,
    '--test-reporter=spec',
    ...files,
  ];
  const env = { NODE_COMPILE_CACHE: compiledFolder, ...suite.environment, ...process.env };
  return spawnSync(process.execPath, args, { stdio: 'inherit', cwd: root, env }).status === 0;
}
