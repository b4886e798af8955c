/** The journal being written: what a scan of its files finds, and what a failing call leaves. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { RecordingFiles, systemError } from '../../test/crash/recording-files.ts';
import type { JournalRecord } from './journal-record.ts';
import { AFTER_CHECKPOINT } from './journal-record.ts';
import { planReplay, scanJournals } from './journal-replay.ts';
import { Journal } from './journal.ts';

const DISK_ID = 'd-journal';

function newJournal() {
  const machine = new RecordingFiles({ record: false });
  const files = machine.startProcess();
  const place = { files, folder: '/', diskId: DISK_ID, bootId: 'boot' };
  const journal = Journal.create(place, 1);
  const scan = () => scanJournals(files, '/', DISK_ID, 1);
  const found = (): (JournalRecord | undefined)[] => scan().flatMap(({ records }) => records);
  return { machine, files, place, journal, scan, found };
}

const data = (chunk: number, mask: number, slot = chunk): JournalRecord & { type: 'data' } => {
  return { type: 'data', chunk, slot, generation: 1, mask };
};

/** What many small writes come to: the same map in fewer records. */
test('records of one slot that are written together are one, with all their blocks; others stay as they are', () => {
  const piece = fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.nat(2), fc.nat(15)).map(([chunk, bit]) => data(chunk, 1 << bit)) },
    fc.constant<JournalRecord>({ type: 'settle', page: 0 }),
    fc.constant('commit' as const),
  );
  const property = fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
    const { journal, found } = newJournal();
    const expected: JournalRecord[] = [];
    let isCommitted = true;
    for (const asked of pieces) {
      if (asked === 'commit') {
        journal.commit();
        isCommitted = true;
        continue;
      }
      journal.append(asked);
      const last = expected.at(-1);
      if (!isCommitted && asked.type === 'data' && last?.type === 'data' && last.slot === asked.slot) {
        expected[expected.length - 1] = { ...last, mask: last.mask | asked.mask };
      } else expected.push(asked);
      isCommitted = false;
    }
    journal.commit();
    assert.deepEqual(found(), expected);
    assert.equal(journal.count, expected.length);
  });
  fc.assert(property, { numRuns: 200 });
});

test('a record joins only the same slot of the same chunk', () => {
  const { journal, found } = newJournal();
  const records = [data(1, 1, 5), data(2, 2, 5), data(2, 4, 6)];
  for (const record of records) journal.append(record);
  journal.commit();
  assert.deepEqual(found(), records);
});

test('what a commit could not write, the next one does', () => {
  const { machine, journal, found } = newJournal();
  journal.append(data(1, 1));
  machine.fault = (call) =>
    call.name === 'write' ? { error: systemError('ENOSPC', call.path), writtenBytes: 20 } : undefined;
  assert.throws(() => journal.commit(), { code: 'ENOSPC' });
  machine.fault = undefined;
  assert.deepEqual(found(), []);
  journal.append(data(2, 1));
  journal.commit();
  assert.deepEqual(found(), [data(1, 1), data(2, 1)]);
});

test('a chain goes on from file to file, and is resumed where it ended', () => {
  const { files, place, journal, scan } = newJournal();
  for (let chunk = 0; chunk < 3; chunk++) {
    journal.append(data(chunk, 1));
    journal.begin();
  }
  journal.append(data(3, 1));
  journal.commit();
  assert.deepEqual(
    scan().map(({ header }) => header?.previousCount),
    [AFTER_CHECKPOINT, 1, 1, 1],
  );
  const { numbers, lastCount } = planReplay('/', 1, scan(), 'boot');
  journal.close();
  const next = Journal.resume(place, numbers, lastCount);
  next.append(data(4, 1));
  next.commit();
  const replay = planReplay('/', 1, scan(), 'boot');
  assert.deepEqual(
    replay.records.map((record) => (record as { chunk: number }).chunk),
    [0, 1, 2, 3, 4],
  );
  next.dropOlder(4);
  assert.deepEqual(files.list('/'), ['journal-4']);
  next.close();
  assert.equal(files.openCount, 0);
});

/** Every call of a beginning fails in turn, and with it the removal of what it made, or not. */
test('a next journal that cannot be begun leaves the one before as it was', () => {
  for (const alsoFailing of [[], ['unlink'], ['truncate']]) {
    for (let nth = 1, isOver = false; !isOver; nth++) {
      const { machine, place, journal, scan } = newJournal();
      journal.append(data(0, 1));
      journal.commit();
      let count = 0;
      machine.fault = (call) => {
        const isHit = ++count === nth || (count > nth && alsoFailing.includes(call.name));
        return isHit ? { error: systemError('EIO', call.path), writtenBytes: call.lengthBytes ?? 0 } : undefined;
      };
      try {
        journal.begin();
        isOver = true;
      } catch {
        machine.fault = undefined;
        journal.append(data(1, 1));
        journal.commit();
        assert.equal(planReplay('/', 1, scan(), 'boot').records.length, 2, `call ${nth}`);
        journal.begin();
        journal.append(data(2, 1));
        journal.commit();
        const { records, numbers } = planReplay(place.folder, 1, scan(), 'boot');
        assert.deepEqual([records.length, numbers], [3, [1, 2]]);
      }
    }
  }
});

test('an old journal that cannot be removed is let go all the same, once', () => {
  const { machine, files, journal } = newJournal();
  journal.begin();
  journal.begin();
  machine.fault = (call) => (call.name === 'unlink' ? { error: systemError('EIO', call.path) } : undefined);
  journal.dropOlder(3);
  machine.fault = undefined;
  assert.deepEqual([journal.olderCount, files.openCount], [0, 1]);
  journal.dropOlder(3);
  journal.close();
  assert.equal(files.openCount, 0);
});
