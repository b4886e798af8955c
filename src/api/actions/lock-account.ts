/** HupoLockAccount, HupoUnlockAccount and HupoDescribeAccount, extensions: arrears of the account, which here only its operator knows of. */
import type { ShownAccount } from '../../control/account-lock.ts';
import { formatSecond } from '../../ecs/times.ts';
import { defineAction } from '../action.ts';
import { finishDryRun } from '../filters.ts';
import { integer, oneOf, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

const MOST_DAYS = 3650;

export const lockAccount = defineAction({
  name: 'HupoLockAccount',
  parameters: {
    LockReason: withDefault(oneOf(['financial'], 'InvalidLockReason.NotFound'), 'financial'),
    DeleteAfterDays: integer({ least: 1, most: MOST_DAYS }),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const request = { deleteAfterDays: values.DeleteAfterDays };
    await control.accountLock.lock(request, options({ dryRun: values.DryRun }));
    return {};
  },
});

export const unlockAccount = defineAction({
  name: 'HupoUnlockAccount',
  parameters: { DryRun: dryRun },
  run: async (values, { control, options }) => {
    await control.accountLock.unlock(options({ dryRun: values.DryRun }));
    return {};
  },
});

export const describeAccount = defineAction({
  name: 'HupoDescribeAccount',
  parameters: { DryRun: dryRun },
  run: async (values, { control }) => {
    finishDryRun(values.DryRun);
    return render(await control.accountLock.describe());
  },
});

function render(account: ShownAccount | null): object {
  if (account === null) return { Status: 'Normal' };
  const { lockedAtMs, deleteAtMs, deletedAtMs } = account;
  return {
    Status: 'Locked',
    LockReason: 'financial',
    LockTime: formatSecond(lockedAtMs),
    ...(deleteAtMs !== null && { DeletionTime: formatSecond(deleteAtMs) }),
    ...(deletedAtMs !== null && { DeletedTime: formatSecond(deletedAtMs) }),
  };
}
