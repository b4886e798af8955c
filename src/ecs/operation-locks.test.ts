import assert from 'node:assert/strict';
import test from 'node:test';
import { refuseLocked, refusedByLocks } from './operation-locks.ts';
import type { LockReason, LockedAction } from './operation-locks.ts';

/** `ecs-api.md` 4.10, with ResizeDisk and ModifyDiskSpec as their own pages have them: security, financial. */
const table: Record<LockedAction, [boolean, boolean]> = {
  AttachDisk: [true, true],
  CreateImage: [true, false],
  CreateSnapshot: [true, false],
  DetachDisk: [true, false],
  ModifyDiskSpec: [false, true],
  ModifyInstanceAttribute: [true, false],
  ReInitDisk: [true, true],
  ReplaceSystemDisk: [true, true],
  ResetDisk: [true, true],
  ResizeDisk: [true, true],
  StartInstance: [true, true],
  StopInstance: [true, true],
  RebootInstance: [true, true],
};

test('every action is refused for the reasons of the documentation, and for no other', () => {
  assert.deepEqual(Object.keys(refusedByLocks).sort(), Object.keys(table).sort());
  for (const [action, [security, financial]] of Object.entries(table)) {
    const codeOf = (...locks: LockReason[]) => refuseLocked(action as LockedAction, 'i-1', locks)?.code ?? null;
    const [locked, expired] = ['InstanceLockedForSecurity', 'InstanceExpiredOrInArrears'];
    assert.equal(codeOf(), null, action);
    assert.equal(codeOf('security'), security ? locked : null, action);
    assert.equal(codeOf('financial'), financial ? expired : null, action);
    assert.equal(codeOf('financial', 'security'), security ? locked : financial ? expired : null, action);
  }
});
