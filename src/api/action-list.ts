/** Every action that is built. */
import type { Action } from './action.ts';
import { attachDisk } from './actions/attach-disk.ts';
import { beginImport } from './actions/begin-import.ts';
import { completeImport } from './actions/complete-import.ts';
import { createDisk } from './actions/create-disk.ts';
import { createSnapshot } from './actions/create-snapshot.ts';
import { deleteSnapshot } from './actions/delete-snapshot.ts';
import { describeDisks } from './actions/describe-disks.ts';
import { describeImages } from './actions/describe-images.ts';
import { describeInstances } from './actions/describe-instances.ts';
import { describeInstanceTypes } from './actions/describe-instance-types.ts';
import { describeRegions } from './actions/describe-regions.ts';
import { describeSnapshots } from './actions/describe-snapshots.ts';
import { describeZones } from './actions/describe-zones.ts';
import { resetDisk } from './actions/reset-disk.ts';
import { runInstances } from './actions/run-instances.ts';
import { startInstance } from './actions/start-instance.ts';
import { stopInstance } from './actions/stop-instance.ts';

export const actions: readonly Action[] = [
  describeRegions,
  describeZones,
  describeInstanceTypes,
  describeImages,
  runInstances,
  describeInstances,
  startInstance,
  stopInstance,
  createDisk,
  describeDisks,
  attachDisk,
  resetDisk,
  createSnapshot,
  describeSnapshots,
  deleteSnapshot,
  beginImport,
  completeImport,
];

const byName: ReadonlyMap<string, Action> = new Map(actions.map((action) => [action.name, action]));

export function findAction(name: string): Action | undefined {
  return byName.get(name);
}
