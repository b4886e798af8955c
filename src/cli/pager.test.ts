import test from 'node:test';
import assert from 'node:assert/strict';
import type { Json } from './answer-json.ts';
import { fetchAllPages, type PagerFields } from './pager.ts';

type Asked = Record<string, string>[];

/** Answers as the API does: `ids` in pages of `size`, by token where `hasTokens`, else by number. */
function api(
  ids: number[],
  size: number,
  hasTokens: boolean,
): { asked: Asked; call: (more: Record<string, string>) => Promise<Json> } {
  const asked: Asked = [];
  const call = (more: Record<string, string>) => {
    asked.push(more);
    const start = Number(more['NextToken'] ?? (Number(more['PageNumber'] ?? 1) - 1) * size);
    const hasMore = start + size < ids.length;
    return Promise.resolve({
      RequestId: 'R',
      Disks: { Disk: ids.slice(start, start + size) },
      TotalCount: ids.length,
      PageNumber: Number(more['PageNumber'] ?? 1),
      PageSize: size,
      NextToken: hasTokens && hasMore ? String(start + size) : '',
    });
  };
  return { asked, call };
}

const ids = Array.from({ length: 23 }, (_, index) => index);

async function fetch(fields: PagerFields, hasTokens: boolean, all = ids): Promise<{ asked: Asked; answer: Json }> {
  const { asked, call } = api(all, 10, hasTokens);
  return { answer: await fetchAllPages(fields, call), asked };
}

test('tokens are followed; the list alone is what comes of it', async () => {
  const { answer, asked } = await fetch({}, true);
  assert.deepEqual(answer, { Disks: { Disk: ids } });
  assert.deepEqual(asked, [{}, { NextToken: '10' }, { NextToken: '20' }]);
});

test('without a token, or when it is switched off, pages are counted', async () => {
  for (const [fields, hasTokens] of [
    [{}, false],
    [{ NextToken: '' }, true],
  ] as const) {
    const { answer, asked } = await fetch(fields, hasTokens);
    assert.deepEqual(answer, { Disks: { Disk: ids } });
    assert.deepEqual(asked, [{}, { PageNumber: '2' }, { PageNumber: '3' }]);
  }
});

test('a single page is one call, an empty list an empty list', async () => {
  for (const hasTokens of [true, false]) {
    assert.deepEqual((await fetch({}, hasTokens, [1, 2])).asked, [{}]);
    assert.deepEqual(await fetch({}, hasTokens, []), { answer: { Disks: { Disk: [] } }, asked: [{}] });
  }
});

test('the path may be named, and keeps its last two parts', async () => {
  const body: Json = { Data: { Page: { Items: { Item: [1] }, Token: '' } } };
  const call = () => Promise.resolve(body);
  assert.deepEqual(await fetchAllPages({ path: 'Data.Page.Items.Item[]' }, call), { Items: { Item: [1] } });
  assert.deepEqual(await fetchAllPages({ path: 'List' }, () => Promise.resolve({ List: [1] })), { List: [1] });
  await assert.rejects(fetchAllPages({ path: 'Data.Page' }, call), /--pager path=Data\.Page gives no list/);
  await assert.rejects(
    fetchAllPages({}, () => Promise.resolve({ RequestId: 'R' })),
    /--pager finds no list/,
  );
});

test('a field with another name is asked for under its last part', async () => {
  const asked: Asked = [];
  const call = (more: Record<string, string>): Promise<Json> => {
    asked.push(more);
    return Promise.resolve({ Page: { Token: more['Token'] === 'b' ? '' : 'b' }, L: { I: [asked.length] } });
  };
  assert.deepEqual(await fetchAllPages({ NextToken: 'Page.Token' }, call), { L: { I: [1, 2] } });
  assert.deepEqual(asked, [{}, { Token: 'b' }]);
});

test('a token that comes again is not followed for ever', async () => {
  const call = () => Promise.resolve({ L: { I: [1] }, NextToken: 'same' });
  await assert.rejects(fetchAllPages({}, call), /gave the token same twice/);
});
