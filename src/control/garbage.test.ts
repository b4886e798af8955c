/** The garbage mark: what is raised while a collection runs is not lowered by its end. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { World } from '../../test/control/world.ts';
import { findGarbageMark, lowerGarbageMark, raiseGarbageMark } from './garbage.ts';

test('a mark that was raised again meanwhile is not lowered, whatever raised it', async (t) => {
  const world = await World.create();
  t.after(() => world.end());
  await world.control.stop(); // so that the collector lowers nothing
  const { queries } = world.catalog;
  await raiseGarbageMark(queries);
  const seen = await findGarbageMark(queries);
  assert.ok(seen);
  await raiseGarbageMark(queries);
  await lowerGarbageMark(queries, seen);
  const left = await findGarbageMark(queries);
  assert.ok(left);
  assert.notEqual(left, seen);
  await lowerGarbageMark(queries, left);
  assert.equal(await findGarbageMark(queries), undefined);
});
