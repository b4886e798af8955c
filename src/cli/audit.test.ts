import assert from 'node:assert/strict';
import test from 'node:test';
import { filterOf } from './audit.ts';

test('an age or a time says from when to when', () => {
  const nowMs = Date.parse('2026-11-23T10:00:00Z');
  assert.deepEqual(filterOf({ user: 'eva', since: '5m', until: '2026-11-23T09:59:00Z' }, nowMs), {
    ...{ 'LookupAttribute.1.Key': 'User', 'LookupAttribute.1.Value': 'eva' },
    ...{ StartTime: '2026-11-23T09:55:00Z', EndTime: '2026-11-23T09:59:00Z' },
  });
  assert.throws(() => filterOf({ until: 'soon' }, nowMs), /--until soon is neither an age as 15m/);
});
