import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { createWorld } from '../../test/control/world.ts';
import { refuse } from './metrics-page.ts';
import { formatMetrics, metrics } from './metrics.ts';
import { measureRegion } from './region-metrics.ts';
import { RequestMeter } from './request-meter.ts';

const docs = path.join(import.meta.dirname, '..', '..', 'docs', 'operations.md');

/** What a Prometheus server reads of a line, by the exposition format's own rules. */
function parseLine(line: string): { name: string; labels: Record<string, string>; value: number } {
  const [, name = '', , pairs = '', value = ''] = /^([a-z_]+)(\{(.*)\})? (\S+)$/s.exec(line) ?? [];
  const labels: Record<string, string> = {};
  const unescape = (text: string) => text.replaceAll(/\\(.)/g, (_all, sign: string) => (sign === 'n' ? '\n' : sign));
  for (const [, label = '', text = ''] of pairs.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g))
    labels[label] = unescape(text);
  return { name, labels, value: value === '+Inf' ? Infinity : Number(value) };
}

test('whatever a label holds is read back as it was', () => {
  fc.assert(
    fc.property(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), (disk, value) => {
      const lines = formatMetrics([{ name: 'hupo_disk_reads_total', labels: { disk }, value }]).split('\n');
      assert.equal(lines.length, 4);
      assert.deepEqual(parseLine(lines[2] ?? ''), {
        name: 'hupo_disk_reads_total',
        labels: { disk },
        value: value + 0,
      });
    }),
  );
});

test('requests are counted by action and code, and a histogram has every one in its last bucket', () => {
  const meter = new RequestMeter();
  const durations = [0.0001, 0.004, 0.004, 0.3, 100];
  for (const seconds of durations) meter.observe('DescribeDisks', 'OK', seconds);
  meter.observe(null, 'InvalidAction.NotFound', 1);
  const lines = formatMetrics(meter.samples())
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseLine);
  const valueOf = (name: string, labels: object) =>
    lines.find(
      (line) => line.name === name && Object.entries(labels).every(([key, value]) => line.labels[key] === value),
    )?.value;
  assert.equal(valueOf('hupo_api_requests_total', { action: 'DescribeDisks', code: 'OK' }), 5);
  assert.equal(valueOf('hupo_api_requests_total', { action: '', code: 'InvalidAction.NotFound' }), 1);
  const bucket = (le: string) => valueOf('hupo_api_request_duration_seconds_bucket', { action: 'DescribeDisks', le });
  assert.deepEqual([bucket('0.001'), bucket('0.005'), bucket('0.5'), bucket('30'), bucket('+Inf')], [1, 3, 4, 4, 5]);
  assert.equal(valueOf('hupo_api_request_duration_seconds_count', { action: 'DescribeDisks' }), 5);
});

test('only this machine reads the metrics, unless they are public or a token is known', () => {
  const from = (remoteAddress: string, headers: Record<string, string> = {}) => ({
    headers,
    socket: { remoteAddress },
  });
  const status = (access: Parameters<typeof refuse>[0], message: Parameters<typeof refuse>[1]) =>
    refuse(access, message)?.status;
  const loopback = { open: 'loopback', token: null } as const;
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
    assert.equal(status(loopback, from(address)), undefined);
  assert.equal(status(loopback, from('10.0.0.1')), 403);
  assert.equal(
    status(loopback, from('127.0.0.1', { 'x-forwarded-for': '10.0.0.1' })),
    403,
    'a proxy speaks for another',
  );
  assert.equal(status({ open: 'public', token: null }, from('10.0.0.1')), undefined);
  assert.equal(status({ open: 'off', token: null }, from('127.0.0.1')), 404);
  const secret = { open: 'loopback', token: 's3cret' } as const;
  assert.equal(status(secret, from('10.0.0.1', { authorization: 'Bearer s3cret' })), undefined);
  for (const authorization of ['', 'Bearer s3cre', 'Bearer s3cret2', 's3cret']) {
    assert.equal(status(secret, from('127.0.0.1', { authorization })), 401);
  }
});

test('a region tells what it has, and that its data plane is away', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  await world.takeSnapshot(diskId);
  await world.settle();
  const region = {
    ...{ regionId: 'cn-hangzhou', catalog: world.catalog, spaceLimits: { reserveBytes: null, highWaterBytes: null } },
    dataPlane: { call: async () => Promise.reject(new Error('away')) },
    failureCounts: () => world.control.failureCounts,
    listWebhooks: () => world.control.events.webhooks.list(),
    repository: async () => ({ packCount: 2, packBytes: 3, condemnedBytes: 1, badCopyCount: 0, lastPassMs: 0 }),
    catalogCopyAtMs: () => 5000,
    folders: { catalog: world.folder },
  };
  const samples = await measureRegion(region, true);
  const find = (name: string, labels: object = {}) =>
    samples.find(
      (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels?.[key] === value),
    )?.value;
  assert.equal(find('hupo_snapshots', { status: 'accomplished', region: 'cn-hangzhou' }), 1);
  assert.equal(find('hupo_disks', { status: 'In_use' }), 2);
  assert.equal(find('hupo_data_plane_up'), 0);
  assert.equal(find('hupo_repository_garbage_bytes'), 1);
  assert.equal(find('hupo_verification_last_pass_timestamp_seconds'), undefined);
  assert.equal(find('hupo_catalog_copy_timestamp_seconds'), 5);
  assert.ok((find('hupo_filesystem_free_bytes', { folder: 'catalog' }) ?? 0) > 0);
});

test('docs/operations.md lists every metric with its help, and no other', () => {
  const rows = [...fs.readFileSync(docs, 'utf8').matchAll(/^\| `(hupo_\w+)` +\| (\w+) +\| (.*?) +\|$/gm)].map((row) =>
    row.slice(1),
  );
  assert.deepEqual(
    rows,
    Object.entries(metrics).map(([name, { type, help }]) => [name, type, help]),
  );
  for (const [name, { type }] of Object.entries(metrics)) {
    assert.equal(name.endsWith('_total'), type === 'counter', name);
  }
});

test('every metric that an alert asks for is one', () => {
  const rules = fs.readFileSync(path.join(import.meta.dirname, '..', '..', 'deploy', 'prometheus-rules.yml'), 'utf8');
  const named = new Set([...rules.matchAll(/\bhupo_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, '')));
  assert.ok(named.size > 5);
  for (const name of named) assert.ok(Object.hasOwn(metrics, name), name);
});
