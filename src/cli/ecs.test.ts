import test, { type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { FakeEcs, makeContext, type FakeAnswer } from '../../test/support/fake-ecs.ts';
import { runEcs } from './ecs.ts';

const KEY = { accessKeyId: 'id', accessKeySecret: 'secret' };
const main = path.join(import.meta.dirname, '..', 'main.ts');

interface Outcome {
  status: number;
  out: string;
  err: string;
  /** What the server was asked. */
  asked: Record<string, string>[];
}

async function run(answers: Record<string, FakeAnswer | (() => FakeAnswer)>, ...line: string[]): Promise<Outcome> {
  const ecs = await FakeEcs.start(answers);
  const context = makeContext({ ...KEY, endpoint: ecs.endpoint });
  try {
    const status = await runEcs(line, context);
    return { status, ...context.output, asked: ecs.calls.map(({ parameters }) => parameters) };
  } finally {
    await ecs.close();
  }
}

const disks = { RequestId: 'R', Disks: { Disk: [{ Size: 20, DiskId: 'd-1' }] }, TotalCount: 1, NextToken: '' };

test('an answer is printed sorted and indented with tabs', async () => {
  const { status, out, asked } = await run(
    { DescribeDisks: disks },
    'DescribeDisks',
    '--region',
    'r',
    '--pagesize',
    '5',
  );
  assert.equal(status, 0);
  assert.equal(
    out,
    '{\n\t"Disks": {\n\t\t"Disk": [\n\t\t\t{\n\t\t\t\t"DiskId": "d-1",\n\t\t\t\t"Size": 20\n\t\t\t}\n\t\t]\n\t},\n' +
      '\t"NextToken": "",\n\t"RequestId": "R",\n\t"TotalCount": 1\n}\n',
  );
  assert.deepEqual(asked, [{ PageSize: '5', RegionId: 'r' }]);
});

test('a table ends with a blank line, a query prints what it finds, quiet prints nothing', async () => {
  const table = await run(
    { DescribeDisks: disks },
    'DescribeDisks',
    '--output',
    'cols=DiskId,Size',
    'rows=Disks.Disk[]',
  );
  assert.equal(table.out, 'DiskId | Size\n------ | ----\nd-1    | 20\n\n');
  const query = await run({ DescribeDisks: disks }, 'DescribeDisks', '--cli-query', 'Disks.Disk[].DiskId');
  assert.equal(query.out, '[\n\t"d-1"\n]\n');
  const both = await run(
    { DescribeDisks: disks },
    ...['DescribeDisks', '--cli-query', 'Disks', '--output', 'cols=DiskId', 'rows=Disk[]'],
  );
  assert.equal(both.out, 'DiskId\n------\nd-1\n\n');
  assert.equal((await run({ DescribeDisks: disks }, 'DescribeDisks', '--cli-query', 'Nope')).out, 'null\n');
  assert.equal((await run({ DescribeDisks: disks }, 'DescribeDisks', '-q')).out, '');
});

test('a column that no row has is told on standard error; the table is printed all the same', async () => {
  const list = ['DescribeDisks', '--output', 'cols=DiskId, Siz', 'rows=Disks.Disk[]'];
  const { status, out, err } = await run({ DescribeDisks: disks }, ...list);
  assert.deepEqual([status, out], [0, 'DiskId | Siz\n------ | ---\nd-1    | <nil>\n\n']);
  assert.equal(err, 'no row has Siz; did you mean Size?\n');
  assert.equal((await run({ DescribeDisks: disks }, ...list, '-q')).err, '');
  const whole = await run({ DescribeDisks: disks }, 'DescribeDisks', '--output', 'cols=DiskId');
  assert.equal(whole.out, 'DiskId\n------\n<nil>\n\n');
  assert.equal(
    whole.err,
    'DiskId: this answer as a whole has no such member; give the list of its rows: rows=Disks.Disk[]\n',
  );
  const query = await run({ DescribeDisks: disks }, ...list, '--cli-query', 'Disks');
  assert.match(query.err, /^ERROR: --output rows=Disks\.Disk\[\] gives nothing; what --cli-query gives has no list/);
});

test('an action may be written in any case', async () => {
  const { status, asked } = await run({ DescribeDisks: disks }, 'describedisks', '--region', 'r');
  assert.deepEqual([status, asked], [0, [{ RegionId: 'r' }]]);
});

test('a waiter prints the answer that has it; a pager the list of all pages', async () => {
  const statuses = ['progressing', 'accomplished'];
  const snapshots = () => ({
    Snapshots: { Snapshot: [{ Status: statuses.length > 1 ? statuses.shift() : statuses[0] }] },
  });
  const waited = await run(
    { DescribeSnapshots: snapshots },
    ...['DescribeSnapshots', '--waiter', 'expr=Snapshots.Snapshot[0].Status', 'to=accomplished', 'interval=2'],
    ...['--output', 'cols=Status', 'rows=Snapshots.Snapshot[]'],
  );
  assert.equal(waited.out, 'Status\n------\naccomplished\n\n');
  assert.equal(waited.asked.length, 2);
  const pages = [
    { ...disks, NextToken: 't' },
    { ...disks, Disks: { Disk: [{ DiskId: 'd-2' }] } },
  ];
  const paged = await run(
    { DescribeDisks: () => pages.shift() ?? {} },
    'DescribeDisks',
    '--pager',
    '--PageSize',
    '1',
    '-q',
  );
  assert.deepEqual(paged.asked, [{ PageSize: '1' }, { PageSize: '1', NextToken: 't' }]);
});

test('a refusal is printed on standard error, with exit code 1', async () => {
  const body = { Code: 'IncorrectDiskStatus', Message: 'The disk is in use.', RequestId: 'R-1' };
  const { status, out, err } = await run(
    { ResetDisk: { refuse: 403, body } },
    ...['ResetDisk', '--DiskId', 'd', '--SnapshotId', 's'],
  );
  assert.equal(status, 1);
  assert.equal(out, '');
  assert.equal(
    err,
    'ERROR: SDK.ServerError\nErrorCode: IncorrectDiskStatus\nRequestId: R-1\nMessage: The disk is in use.\n',
  );
});

test('an action that is documented and not built is asked for; it is said that it is not there', async () => {
  const { status, err, asked } = await run({}, 'DescribeInstanceVncUrl', '--InstanceId', 'i-1');
  assert.equal(status, 1);
  assert.equal(asked.length, 1);
  assert.match(
    err,
    /^ErrorCode: InvalidAction\.NotFound[\s\S]*DescribeInstanceVncUrl is not in this version of Hupo; `hupo ecs --help`/m,
  );
});

const refusedHere: [line: string[], message: RegExp][] = [
  [
    ['DescribeDisks', '--NoSuch', '1'],
    /^ERROR: '--NoSuch' is not a valid parameter or flag\. See `hupo ecs help DescribeDisks`\.\n$/,
  ],
  [['DescribeDisk'], /^ERROR: 'DescribeDisk' is not a valid action[\s\S]*Did you mean:\n {2}DescribeDisks/],
  [['CreateSnapshot'], /^ERROR: required parameters not assigned:\n {2}--DiskId {2}String/],
  [['DescribeDisks', 'more'], /^ERROR: too many arguments: "more"/],
  [['DescribeDisks', '--DiskIds'], /^ERROR: --DiskIds lacks its value/],
  [['CreateSnapshot', '--DiskId', 'd', '--cli-query', 'a['], /^ERROR: --cli-query: "a\[" is not a JMESPath expression/],
  [['CreateSnapshot', '--DiskId', 'd', '--output', 'cols=A', 'rows=['], /^ERROR: --output rows/],
  [
    ['CreateSnapshot', '--DiskId', 'd', '--pager'],
    /^ERROR: --pager may call the action many times, and CreateSnapshot/,
  ],
  [
    ['CreateSnapshot', '--DiskId', 'd', '--waiter', 'expr=a', 'to=b'],
    /^ERROR: --waiter may call the action many times/,
  ],
  [['DescribeDisks', '--pager', '--waiter', 'expr=a', 'to=b'], /^ERROR: flag --pager is exclusive with --waiter/],
];

test('what is wrong with what was typed is told before anything is sent, with exit code 1', async () => {
  for (const [line, message] of refusedHere) {
    const { status, out, err, asked } = await run({ CreateSnapshot: {}, DescribeDisks: disks }, ...line);
    assert.deepEqual([status, out, asked], [1, '', []], line.join(' '));
    assert.match(err, message);
  }
});

test('the answer to a change is printed even when it cannot be shown as it was asked for', async () => {
  const answer = { SnapshotId: 's-1', RequestId: 'R' };
  for (const flags of [
    ['--cli-query', 'foo(@)'],
    ['--output', 'cols=A', 'rows=Nope[]'],
  ]) {
    const { status, out, err } = await run({ CreateSnapshot: answer }, 'CreateSnapshot', '--DiskId', 'd', ...flags);
    assert.equal(status, 1);
    assert.deepEqual(JSON.parse(out), answer);
    assert.match(err, /^ERROR: /);
  }
});

test('--force sends what was typed', async () => {
  const { status, asked } = await run(
    { NoSuchAction: { RequestId: 'R' } },
    'NoSuchAction',
    '--force',
    '--any.Thing',
    'x',
  );
  assert.equal(status, 0);
  assert.deepEqual(asked, [{ 'any.Thing': 'x' }]);
});

test('--dryrun prints the request and sends nothing; neither the secret nor a signature is in it', async () => {
  const { status, out, asked } = await run({}, 'CreateSnapshot', '--DiskId', 'd-1', '--dryrun', '--region', 'r');
  assert.equal(status, 0);
  assert.deepEqual(asked, []);
  assert.match(out, /^POST http:\/\/127\.0\.0\.1:\d+\/\?DiskId=d-1&RegionId=r$/m);
  assert.match(out, /^x-acs-action: CreateSnapshot$/m);
  assert.match(out, /^authorization: ACS3-HMAC-SHA256 Credential=id,SignedHeaders=.*Signature=\*\*\*$/m);
  assert.doesNotMatch(out, /secret/);
});

test('parameters may come in a form, and XML may be asked for', async () => {
  const form = await run(
    { CreateSnapshot: {} },
    'CreateSnapshot',
    '--body',
    'DiskId=d-1&Description=a+b',
    '--region',
    'r',
  );
  assert.deepEqual(form.asked, [{ RegionId: 'r', DiskId: 'd-1', Description: 'a b' }]);
  const xml = await run(
    { DescribeDisks: '<DescribeDisksResponse/>' },
    'DescribeDisks',
    '--header',
    'Accept=application/xml',
  );
  assert.equal(xml.out, '<DescribeDisksResponse/>\n');
  assert.deepEqual(xml.asked, [{ Format: 'XML' }]);
});

test('help lists actions in groups, and parameters with what the server does with them', async () => {
  for (const line of [[], ['help'], ['--help'], ['-h']]) {
    const { status, out } = await run({}, ...line);
    assert.equal(status, 0);
    assert.match(out, /^Snapshots:\n {2}CreateSnapshot {2,}take a snapshot/m);
    assert.match(out, /not in this version:\n[\s\S]*DescribeInstanceVncUrl/);
    assert.match(out, /--waiter expr=PATH to=TEXT/);
  }
  for (const line of [
    ['help', 'CreateDisk'],
    ['CreateDisk', '--help'],
    ['CreateDisk', '--Size', '1', '-h'],
  ]) {
    const { status, out } = await run({}, ...line);
    assert.equal(status, 0);
    assert.match(out, /^ {4}--ZoneId {2,}String/m);
    const { out: attach } = await run({}, 'help', 'AttachDisk');
    assert.match(
      attach,
      /^ {2}\* --DiskId {2,}String\n {2}\* --InstanceId {2,}String\n {4}--/m,
      'what must be given comes first',
    );
    assert.match(out, /^ {4}--Size {2,}Integer {2}1 to 65536$/m);
    assert.match(out, /^ {4}--Tag\.1\.Key {2,}String$/m);
    assert.match(out, /^Taken only with the value shown:\n[^]*^ {2}--Encrypted false: this service does not encrypt/m);
    assert.match(out, /^Refused:\n[^]*^ {2}--KMSKeyId: this service does not encrypt/m);
    assert.match(out, /^Taken, without effect here:\n {2}--AdvancedFeatures, --Arn\.1\.…: not public/m);
    assert.match(out, /^ {4}--RegionId {2,}String {3}the server's own/m);
  }
  assert.match((await run({}, 'help', 'ResetDisk')).out, /^ {2}\* --DiskId {2,}String/m);
  const { out } = await run({}, 'help', 'RunInstances');
  assert.match(out, /--DataDisk\.1\.Encrypted false, --SystemDisk\.Encrypted false: this service does not/);
  assert.match(out, /--DataDisk\.1\.DeleteWithInstance +Boolean +default true$/m);
  assert.match(out, /^ {2}--NetworkInterface\.1\.…: every instance has one/m, 'one name for a group that is refused');
  assert.ok(out.split('\n\n').slice(0, 3).join('\n\n').split('\n').length < 56, 'what can be used fits on two screens');
  assert.match(
    (await run({}, 'help', 'DescribeInstanceVncUrl')).out,
    /DescribeInstanceVncUrl is documented and not in this version/,
  );
  assert.equal((await run({}, 'help', 'CopySnapshots')).status, 1);
});

/** Runs the real program until it has asked the server, then sends the signal. */
async function interrupt(t: TestContext, signal: NodeJS.Signals): Promise<{ status: number | null; err: string }> {
  const { promise: asked, resolve: tellAsked } = Promise.withResolvers<void>();
  const answer = { Snapshots: { Snapshot: [{ Status: 'progressing' }] } };
  const ecs = await FakeEcs.start({ DescribeSnapshots: () => (tellAsked(), answer) });
  t.after(() => ecs.close());
  const waiter = ['--waiter', 'expr=Snapshots.Snapshot[0].Status', 'to=accomplished'];
  const key = ['--access-key-id', 'id', '--access-key-secret', 'secret'];
  const child = spawn(process.execPath, [main, 'ecs', 'DescribeSnapshots', '-e', ecs.endpoint, ...key, ...waiter]);
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  await asked;
  child.kill(signal);
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, err };
}

test('Ctrl-C ends a waiter with 130, SIGTERM with 143', async (t) => {
  assert.deepEqual(await interrupt(t, 'SIGINT'), { status: 130, err: 'hupo: interrupted\n' });
  assert.deepEqual(await interrupt(t, 'SIGTERM'), { status: 143, err: 'hupo: interrupted\n' });
});
