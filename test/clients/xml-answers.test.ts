/** The answers of actions in XML say what they say in JSON: same members, same order, lists in their wrappers. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { XMLParser } from 'fast-xml-parser';
import type { Pair } from '../../src/api/percent.ts';
import { call, commonPairs, encodePairs, openApi, signPairs, type ApiFixture } from './api-fixture.ts';

interface XmlNode {
  [name: string]: XmlNode[] | string;
}

const parser = new XMLParser({ preserveOrder: true, parseTagValue: false, trimValues: false, ignoreDeclaration: true });

async function callXml(api: ApiFixture, action: string, changes: Record<string, string | null> = {}, headers = {}) {
  const all = new Map<string, string | null>([...commonPairs(action), ['Format', 'XML'], ...Object.entries(changes)]);
  const pairs = [...all].filter((pair): pair is [string, string] => pair[1] !== null) satisfies Pair[];
  const target = `/?${encodePairs(signPairs('GET', pairs))}`;
  const response = await fetch(`http://${api.endpoint}${target}`, { headers });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

/** JSON as the list of elements that it should be. */
function elementsOf(value: object): XmlNode[] {
  return Object.entries(value).flatMap(([name, member]) =>
    (Array.isArray(member) ? member : [member]).map((item) => element(name, item)),
  );
}

function element(name: string, value: unknown): XmlNode {
  if (typeof value === 'object' && value !== null) return { [name]: elementsOf(value) };
  const text = String(value);
  return { [name]: text === '' ? [] : [{ '#text': text }] };
}

/** What differs between any two calls. */
function timeless(body: Record<string, unknown>): Record<string, unknown> {
  return { ...body, RequestId: 'R' };
}

test('each list reads the same in XML and in JSON, full and empty', async () => {
  await using api = await openApi();
  const disk = { ZoneId: 'cn-hangzhou-a', DiskCategory: 'cloud_essd', Size: '20' };
  await call(api, 'CreateDisk', { ...disk, Description: `<a> & "b" 'c' 测`, 'Tag.1.Key': 'k' });
  await call(api, 'CreateDisk', disk);
  for (const action of [
    'DescribeRegions',
    'DescribeZones',
    'DescribeInstanceTypes',
    'DescribeImages',
    'DescribeDisks',
    'DescribeInstances',
    'DescribeSnapshots',
  ]) {
    const json = (await call(api, action)).body;
    const xml = await callXml(api, action);
    assert.deepEqual([action, xml.status, xml.type], [action, 200, 'text/xml;charset=utf-8']);
    const [root] = parser.parse(xml.text.replace(/<RequestId>[^<]*/, '<RequestId>R')) as XmlNode[];
    assert.deepEqual(root, { [`${action}Response`]: elementsOf(timeless(json)) });
  }
  assert.match((await callXml(api, 'DescribeSnapshots')).text, /<Snapshots\/>/);
});

test('an Accept header that wants XML first counts where Format is absent', async () => {
  await using api = await openApi();
  const cases: [format: string | null, accept: string, type: string][] = [
    [null, 'application/xml', 'text/xml;charset=utf-8'],
    [null, 'text/xml;q=0.9, application/json', 'text/xml;charset=utf-8'],
    [null, 'application/json, text/xml', 'application/json;charset=utf-8'],
    [null, 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'application/json;charset=utf-8'],
    [null, '*/*', 'application/json;charset=utf-8'],
    ['', 'application/xml', 'text/xml;charset=utf-8'],
    ['json', 'application/xml', 'application/json;charset=utf-8'],
    ['xMl', 'application/json', 'text/xml;charset=utf-8'],
  ];
  for (const [format, accept, type] of cases) {
    const answer = await callXml(api, 'DescribeRegions', { Format: format }, { accept });
    assert.deepEqual([format, accept, answer.status, answer.type], [format, accept, 200, type]);
  }
});

test('an error of an action is an Error element with the members that libcloud reads', async () => {
  await using api = await openApi();
  const { status, text } = await callXml(api, 'DescribeDisks', { DiskIds: '<>' });
  assert.equal(status, 403);
  const parsed = new XMLParser({ ignoreDeclaration: true }).parse(text) as { Error: Record<string, string> };
  assert.equal(parsed.Error['Code'], 'InvalidDiskIds.Malformed');
  assert.match(parsed.Error['Message'] ?? '', /"DiskIds".*"<>"/);
  assert.equal(parsed.Error['HostId'], api.endpoint);
  assert.match(parsed.Error['RequestId'] ?? '', /^[0-9A-F-]{36}$/);
});
