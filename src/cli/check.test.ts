import assert from 'node:assert/strict';
import test from 'node:test';
import { makeContext } from '../../test/support/fake-ecs.ts';
import { runCli } from '../cli.ts';
import { adviseRepair } from './check.ts';

test('what can be mended is counted, with the two commands that mend it', () => {
  const findings = [
    'the disk d-1: a record is damaged (`hupo check --repair` would keep the records before it)',
    'the disk d-1: slot 4 is used twice (`hupo check --repair` cannot mend it)',
    'catalog.db: row 1 missing',
  ];
  const context = makeContext({ dataFolder: '/somewhere' });
  assert.equal(
    adviseRepair(findings, { root: '/data/hupo' }, context),
    'Nothing was changed. One finding can be mended: `hupo stop --data /data/hupo`, then `hupo check --repair --data /data/hupo`.',
  );
  assert.equal(adviseRepair(findings.slice(1), { root: '/data/hupo' }, context), null);
});

test('the help says when it works beside a server, and that nothing is changed without --repair', async () => {
  const context = makeContext({});
  assert.equal(await runCli(['check', '--help'], context), 0);
  assert.match(context.output.out, /With a server on DIR .* Without one/s);
  assert.match(context.output.out, /without\s+--repair nothing is changed/);
});
