import assert from 'node:assert/strict';
import test from 'node:test';
import { formatPreview, type PreviewAnswer } from './policy-preview.ts';

const preview: PreviewAnswer = {
  Runs: { Run: ['2026-11-24T18:00:00Z', '2026-11-25T18:00:00Z'] },
  Disks: {
    Disk: [
      {
        ...{ DiskId: 'd-1', FreedSize: 1024 ** 2, HeldSnapshotIds: { SnapshotId: ['s-3'] } },
        DeletedSnapshots: {
          Snapshot: [
            told('s-1', { DeletionTime: '2026-11-25T18:00:00Z', NeedsApproval: false }),
            told('s-3', { DeletionTime: '2026-11-24T18:00:00Z', NeedsApproval: true }),
          ],
        },
        KeptSnapshots: { Snapshot: [told('s-2', {})] },
      },
    ],
  },
};

function told<T>(SnapshotId: string, more: T) {
  return { SnapshotId, CreationTime: '2026-11-01T18:00:00Z', Reason: 'because', ...more };
}

test('the next runs are told in UTC+8 and here, with what each deletes', () => {
  assert.equal(
    formatPreview(preview, { command: 'hupo', timeZone: 'Europe/Berlin' }),
    `NEXT RUN (UTC+8)      LOCAL (Europe/Berlin)  BY THEN
Wed 2026-11-25 02:00  Tue 2026-11-24 19:00   1 made
Thu 2026-11-26 02:00  Wed 2026-11-25 19:00   1 made, 1 deleted

d-1: of the snapshots that are there now, 2 go by then, which frees 1 MiB; 1 stay
SNAPSHOT  OF (UTC+8)            WHAT                       WHY
s-1       Mon 2026-11-02 02:00  goes Thu 2026-11-26 02:00  because
s-3       Mon 2026-11-02 02:00  waits                      because
s-2       Mon 2026-11-02 02:00  stays                      because
\`hupo policy approve d-1\` agrees to what waits.
`,
  );
});

test('a policy of no disk makes nothing', () => {
  const none = { ...preview, Disks: { Disk: [] } };
  assert.match(formatPreview(none, { command: 'hupo', timeZone: 'UTC' }), /18:00 {2}-\nIt is applied to no disk\.\n$/);
});
