/** Tests of the ids of resource groups. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { DEFAULT_RESOURCE_GROUP_ID, findResourceGroupProblem } from './resource-groups.ts';

test('an id is rg- with small letters and digits', () => {
  for (const good of [DEFAULT_RESOURCE_GROUP_ID, 'rg-acfmxazb4ph6aiy', 'rg-1', `rg-${'x'.repeat(61)}`]) {
    assert.equal(findResourceGroupProblem(good), null, good);
  }
  for (const bad of ['rg-', 'team', 'RG-1', 'rg-A', 'rg-a b', 'rg-a\n', `rg-${'x'.repeat(62)}`]) {
    assert.notEqual(findResourceGroupProblem(bad), null, bad);
  }
});
