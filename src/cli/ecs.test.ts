import test from 'node:test';
import assert from 'node:assert/strict';
import { FakeEcs, makeContext } from '../../test/support/fake-ecs.ts';
import { parseParameters, runEcs } from './ecs.ts';

const KEY = { accessKeyId: 'id', accessKeySecret: 'secret' };

test('parameters are written --Name value or --Name=value, whatever the value begins with', () => {
  assert.deepEqual(parseParameters(['--DiskId', 'd-1', '--Tag.1.Key=a=b', '--Description', '--x', '--Empty=']), {
    DiskId: 'd-1',
    'Tag.1.Key': 'a=b',
    Description: '--x',
    Empty: '',
  });
  assert.throws(() => parseParameters(['DiskId']), /"DiskId" is no parameter: write --Name value/);
  assert.throws(() => parseParameters(['--DiskId']), /--DiskId lacks its value/);
});

test('an answer is printed as indented JSON', async () => {
  const ecs = await FakeEcs.start({ DescribeDisks: { Disks: { Disk: [] } } });
  const context = makeContext(KEY);
  const connect = { endpoint: ecs.endpoint, region: 'cn-x' };
  assert.equal(await runEcs({ action: 'DescribeDisks', args: ['--PageSize', '5'], connect }, context), 0);
  await ecs.close();
  assert.equal(context.output.out, '{\n  "Disks": {\n    "Disk": []\n  }\n}\n');
  assert.deepEqual(ecs.calls[0]?.parameters, { PageSize: '5', RegionId: 'cn-x' });
});

test('a refusal is printed on standard error, with exit code 1', async () => {
  const body = { Code: 'IncorrectDiskStatus', Message: 'The disk is in use.', RequestId: 'R-1' };
  const ecs = await FakeEcs.start({ ResetDisk: { refuse: 403, body } });
  const context = makeContext(KEY);
  assert.equal(await runEcs({ action: 'ResetDisk', args: [], connect: { endpoint: ecs.endpoint } }, context), 1);
  await ecs.close();
  assert.equal(context.output.out, '');
  assert.equal(context.output.err, 'Code:      IncorrectDiskStatus\nMessage:   The disk is in use.\nRequestId: R-1\n');
});
