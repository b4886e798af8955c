/** What a chart, a table and a file have of costs. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { feeText, formatCsv, gibHoursText, listPeriods, planSpan, sumUp } from '../../console/src/pages/usage-plan.ts';
import type { Cost } from '../../console/src/api/shapes-observe.ts';

/** Already the 24th in UTC+8. */
const NOW_MS = Date.parse('2026-11-23T16:30:00Z');

test('days are those of UTC+8; what is no day gives the last thirty', () => {
  const span = planSpan('', 'yesterday', NOW_MS);
  assert.deepEqual(span, {
    from: '2026-10-26',
    to: '2026-11-24',
    StartTime: '2026-10-25T16:00:00Z',
    EndTime: '2026-11-24T16:00:00Z',
    Period: 'Day',
  });
  assert.equal(listPeriods(span, NOW_MS).length, 30);
  assert.equal(planSpan('2026-02-30', '2026-03-05', NOW_MS).from, '2026-02-04');
});

test('a longer time is told by the month, and no time goes beyond today', () => {
  const span = planSpan('2026-01-15', '2027-03-01', NOW_MS);
  assert.equal(span.Period, 'Month');
  const months = listPeriods(span, NOW_MS);
  assert.deepEqual([months[0], months.at(-1), months.length], ['2026-01', '2026-11', 11]);
});

const costs: Cost[] = [
  { Period: '2026-11-23', DiskId: 'd-1', Category: 'standard', GiBHours: 1.5, Cost: '0.10001' },
  { Period: '2026-11-23', DiskId: 'd-2', Category: 'archive', GiBHours: 4, Cost: '0.00002' },
  { Period: '2026-11-24', DiskId: 'd-1', Category: 'archive', GiBHours: 1, Cost: '' },
];

test('what each one took is summed up to the last digit, the most first', () => {
  const rows = sumUp(costs, ({ DiskId = '' }) => DiskId);
  assert.deepEqual(
    rows.map(({ subject, standard, archive, fee }) => [subject, standard, archive, feeText(fee)]),
    [
      ['d-2', 0, 4, '0.00002'],
      ['d-1', 1.5, 1, '0.10001'],
    ],
  );
  assert.deepEqual([0, 0.0001, 0.12345, 12.3456, 12345.6].map(gibHoursText), [
    '0',
    '< 0.001',
    '0.1235',
    '12.35',
    '12346',
  ]);
});

test('a file has no column of costs without prices, and nothing that a spreadsheet runs', () => {
  const tagged = [
    { Period: '2026-11-23', TagValue: '=cmd|"x"', Category: 'standard' as const, GiBHours: 1, Cost: '' },
    { Period: '2026-11-23', TagValue: '团队,一', Category: 'standard' as const, GiBHours: 0.5, Cost: '' },
  ];
  assert.equal(
    formatCsv(tagged, '@team', ''),
    '\uFEFFperiod,\'@team,category,gib_hours\r\n2026-11-23,"\'=cmd|""x""",standard,1\r\n2026-11-23,"团队,一",standard,0.5\r\n',
  );
  assert.match(
    formatCsv(costs, null, 'CNY'),
    /^\uFEFFperiod,category,gib_hours,currency,cost\r\n2026-11-23,standard,1.5,CNY,0.10001\r\n/,
  );
});
