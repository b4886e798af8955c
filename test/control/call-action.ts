/** Runs an action on a world as the server does once a request is verified: by name, from its parameters. */
import assert from 'node:assert/strict';
import { findAction } from '../../src/api/action-list.ts';
import { ParameterSet } from '../../src/api/parameter-set.ts';
import { ApiRegions } from '../../src/api/regions.ts';
import { listTags } from '../../src/catalog/tags.ts';
import type { World } from './world.ts';

const region = { regionId: 'cn-hangzhou', zoneIds: ['cn-hangzhou-a', 'cn-hangzhou-b'], endpoint: '127.0.0.1:1' };
const nowhere = { target: '/', headers: {} };

// Answers are looked into by hand in tests.
export type Answer = Record<string, unknown>;

export async function callAction(world: World, name: string, parameters: Record<string, string> = {}): Promise<Answer> {
  const action = findAction(name);
  assert.ok(action, name);
  const set = new ParameterSet(Object.entries(parameters));
  const readTags = (ids: string[]) => listTags(world.catalog.queries, ids);
  const regions = new ApiRegions([{ control: world.control, region, readTags }]);
  const served = regions.find({ ...nowhere, parameters: set }, action.regional);
  return (await action.run(set, { ...served, regions: regions.regions, caller: null })) as Answer;
}

/** The items of a wrapped list: `Instances.Instance`. */
export function itemsOf(answer: Answer, wrapper: string, item: string): Answer[] {
  return (answer[wrapper] as Record<string, Answer[]>)[item] ?? [];
}
