import assert from 'node:assert/strict';
import test from 'node:test';
import { UsageError } from './usage-error.ts';
import { termsOf } from './policy.ts';

test('what is asked for in words becomes the parameters of the API', () => {
  assert.deepEqual(
    termsOf({
      at: '2, 14:00',
      days: 'Mon,thursday',
      keepDays: '7',
      keepWeekly: '4',
      copyTo: 'cn-beijing',
      copyKeepDays: 'forever',
    }),
    {
      ...{ timePoints: '["2","14"]', repeatWeekdays: '["1","4"]', retentionDays: '7', 'Keep.Weekly': '4' },
      ...{ EnableCrossRegionCopy: 'true', TargetCopyRegions: '["cn-beijing"]', CopiedSnapshotsRetentionDays: '-1' },
    },
  );
  assert.deepEqual(termsOf({ days: 'daily', copyTo: 'none' }), {
    repeatWeekdays: '["1","2","3","4","5","6","7"]',
    EnableCrossRegionCopy: 'false',
  });
  assert.deepEqual(termsOf({}), {});
});

test('an hour or a day that is none is refused, with what would be one', () => {
  assert.throws(
    () => termsOf({ at: '2,24' }),
    (error) => error instanceof UsageError && /"24" is no hour/.test(error.message),
  );
  assert.throws(
    () => termsOf({ days: 'someday' }),
    (error) => error instanceof UsageError && /mon, tue/.test(error.message),
  );
});
