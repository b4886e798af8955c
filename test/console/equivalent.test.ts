/** What the console shows as the same call by other means. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { aliyunCommand, sdkCall } from '../../console/src/api/equivalent.ts';

test('a command quotes what a shell would take apart', () => {
  const command = aliyunCommand('CreateSnapshot', { DiskId: 'd-1', Description: "it's $HOME; rm", SnapshotName: '夜' });
  assert.equal(
    command,
    `aliyun ecs CreateSnapshot \\\n  --DiskId d-1 \\\n  --Description 'it'\\''s $HOME; rm' \\\n  --SnapshotName '夜'`,
  );
});

test('a program’s call has lists for numbered parameters, and numbers and booleans as such', () => {
  const call = sdkCall('RunInstances', {
    Amount: '2',
    DryRun: 'true',
    'SystemDisk.Size': '20',
    'Tag.1.Key': 'team',
    'Tag.1.Value': '7',
    InstanceName: 'it\'s a "2"\\',
    'SecurityGroupIds.1': 'sg-1',
  });
  assert.equal(
    call,
    String.raw`await client.runInstances(new RunInstancesRequest({
  amount: 2,
  dryRun: true,
  systemDisk: {
    size: 20,
  },
  tag: [
    {
      key: 'team',
      value: '7',
    },
  ],
  instanceName: 'it\'s a "2"\\',
  securityGroupIds: [
    'sg-1',
  ],
}));`,
  );
});
