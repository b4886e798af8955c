/** Instances that a request names, each of which must be there, as pages by number. */
import type { Paging } from '../ecs/list-filters.ts';
import type { Instance, Page } from '../ecs/resources.ts';
import { RequestError } from '../lib/errors.ts';
import type { ControlPlane } from './control-plane.ts';

/** RequestError `code` when one is not there; without ids, a page of all instances. */
export async function listNamedInstances(
  control: ControlPlane,
  instanceIds: readonly string[],
  { paging, code }: { paging: Paging; code: string },
): Promise<Page<Instance>> {
  const wanted = [...new Set(instanceIds)];
  const page = await control.listInstances(wanted.length > 0 ? { instanceIds: wanted } : {}, paging);
  if (page.totalCount >= wanted.length) return page;
  const whole = { pageNumber: 1, pageSize: wanted.length, nextToken: null };
  const present = (await control.listInstances({ instanceIds: wanted }, whole)).items.map((one) => one.instanceId);
  const absent = wanted.find((instanceId) => !present.includes(instanceId)) ?? '';
  throw new RequestError(
    code,
    `There is no instance ${JSON.stringify(absent.slice(0, 64))}: DescribeInstances lists those that there are.`,
  );
}
