import test from 'node:test';
import assert from 'node:assert/strict';
import { FakeEcs } from '../../test/support/fake-ecs.ts';
import { EcsClient, EcsError, signRequest } from './ecs-client.ts';

const KEY = { accessKeyId: 'testid', accessKeySecret: 'testsecret' };

test('a request is signed as the recorded vector says', () => {
  const request = signRequest(KEY, {
    action: 'CreateSnapshot',
    parameters: { SnapshotName: 'a b+c', DiskId: 'd-bp1 *~测', 'Tag.1.Value': '', 'Tag.1.Key': 'k' },
    host: 'ecs.example.internal:8080',
    date: '2026-01-02T03:04:05Z',
    nonce: '0123456789abcdef0123456789abcdef',
  });
  assert.equal(request.path, '/?DiskId=d-bp1%20%2A~%E6%B5%8B&SnapshotName=a%20b%2Bc&Tag.1.Key=k&Tag.1.Value=');
  assert.equal(
    request.headers['authorization'],
    'ACS3-HMAC-SHA256 Credential=testid,' +
      'SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,' +
      'Signature=a0f0036e5fdec7b94c6cd9bc2d33b84c3f861c62e5f5b53c85f99846ab07501d',
  );
});

test('long parameters travel in a form, short ones in the query', async () => {
  const ecs = await FakeEcs.start({ Echo: { RequestId: 'R' } });
  const client = new EcsClient({ endpoint: ecs.endpoint, ...KEY, region: 'cn-test' });
  await client.call('Echo', { Text: 'ü '.repeat(3000) });
  await client.call('Echo', { Text: 'short', RegionId: 'other' });
  await ecs.close();
  const [long, short] = ecs.calls;
  assert.equal(long?.headers['content-type'], 'application/x-www-form-urlencoded');
  assert.deepEqual(long?.parameters, { RegionId: 'cn-test', Text: 'ü '.repeat(3000) });
  assert.equal(short?.headers['content-type'], undefined);
  assert.deepEqual(short?.parameters, { RegionId: 'other', Text: 'short' });
  assert.notEqual(long?.headers['x-acs-signature-nonce'], short?.headers['x-acs-signature-nonce']);
});

test('a refusal carries code, message, request id and status', async () => {
  const body = { Code: 'InvalidDiskId.NotFound', Message: 'no such disk', RequestId: 'R-1', Recommend: 'https://x' };
  const ecs = await FakeEcs.start({ DeleteDisk: { refuse: 404, body } });
  const client = new EcsClient({ endpoint: ecs.endpoint, ...KEY });
  await assert.rejects(client.call('DeleteDisk'), (error) => {
    assert.ok(error instanceof EcsError);
    const { code, message, requestId, status, recommend } = error;
    assert.deepEqual([code, message, requestId, status, recommend], [body.Code, body.Message, 'R-1', 404, 'https://x']);
    return true;
  });
  await ecs.close();
});

test('whoever answers with something else, or not at all, is named with what to do', async () => {
  const ecs = await FakeEcs.start({ Echo: '<html>' });
  const { endpoint } = ecs;
  const client = new EcsClient({ endpoint, ...KEY, startHint: 'start one with: hupo serve' });
  await assert.rejects(client.call('Echo'), /but not with the JSON of an ECS API/);
  await ecs.close();
  await assert.rejects(client.call('Echo'), /no Hupo server answers at http.*; start one with: hupo serve$/);
});
