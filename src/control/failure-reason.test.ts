import assert from 'node:assert/strict';
import test from 'node:test';
import { toPublicReason } from './failure-reason.ts';

test('a reason has no path of this machine, and stays a sentence', () => {
  const folder = '/home/someone/with spaces/hupo';
  const cases: [string, string][] = [
    ['the worker was killed', 'the worker was killed'],
    [`${folder}/disks/d-1/data-1/0.seg is missing`, 'disks/d-1/data-1/0.seg is missing'],
    [
      `ENOSPC: no space left on device, open '${folder}/repository/tmp/1'`,
      "ENOSPC: no space left on device, open 'repository/tmp/1'",
    ],
    ['EACCES: permission denied, mkdir "/var/lib/other/thing"', 'EACCES: permission denied, mkdir "thing"'],
    ['AssertionError: so not\n    at f (file:///opt/hupo/src/a.ts:1:2)', 'AssertionError: so not'],
    ['it failed in file:///opt/hupo/src/a.ts', 'it failed in a.ts'],
    ['the snapshot of /dev/xvdb failed: /dev/xvdb/x', 'the snapshot of /dev/xvdb failed: x'],
    ['read 12/34 chunks at 5 GiB/s and/or less', 'read 12/34 chunks at 5 GiB/s and/or less'],
  ];
  for (const [reason, expected] of cases) assert.equal(toPublicReason(reason, folder), expected);
});
