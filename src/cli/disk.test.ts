/** `hupo disk list`, `show` and `top` against a small data plane on a real socket. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { makeContext } from '../../test/support/fake-ecs.ts';
import { runCli } from '../cli.ts';
import { DISKD_PROTOCOL } from '../disk/protocol.ts';
import type { DiskState, DiskdCalls } from '../disk/protocol.ts';
import { RequestError } from '../lib/errors.ts';
import { GIB } from '../lib/geometry.ts';
import { serveLines } from '../lib/line-channel.ts';
import type { Handlers, LineServer } from '../lib/line-channel.ts';
import { folderIdentity } from '../lib/run-folder.ts';
import { showDisks } from './disk.ts';
import type { DiskOptions } from './disk.ts';

const START_MS = 1_790_000_000_000;

function diskState(diskId: string, changes: Partial<DiskState> = {}): DiskState {
  return {
    diskId,
    sizeBytes: 20 * GIB,
    socketPath: `/run/${diskId}.sock`,
    clientCount: 1,
    generation: 7,
    incarnation: 2,
    base: { snapshotId: null, tree: { root: null, levels: 0, dataChunkCount: 0 } },
    written: true,
    allocatedBytes: 5 * 1024 ** 2,
    views: [],
    mapping: {
      dataChunkCount: 64,
      usedSlotCount: 80,
      freeingSlotCount: 3,
      olderLayerCount: 11,
      pageCount: 5,
      cachedPageCount: 4,
      journalRecordCount: 123,
    },
    counters: { readCount: 0, writeCount: 0, flushCount: 0, zeroCount: 0, readBytes: 0, writtenBytes: 0 },
    limits: null,
    compareReason: null,
    syncFailure: null,
    ...changes,
  };
}

/** A folder with a data plane whose disks do what `onSleep` says between two looks. */
class Bed {
  readonly root = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-disk-'));
  disks: DiskState[] = [];
  nowMs = START_MS;
  protocol = DISKD_PROTOCOL;
  folder: string;
  onSleep: (ms: number) => void | Promise<void> = () => undefined;
  readonly context = makeContext({ dataFolder: this.root });
  isTerminal = false;
  isGone = false;
  #server: LineServer | undefined;

  constructor() {
    for (const name of ['disks', 'run']) fs.mkdirSync(path.join(this.root, name));
    this.folder = folderIdentity(this.root);
  }

  async serve(): Promise<void> {
    const describeDisk = async ({ diskId }: { diskId: string }) => {
      const disk = this.disks.find((found) => found.diskId === diskId);
      if (disk === undefined) throw new RequestError('InvalidDiskId.NotFound', `no disk ${diskId}`);
      return { disk };
    };
    this.#server = await serveLines<DiskdCalls>(path.join(this.root, 'run', 'diskd.sock'), {
      hello: async () => ({ protocol: this.protocol, pid: 1, folder: this.folder, startedAtMs: 0 }),
      listDisks: async () => ({ disks: this.disks }),
      describeDisk,
    } as unknown as Handlers<DiskdCalls>);
  }

  async die(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  async show(
    what: Parameters<typeof showDisks>[0],
    options: Partial<DiskOptions> = {},
    signal = new AbortController().signal,
  ): Promise<string> {
    const clock = {
      nowMs: () => this.nowMs,
      monotonicMs: () => this.nowMs,
      // Only looks are apart by less than what an answer is waited for.
      sleep: async (ms: number, given?: AbortSignal) => {
        if (ms >= 10_000) return new Promise<void>(() => undefined);
        this.nowMs += ms;
        await this.onSleep(ms);
        given?.throwIfAborted();
      },
    };
    const size = () => ({ columns: 60, rows: 5 });
    const terminal = { isTerminal: this.isTerminal, size, isGone: () => this.isGone };
    const stage = { context: this.context, clock, terminal };
    this.context.output.out = '';
    assert.equal(await showDisks(what, { data: this.root, ...options }, stage, signal), 0);
    return this.context.output.out;
  }

  /** So much more of everything is counted for a disk. */
  work(index: number, count: number, bytes: number): void {
    const disk = this.disks[index];
    assert.ok(disk !== undefined);
    const { counters } = disk;
    this.disks[index] = {
      ...disk,
      counters: {
        readCount: counters.readCount + count,
        writeCount: counters.writeCount + 2 * count,
        flushCount: counters.flushCount + 3 * count,
        zeroCount: counters.zeroCount + 4 * count,
        readBytes: counters.readBytes + bytes,
        writtenBytes: counters.writtenBytes + 2 * bytes,
      },
    };
  }
}

async function withBed(body: (bed: Bed) => Promise<void>): Promise<void> {
  const bed = new Bed();
  try {
    await bed.serve();
    await body(bed);
  } finally {
    await bed.die();
    fs.rmSync(bed.root, { recursive: true });
  }
}

test('list prints a line a disk by id, with the load between two looks', async () => {
  await withBed(async (bed) => {
    bed.disks = [
      diskState('d-2', { socketPath: null, clientCount: 0, generation: 12, syncFailure: 'EIO' }),
      diskState('d-1', { views: [{ snapshotId: 's', generation: 6, frozenAtMs: 0, sizeBytes: 1, durable: true }] }),
    ];
    bed.onSleep = () => bed.work(1, 50, 1024 ** 2);
    const [titles = '', first = '', second = '', ...more] = (await bed.show({ table: 'list' })).split('\n');
    assert.deepEqual(titles.split(/ {2,}/), [
      'DISK',
      'SIZE',
      'OPEN',
      'MAPPED',
      'ON DEVICE',
      'VIEWS',
      'GENERATION',
      'READS/s',
      'WRITES/s',
      'READ MiB/s',
      'WRITTEN MiB/s',
      'NOTE',
    ]);
    const rowOne = ['d-1', '20 GiB', '1 client', '4 MiB', '5 MiB', '1', '7', '100', '200', '2.0', '4.0'];
    assert.deepEqual(first.split(/ {2,}/), rowOne);
    const rowTwo = [
      'd-2',
      '20 GiB',
      'closed',
      '4 MiB',
      '5 MiB',
      '0',
      '12',
      '0',
      '0',
      '0.0',
      '0.0',
      'every flush fails',
    ];
    assert.deepEqual(second.split(/ {2,}/), rowTwo);
    assert.deepEqual(more, ['']);
    assert.equal(titles.indexOf('GENERATION') + 'GENERATION'.length, first.indexOf('  7  ') + 3, 'numbers are aligned');
  });
});

test('a disk that was opened anew between two looks counts from then on, and one that came has no load yet', async () => {
  await withBed(async (bed) => {
    bed.disks = [diskState('d-1')];
    bed.work(0, 1000, GIB);
    bed.onSleep = () => {
      bed.disks = [diskState('d-1'), diskState('d-2')];
      bed.work(0, 5, 0);
    };
    const disks = (JSON.parse(await bed.show({ table: 'list' }, { json: true })) as { disks: Perf[] }).disks;
    assert.deepEqual(
      disks.map(({ diskId, perSecond }) => [diskId, perSecond?.reads ?? null]),
      [
        ['d-1', 10],
        ['d-2', null],
      ],
    );
  });
});

interface Perf {
  diskId: string;
  perSecond: { reads: number } | null;
}

test('show tells everything of a disk: its base, its views and their age, limits, failures', async () => {
  await withBed(async (bed) => {
    const tree = { root: 'ab'.repeat(32), levels: 2, dataChunkCount: 32 };
    const view = { generation: 6, frozenAtMs: START_MS - 90_000, sizeBytes: 20 * GIB };
    bed.disks = [
      diskState('d-1', {
        base: { snapshotId: 's-base', tree },
        views: [
          { ...view, snapshotId: 's-one', durable: true },
          { ...view, snapshotId: 's-two', generation: 7, durable: false },
        ],
        limits: { iops: 1800, bytesPerSecond: 120 * 1024 ** 2 },
        compareReason: 'the journal was damaged',
        syncFailure: 'EIO: i/o error',
      }),
    ];
    bed.onSleep = () => bed.work(0, 3, 1024 ** 2);
    const text = await bed.show({ diskId: 'd-1' });
    for (const line of [
      /^d-1 {2}20 GiB, open$/m,
      /^ {2}socket +\/run\/d-1\.sock$/m,
      /^ {2}base +the snapshot s-base, tree abababababababab… \(2 MiB of data\)$/m,
      /^ {2}incarnation +2 /m,
      /^ {2}generation +7 is being written$/m,
      /^ {2}change tracking +lost, the next snapshot compares all: the journal was damaged$/m,
      /^ {2}flushes +fail until the disk is opened anew: EIO: i\/o error$/m,
      /^ {2}reads +6\.0 a second, 2\.0 MiB\/s$/m,
      /^ {2}limits +1800 requests a second, 120 MiB a second$/m,
      /^ {2}mapped +4 MiB in 64 chunks, 0\.0 % of the disk$/m,
      /^ {2}in use +80 slots, 5 MiB$/m,
      /^ {2}map pages +5, 4 of them in memory$/m,
      /^ {2}journal +123 records/m,
      /^Frozen views {2}2 of at most 13$/m,
      /^ {2}s-one +6 +90\.5 s ago +20 GiB +yes$/m,
      /^ {2}s-two +7 +90\.5 s ago +20 GiB +not yet$/m,
      /1 MiB are held, for views/,
    ]) {
      assert.match(text, line);
    }
    bed.disks = [diskState('d-1', { base: { snapshotId: 's-x', viewOf: 'd-9' } })];
    assert.match(await bed.show({ diskId: 'd-1' }), /base +the frozen view s-x of the disk d-9$/m);
  });
});

test('where the output is no terminal, top prints lines, the titles once, and ends after --count', async () => {
  await withBed(async (bed) => {
    bed.disks = [diskState('d-1')];
    bed.onSleep = (ms) => bed.work(0, ms / 100, 0);
    const text = await bed.show({ table: 'top' }, { watch: '2', count: '3' });
    const lines = text.trimEnd().split('\n');
    assert.match(lines[0] ?? '', /^DISK .*FLUSHES\/s/);
    assert.equal(lines.length, 4, text);
    for (const line of lines.slice(1)) assert.match(line, /^d-1 +1 client +10 +20 +0\.0 +0\.0 +30 +40$/);
    assert.equal(bed.nowMs - START_MS, 500 + 2 * 2000);
  });
});

test('on a terminal top draws over the last picture, the busiest first, cut to its size; Ctrl-C gives it back', async () => {
  await withBed(async (bed) => {
    bed.isTerminal = true;
    bed.disks = Array.from({ length: 6 }, (_, index) => diskState(`d-${index}`));
    const interrupt = new AbortController();
    let sleeps = 0;
    bed.onSleep = () => {
      bed.work(4, 10, 1024 ** 2);
      if (++sleeps === 3) interrupt.abort();
    };
    const text = await bed.show({ table: 'top' }, { watch: true }, interrupt.signal);
    const pictures = text.split('\u001b[H');
    assert.equal(pictures.length, 3, JSON.stringify(text));
    assert.ok(text.startsWith('\u001b[?25l\u001b[2J') && text.endsWith('\u001b[?25h'));
    const lines = (pictures[1] ?? '').split('\u001b[K\n');
    assert.deepEqual(
      lines.map((line) => line.slice(0, 4)),
      ['DISK', 'd-4 ', 'd-0 ', '… 4 ', '\u001b[J'],
    );
    assert.ok(lines.every((line) => line.length <= 60));
  });
});

test('a watch goes on when the data plane is started again, and ends when nobody reads', async () => {
  await withBed(async (bed) => {
    bed.disks = [diskState('d-1')];
    let sleeps = 0;
    bed.onSleep = async () => {
      sleeps++;
      if (sleeps === 2) await bed.die();
      if (sleeps === 5) await bed.serve();
      if (sleeps === 7) bed.isGone = true;
    };
    const text = await bed.show({ table: 'top' }, { watch: true });
    assert.match(bed.context.output.err, /^hupo: .*; waiting for it\n$/);
    const rows = text.split('\n').filter((line) => line.startsWith('d-1'));
    assert.deepEqual(
      rows.map((line) => line.includes(' - ')),
      [false, true, false],
      'no load at the first look after it came back',
    );
  });
});

async function failure(bed: Bed, what: Parameters<typeof showDisks>[0], options: Partial<DiskOptions> = {}) {
  return bed.show(what, options).then(
    () => assert.fail('it should fail'),
    (error: Error) => error.message,
  );
}

test('what is not there is told, with what to do', async () => {
  await withBed(async (bed) => {
    bed.disks = [diskState('d-1')];
    const list = { table: 'list' } as const;
    assert.match(await failure(bed, list, { data: '/nonexistent/x' }), /no folder \/nonexistent\/x: name .* --data/);
    assert.match(await failure(bed, list, { data: path.join(bed.root, 'run') }), /no data folder of hupo/);
    const unknown = await failure(bed, { diskId: 'd-9' });
    assert.match(unknown, /has no disk "d-9"; `hupo disk list` prints the 1 that there are/);
    assert.match(await failure(bed, list, { watch: 'often' }), /often .* seconds, from 0\.1 to 3600/);
    assert.match(await failure(bed, list, { watch: true, count: '0' }), /--count 0/);
    bed.protocol = DISKD_PROTOCOL + 1;
    assert.match(await failure(bed, list), /another version of hupo.*`hupo stop`/);
    bed.protocol = DISKD_PROTOCOL;
    bed.folder = '1:1';
    assert.match(await failure(bed, list), /serves another folder/);
    await bed.die();
    assert.match(await failure(bed, list), /no data plane runs on .*`hupo serve`.*`hupo check`/);
  });
});

test('`hupo disk` alone lists, and its options are those of list', async () => {
  await withBed(async (bed) => {
    bed.disks = [diskState('d-1')];
    assert.equal(await runCli(['disk', '--json', '--data', bed.root], bed.context), 0, bed.context.output.err);
    const { disks } = JSON.parse(bed.context.output.out) as { disks: DiskState[] };
    assert.deepEqual(
      disks.map(({ diskId }) => diskId),
      ['d-1'],
    );
    bed.context.output.out = '';
    bed.disks = [];
    assert.equal(await runCli(['disk'], bed.context), 0);
    assert.equal(bed.context.output.out, 'No disks.\n');
  });
});
