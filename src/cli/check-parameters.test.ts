import test, { type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { checkAction, checkParameters, readFileParameters } from './check-parameters.ts';

async function check(action: string, given: Record<string, string>, formNames: string[] = []) {
  return checkParameters(action, new Map(Object.entries(given)), {
    command: 'hupo',
    formNames,
    findBuiltPatterns: () => Promise.resolve(['DryRun', 'DiskId']),
  });
}

test('parameters get their documented names; what the server takes beside them passes', async () => {
  assert.deepEqual(await check('CreateSnapshot', { diskId: 'd', 'tag.2.key': 'k', DryRun: 'true', RegionId: 'r' }), {
    DiskId: 'd',
    'Tag.2.Key': 'k',
    DryRun: 'true',
    RegionId: 'r',
  });
  await assert.rejects(check('CreateSnapshot', { DiskId: 'd', diskid: 'e' }), /--DiskId is given twice/);
});

const unknown: [action: string, name: string, message: string][] = [
  ['CreateSnapshot', 'NoSuch', "'--NoSuch' is not a valid parameter or flag. See `hupo ecs help CreateSnapshot`."],
  ['CreateSnapshot', 'DiskID2', 'Did you mean:\n  --DiskId'],
  ['CreateSnapshot', 'SnapshotNam', 'Did you mean:\n  --SnapshotName'],
  ['CreateSnapshot', 'Tag.2.Ke', 'Did you mean:\n  --Tag.2.Key'],
  ['CreateSnapshot', 'ouput', 'Did you mean:\n  --output'],
  ['DeleteInstances', 'InstanceId', 'write its parts, as in --InstanceId.1'],
  ['CreateSnapshot', 'Tag', 'write its parts, as in --Tag.1.Key, --Tag.1.Value'],
  ['CreateSnapshot', '', "'--' is not a valid parameter"],
];

test('an unknown parameter is refused, with what is near', async () => {
  for (const [action, name, message] of unknown) {
    await assert.rejects(check(action, { DiskId: 'd', [name]: 'x' }), (error: Error) => {
      assert.ok(error.message.includes(message), `${name}: ${error.message}`);
      return true;
    });
  }
});

test('what must be given is named, also of lists; a region never is', async () => {
  await assert.rejects(
    check('CreateSnapshot', {}),
    /^UsageError: |required parameters not assigned:\n {2}--DiskId {2}String/,
  );
  await assert.rejects(
    check('TagResources', { 'ResourceId.1': 'd-1' }),
    /not assigned:\n {2}--ResourceType {2}String\n {2}--Tag\.1\.Key {2}String\n {2}--Tag\.1\.Value/,
  );
  await assert.rejects(check('StartInstances', {}), /--InstanceId\.1 {2}String/);
  assert.deepEqual(await check('DescribeDisks', {}), {});
  assert.deepEqual(await check('CreateSnapshot', {}, ['DiskId']), {}, 'it may be in the form');
  assert.deepEqual(await check('StartInstances', { 'InstanceId.3': 'i' }), { 'InstanceId.3': 'i' });
});

test('a misspelt action is refused with what is near', () => {
  const messages = (action: string) => {
    try {
      return checkAction(action, 'npx hupo');
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.equal(messages('DescribeDisks'), 'DescribeDisks');
  assert.equal(messages('createsnapshot'), 'CreateSnapshot', 'the case of names does not matter');
  assert.equal(
    messages('DescribeInstanceVncUrl'),
    'DescribeInstanceVncUrl',
    'documented, not built: the server says so',
  );
  assert.match(
    messages('DescribeDisk'),
    /^'DescribeDisk' is not a valid action\. See `npx hupo ecs --help`\.\n\nDid you mean:\n {2}DescribeDisks/,
  );
  assert.match(messages('describe-snapshots'), /Did you mean:\n {2}DescribeSnapshots/);
  assert.match(messages('CreateSnapshots'), /Did you mean:\n {2}CreateSnapshot$/);
  assert.match(
    messages('DescribeInstanceVncUrls'),
    /Did you mean:\n {2}DescribeInstanceVncUrl$/,
    'but where nothing else is near',
  );
  assert.doesNotMatch(messages('Frobnicate'), /Did you mean/);
});

test('--Name-FILE gives the text of a file', (t: TestContext) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-cli-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'text');
  fs.writeFileSync(file, 'from a file\n');
  assert.deepEqual(
    Object.fromEntries(
      readFileParameters(
        new Map([
          ['Description-FILE', file],
          ['A', 'b'],
        ]),
      ),
    ),
    {
      Description: 'from a file\n',
      A: 'b',
    },
  );
  assert.throws(() => readFileParameters(new Map([['X-FILE', '/nonexistent/x']])), /there is no file/);
});
