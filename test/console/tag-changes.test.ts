/** Tags of several resources in one form: only what was touched is asked for. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { listPresentTags, planTagChanges } from '../../console/src/forms/tag-changes.ts';
import type { TagRow } from '../../console/src/forms/tag-changes.ts';

const one = [
  { TagKey: 'team', TagValue: 'storage' },
  { TagKey: 'stage', TagValue: 'test' },
];
const other = [{ TagKey: 'team', TagValue: 'web' }];

function rowsOf(present: ReturnType<typeof listPresentTags>): TagRow[] {
  return present.map((was, id) => ({ id, key: was.key, value: was.value ?? '', was }));
}

test('a form that was not touched asks for nothing, whatever only some have', () => {
  const someTags = fc.array(
    fc
      .dictionary(fc.constantFrom('a', 'b', '<img src=x>'), fc.constantFrom('', '1', '2'))
      .map((tags) => Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue }))),
  );
  fc.assert(
    fc.property(someTags, (resources) => {
      const present = listPresentTags(resources);
      assert.deepEqual(planTagChanges(present, rowsOf(present)), { put: [], removed: [] });
      assert.deepEqual(
        planTagChanges(present, []).removed,
        present.map(({ key }) => key),
      );
    }),
  );
});

test('values that differ are told, a change is put on all, and what is gone from the form is removed', () => {
  const present = listPresentTags([one, other]);
  assert.deepEqual(present, [
    { key: 'team', value: null, count: 2 },
    { key: 'stage', value: 'test', count: 1 },
  ]);
  const [team, stage] = rowsOf(present);
  assert.ok(team && stage);
  assert.deepEqual(
    planTagChanges(present, [
      { ...team, value: 'all' },
      { id: 9, key: 'new', value: '', was: null },
    ]),
    {
      put: [
        { key: 'team', value: 'all' },
        { key: 'new', value: '' },
      ],
      removed: ['stage'],
    },
  );
  const addedAgain = { id: 9, key: 'stage', value: 'test', was: null };
  assert.deepEqual(planTagChanges(present, [team, stage, addedAgain]).put, [{ key: 'stage', value: 'test' }]);
  assert.deepEqual(planTagChanges(present, [team, addedAgain]), {
    put: [{ key: 'stage', value: 'test' }],
    removed: [],
  });
});
