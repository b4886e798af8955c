/** LockSnapshot (`ecs-api.md` 2.1): nobody can delete the snapshot until the lock ends. */
import { COOL_OFF_HOURS_LIMIT, LOCK_DAYS_LIMIT } from '../../ecs/lock-rules.ts';
import { defineAction } from '../action.ts';
import { integer, oneOf, required, text } from '../parameters.ts';
import { clientToken, dryRun } from '../resource-parameters.ts';
import { renderLock } from '../render/snapshot-lock.ts';

export const lockSnapshot = defineAction({
  name: 'LockSnapshot',
  parameters: {
    SnapshotId: required(text()),
    LockMode: required(oneOf(['compliance'], 'InvalidLockMode.Malformed')),
    LockDuration: required(integer({ least: 1, most: LOCK_DAYS_LIMIT })),
    CoolOffPeriod: required(integer({ least: 0, most: COOL_OFF_HOURS_LIMIT })),
    ClientToken: clientToken('InvalidClientToken.Malformed'),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const lock = await control.lockSnapshot(
      { snapshotId: values.SnapshotId, lockDays: values.LockDuration, coolOffHours: values.CoolOffPeriod },
      options({ clientToken: values.ClientToken, dryRun: values.DryRun }),
    );
    return { LockedSnapshotInfo: renderLock(lock) };
  },
});
