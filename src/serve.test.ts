import assert from 'node:assert/strict';
import test from 'node:test';
import { readEnvironment } from './config.ts';
import { OperationalError } from './lib/errors.ts';
import type { DataFolder } from './control/data-folder.ts';
import { formatBanner, formatFarewell, parseAddress, readPriceLists } from './serve.ts';

test('an address is HOST:PORT, also with an IPv6 host', () => {
  assert.deepEqual(parseAddress('127.0.0.1:7400'), { host: '127.0.0.1', port: 7400 });
  assert.deepEqual(parseAddress('localhost:0'), { host: 'localhost', port: 0 });
  assert.deepEqual(parseAddress('[::1]:80'), { host: '::1', port: 80 });
});

test('anything else is refused with the form that is expected', () => {
  for (const text of ['', '7400', ':7400', '127.0.0.1', '127.0.0.1:', '127.0.0.1:70000', '::1:80', 'a:b:1']) {
    assert.throws(() => parseAddress(text), OperationalError, text);
  }
});

const options = { data: 'x', listen: '0.0.0.0:7400', region: 'cn-hangzhou' };
const context = { environment: { ...readEnvironment(), command: 'npx hupo' } };
const running = {
  folder: { root: '/data', keysFolder: '/data/keys' } as DataFolder,
  endpoint: '127.0.0.1:7400',
  key: { accessKeyId: 'LTAIx', accessKeySecret: 's', isNew: false, isStored: true },
  caFile: null,
  isExposed: false,
};

test('the banner of a plain server shows http, and warns only where other machines reach it', () => {
  const banner = formatBanner(running, options, context);
  assert.match(banner, / http:\/\/127\.0\.0\.1:7400 /);
  assert.match(banner, /npx hupo ecs DescribeDisks --data \/data$/m);
  assert.match(banner, /aliyun .*--endpoint 127\.0\.0\.1:7400 --insecure/);
  assert.doesNotMatch(banner, /WARNING|ca\.pem/);
  assert.match(formatBanner({ ...running, isExposed: true }, options, context), /WARNING .*0\.0\.0\.0:7400.*--tls/s);
});

test('the banner names every region that is served, with its folder', () => {
  const banner = formatBanner(running, { ...options, data: '/data', addRegion: ['cn-beijing', 'x1=/mnt/x'] }, context);
  assert.match(banner, /region cn-beijing, in \/data\/regions\/cn-beijing$/m);
  assert.match(banner, /region x1, in \/mnt\/x$/m);
  assert.throws(() => formatBanner(running, { ...options, addRegion: ['=x'] }, context), OperationalError);
});

test('the banner of a TLS server shows https and how each kind of client trusts its CA', () => {
  const banner = formatBanner({ ...running, caFile: '/data/tls/ca.pem', isExposed: true }, options, context);
  assert.match(banner, / https:\/\/127\.0\.0\.1:7400 /);
  for (const way of ['SSL_CERT_FILE=', 'NODE_EXTRA_CA_CERTS=', "verify='", '--cacert ']) {
    assert.ok(banner.includes(`${way}/data/tls/ca.pem`), way);
  }
  assert.match(banner, /^ {2}export .* SSL_CERT_FILE=\/data\/tls\/ca\.pem$/m);
  assert.match(banner, /^ {2}aliyun ecs DescribeDisks --endpoint 127\.0\.0\.1:7400 --region cn-hangzhou$/m);
  assert.doesNotMatch(banner, /WARNING|insecure|http:/);
});

test('the farewell says how many disks and connections the data plane goes on for', () => {
  const farewell = (clientCount: number, usedDiskCount: number | null) =>
    formatFarewell([{ root: '/data', clientCount, usedDiskCount, dataPlaneStays: true }], context);
  assert.match(farewell(4, 1), /goes on, for 1 disk that is in use \(4 connections\):\n`npx hupo stop --data \/data`/);
  assert.match(farewell(1, 1), /\(1 connection\)/);
  assert.match(farewell(5, 2), /for 2 disks that are in use \(5 connections\)/);
  assert.match(farewell(5, null), /for 5 connections to its disks/);
  const ended = { root: '/data', clientCount: 0, usedDiskCount: null, dataPlaneStays: false };
  assert.equal(formatFarewell([ended, ended], context), 'Hupo has ended.\n');
  const staying = { root: '/other', clientCount: 1, usedDiskCount: 1, dataPlaneStays: true };
  assert.match(formatFarewell([ended, staying], context), /`npx hupo stop --data \/other`/);
});

test('a file of prices that cannot be read is named; without one no region has prices', () => {
  assert.equal(readPriceLists(undefined, ['cn-hangzhou']).size, 0);
  assert.throws(
    () => readPriceLists('/nowhere/prices.json', ['cn-hangzhou']),
    (error) =>
      error instanceof OperationalError && /--prices \/nowhere\/prices\.json cannot be read/.test(error.message),
  );
});
