import test from 'node:test';
import assert from 'node:assert/strict';
import { OpenDisks } from '../control/open-disks.ts';
import type { DataPlane } from '../control/parts.ts';
import { ExternalDriver } from './external.ts';

/** A data plane whose disks have so many clients when they are closed. */
function driverWith(clientCounts: Record<string, number>): { driver: ExternalDriver; lines: string[] } {
  const call = async (_name: string, { diskId }: { diskId: string }) => ({
    disk: { diskId, clientCount: clientCounts[diskId], syncFailure: null },
  });
  const lines: string[] = [];
  const log = { info: (line: string) => void lines.push(line), warn: (line: string) => void lines.push(line) };
  return { driver: new ExternalDriver(new OpenDisks({ call } as unknown as DataPlane), log), lines };
}

const kind = { category: 'cloud_essd', performanceLevel: 'PL1', sizeGib: 20 };
const disk = (diskId: string) => ({ diskId, incarnation: 1, kind });

test('a log line says whose connections ended when an instance was stopped or a disk detached', async () => {
  const { driver, lines } = driverWith({ 'd-1': 4, 'd-2': 0, 'd-3': 1 });
  await driver.stop({ instanceId: 'i-1', disks: [disk('d-1'), disk('d-2')] });
  await driver.detach(disk('d-3'));
  assert.deepEqual(lines, [
    'i-1 was stopped while 4 connections were open to d-1; what was written is flushed',
    'd-3 was detached while 1 connection was open to d-3; what was written is flushed',
  ]);
});
