import assert from 'node:assert/strict';
import test from 'node:test';
import { formatCsv, parametersOf } from './cost.ts';
import { UsageError } from './usage-error.ts';

test('what is asked for in words becomes the parameters of the API', () => {
  assert.deepEqual(parametersOf({ by: 'disk', per: 'month' }), { Period: 'Month', GroupBy: 'Disk' });
  assert.deepEqual(
    parametersOf({ by: 'tag:team:a', per: 'hour', from: '2026-11-01', to: '2026-11-02T03:00:00Z', disk: 'd-1' }),
    {
      ...{ Period: 'Hour', GroupBy: 'Tag', TagKey: 'team:a', DiskId: 'd-1' },
      ...{ StartTime: '2026-10-31T16:00:00Z', EndTime: '2026-11-02T03:00:00Z' },
    },
  );
  assert.deepEqual(parametersOf({ by: 'none', per: 'day' }), { Period: 'Day', GroupBy: 'None' });
});

test('what cannot be asked for is refused, with what can', () => {
  const refused: [Parameters<typeof parametersOf>[0], RegExp][] = [
    [{ by: 'tag:', per: 'month' }, /--by tag:: give disk, tag:KEY or none/],
    [{ by: 'disk', per: 'year' }, /--per year: give month, day or hour/],
    [{ by: 'disk', per: 'day', from: '2026-02-30' }, /--from 2026-02-30: give a day as 2026-11-01/],
    [{ by: 'disk', per: 'day', to: 'yesterday' }, /--to yesterday/],
  ];
  for (const [asked, message] of refused) {
    assert.throws(
      () => parametersOf(asked),
      (error) => error instanceof UsageError && message.test(error.message),
      String(message),
    );
  }
});

test('CSV quotes what has commas, quotes or line breaks in it', () => {
  const row = { Period: '2026-11', Category: 'standard', GiBHours: 1.5, Cost: '0.00025' };
  const values = ['a,b', 'say "x"', 'two\nlines', 'plain', ''];
  const answer = {
    ...{ NextToken: '', EndTime: '', Currency: 'CNY', TotalCost: '0.00125', TotalGiBHours: 7.5 },
    Costs: { Cost: values.map((TagValue) => ({ ...row, TagValue })) },
  };
  assert.equal(
    formatCsv(answer, 'tag:"team"'),
    [
      'period,"""team""",category,gib_hours,currency,cost',
      '2026-11,"a,b",standard,1.5,CNY,0.00025',
      '2026-11,"say ""x""",standard,1.5,CNY,0.00025',
      '2026-11,"two\nlines",standard,1.5,CNY,0.00025',
      '2026-11,plain,standard,1.5,CNY,0.00025',
      '2026-11,,standard,1.5,CNY,0.00025',
      '',
    ].join('\r\n'),
  );
});
