import assert from 'node:assert/strict';
import test from 'node:test';
import { call, openApi } from '../../test/clients/api-fixture.ts';
import { putMark } from '../catalog/usage.ts';
import { HOUR_MS, hourOf } from '../ecs/billing.ts';

const GIB = 1024 ** 3;
const action = 'HupoDescribeSnapshotCost';

test('costs are told page by page, with totals of all; sizes also without prices', async () => {
  await using api = await openApi();
  const { world } = api;
  const hour = hourOf(world.clock.nowMs()) - 30;
  await putMark(world.catalog.queries, { diskId: 'd-1', category: 'standard', hour, sizeBytes: 50 * GIB });
  const asked = {
    Period: 'Hour',
    StartTime: `${new Date(hour * HOUR_MS).toISOString().slice(0, 19)}Z`,
    MaxResults: '20',
  };
  const free = (await call(api, action, asked)).body;
  assert.deepEqual([free['Currency'], free['TotalCost'], free['TotalGiBHours']], ['', '', 1500]);
  world.priceList = { currency: 'CNY', prices: { standard: 0.12, archive: 0.03 } };
  await world.restart();
  const first = (await call(api, action, asked)).body;
  const { NextToken, EndTime } = first as { NextToken: string; EndTime: string };
  const second = (await call(api, action, { ...asked, NextToken, EndTime })).body;
  const rowsOf = (body: Record<string, unknown>) => (body['Costs'] as { Cost: Record<string, unknown>[] }).Cost;
  assert.deepEqual([rowsOf(first).length, rowsOf(second).length, second['NextToken']], [20, 10, '']);
  // The mark's chain has no snapshot: the hour that the server looked in is not over.
  const { Category, Cost, DiskId, GiBHours } = rowsOf(second).at(-1) ?? {};
  assert.deepEqual([Category, Cost, DiskId, GiBHours], ['standard', '0.00833', 'd-1', 50]);
  assert.deepEqual([first['TotalCost'], first['TotalCount'], first['Currency']], ['0.24990', 30, 'CNY']);
});

test('what cannot be asked for is refused', async () => {
  await using api = await openApi();
  const refused: [Record<string, string>, RegExp][] = [
    [{ GroupBy: 'Tag' }, /"TagKey" must be given/],
    [{ Period: 'Hour', StartTime: '2020-01-01T00:00:00Z', EndTime: '2021-02-01T00:00:00Z' }, /at most 366 days/],
    [{ StartTime: '2021-01-01T00:00:00Z', EndTime: '2020-02-01T00:00:00Z' }, /it is after EndTime/],
    [{ NextToken: 'x' }, /take it from the answer before/],
    [{ StartTime: 'today' }, /yyyy-MM-ddTHH:mm:ssZ/],
  ];
  for (const [parameters, message] of refused) {
    const { status, body } = await call(api, action, parameters);
    assert.equal(status, 400);
    assert.match(String(body['Message']), message);
  }
});
