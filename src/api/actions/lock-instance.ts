/** HupoLockInstance, an extension: what an expired, unpaid or unsafe instance is kept from (`ecs-api.md` 4.10), until it is unlocked or released. */
import type { LockReason } from '../../ecs/operation-locks.ts';
import { defineAction } from '../action.ts';
import { integer, oneOf, required, text } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

const REASONS: readonly LockReason[] = ['financial', 'security'];
const RELEASE_DAYS_LIMIT = 3650;

const common = {
  InstanceId: required(text()),
  LockReason: required(oneOf(REASONS, 'InvalidLockReason.NotFound')),
  DryRun: dryRun,
};

export const lockInstance = defineAction({
  name: 'HupoLockInstance',
  parameters: { ...common, ReleaseDays: integer({ least: 1, most: RELEASE_DAYS_LIMIT }) },
  run: async (values, { control, options }) => {
    await control.instanceLocks.lock(
      { instanceId: values.InstanceId, reason: values.LockReason, releaseDays: values.ReleaseDays },
      options({ dryRun: values.DryRun }),
    );
    return {};
  },
});

export const unlockInstance = defineAction({
  name: 'HupoUnlockInstance',
  parameters: common,
  run: async (values, { control, options }) => {
    await control.instanceLocks.unlock(
      { instanceId: values.InstanceId, reason: values.LockReason },
      options({ dryRun: values.DryRun }),
    );
    return {};
  },
});
