import assert from 'node:assert/strict';
import test from 'node:test';
import { OperationalError } from '../lib/errors.ts';
import { parsePriceLists } from './price-list.ts';

const parse = (value: unknown) => parsePriceLists(JSON.stringify(value), '/etc/prices.json', ['cn-hangzhou', 'far']);
const cheap = { standard: 0.12, archive: 0.03 };

test('a region has its own prices, or the default', () => {
  const dear = { standard: 1, archive: 0 };
  const lists = parse({ currency: 'CNY', regions: { 'cn-hangzhou': dear, elsewhere: cheap }, default: cheap });
  assert.deepEqual(
    [...lists],
    [
      ['cn-hangzhou', { currency: 'CNY', prices: dear }],
      ['far', { currency: 'CNY', prices: cheap }],
    ],
  );
});

test('what is wrong is told with the file, the member and what it should be', () => {
  const cases: [unknown, RegExp][] = [
    [[], /the file must be a JSON object/],
    [{ currency: 'yuan', default: cheap }, /currency must be a code of three capital letters/],
    [{ currency: 'CNY', defaults: cheap }, /defaults is not known/],
    [{ currency: 'CNY', regions: 1 }, /regions must be an object/],
    [{ currency: 'CNY', regions: { 'cn-hangzhou': cheap } }, /regions\.far must be there, or default/],
    [{ currency: 'CNY', default: { standard: 0.12 } }, /default\.archive must be a number from 0/],
    [{ currency: 'CNY', default: { standard: '0.12', archive: 0 } }, /default\.standard must be a number/],
    [{ currency: 'CNY', default: { standard: -1, archive: 0 } }, /default\.standard must be a number/],
    [{ currency: 'CNY', default: cheap, regions: { far: { ...cheap, flash: 1 } } }, /regions\.far\.flash is not known/],
  ];
  for (const [value, message] of cases) {
    assert.throws(
      () => parse(value),
      (error) =>
        error instanceof OperationalError &&
        message.test(error.message) &&
        error.message.includes('/etc/prices.json') &&
        error.message.includes('"default"'),
      String(message),
    );
  }
  assert.throws(() => parsePriceLists('{', 'p.json', []), /--prices p\.json: the file must be a JSON object/);
});
