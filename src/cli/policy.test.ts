import assert from 'node:assert/strict';
import test from 'node:test';
import { UsageError } from './usage-error.ts';
import { keepUnnamed, termsOf } from './policy-terms.ts';

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

test('ranges of hours and days may go over their end', () => {
  const hours = (at: string) => JSON.parse(termsOf({ at })['timePoints'] ?? '') as string[];
  assert.deepEqual(
    hours('0-23'),
    Array.from({ length: 24 }, (_, hour) => String(hour)),
  );
  assert.deepEqual(hours('8-10, 9:00,22-1'), ['8', '9', '10', '22', '23', '0', '1']);
  assert.equal(termsOf({ days: 'mon-fri' })['repeatWeekdays'], '["1","2","3","4","5"]');
  for (const at of ['8-24', '8-', '-8', '1-2-3', 'x']) assert.throws(() => hours(at), /is no hour from 0 to 23/, at);
  assert.throws(() => termsOf({ days: 'mon-foo' }), /several as mon,thu or mon-fri/);
});

test('rules that are not named stay, and none is sent where none is named', () => {
  const rules = { Last: 0, Hourly: 0, Daily: 7, Weekly: 4, Monthly: 12, Yearly: 0 };
  assert.deepEqual(keepUnnamed(termsOf({ keepWeekly: '8' }), rules), {
    ...{ 'Keep.Last': '0', 'Keep.Hourly': '0', 'Keep.Daily': '7', 'Keep.Weekly': '8', 'Keep.Monthly': '12' },
    'Keep.Yearly': '0',
  });
  assert.deepEqual(keepUnnamed({ timePoints: '["2"]' }, rules), { timePoints: '["2"]' });
});
