/** ModifyInstanceAttribute as a request: one transaction, in which all of it is checked and written. */
import { updateInstance } from '../catalog/instances.ts';
import { findOperation } from '../catalog/operations.ts';
import { findUserData, putUserData } from '../catalog/user-data.ts';
import { RequestError } from '../lib/errors.ts';
import { change } from './change.ts';
import { DELETE_INSTANCE } from './operations/delete-instance.ts';
import { assertUnlocked } from './instance-locks.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, ModifyInstanceRequest } from './requests.ts';
import { getInstance } from './rows.ts';

/** Nothing to change is no mistake: the documentation has no code for it. */
export async function modifyInstance(
  parts: Parts,
  request: ModifyInstanceRequest,
  options: ChangeOptions,
): Promise<void> {
  const { instanceId, instanceName, description, hostName, deletionProtection, userData } = request;
  await change(parts, options, async (transaction) => {
    await getInstance(transaction, instanceId);
    await assertUnlocked(transaction, 'ModifyInstanceAttribute', instanceId);
    if ((await findOperation(transaction, DELETE_INSTANCE, instanceId)) !== undefined) {
      throw new RequestError(
        'IncorrectInstanceStatus',
        `The instance ${instanceId} is being deleted: it cannot be changed, nor protected, any more.`,
      );
    }
    const changed = {
      ...(instanceName !== undefined && { instance_name: instanceName }),
      ...(description !== undefined && { description }),
      ...(hostName !== undefined && { host_name: hostName }),
      ...(deletionProtection !== undefined && { deletion_protection: deletionProtection ? 1 : 0 }),
    };
    if (Object.keys(changed).length > 0) await updateInstance(transaction, instanceId, changed);
    if (userData !== undefined) await putUserData(transaction, instanceId, userData);
  });
}

/** Base64; blank for an instance without any. */
export async function getUserData({ catalog }: Parts, instanceId: string): Promise<string> {
  await getInstance(catalog.queries, instanceId);
  return (await findUserData(catalog.queries, instanceId)) ?? '';
}
