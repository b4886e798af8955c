/** What the actions about the network share: it is there since the catalog is, and holds every instance. */
import type { Paging } from '../ecs/list-filters.ts';
import { formatSecond } from '../ecs/times.ts';
import { assert } from '../lib/assert.ts';
import type { ControlPlane } from './control-plane.ts';

const oneRow: Paging = { pageNumber: 1, pageSize: 1, nextToken: null };

/** When VPC, vSwitches and security group came: with the public image that is always there. */
export async function networkCreationTime(control: ControlPlane): Promise<string> {
  const { items } = await control.listImages({ ownerAlias: 'system' }, oneRow);
  const [image] = items;
  assert(image !== undefined, 'the public image is not there');
  return formatSecond(image.createdAtMs);
}

export async function countInstances(control: ControlPlane): Promise<number> {
  return (await control.listInstances({}, oneRow)).totalCount;
}
