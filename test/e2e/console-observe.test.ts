/**
 * The console's pages about operation in a real browser: tasks, events and webhooks, tags, usage and cost. What was counted in past hours is written into the
 * catalog of a server that is down, for no test waits an hour.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { ConsolePage, buildConsole, missingBrowser, openBrowser } from './console-browser.ts';
import type { View } from './console-browser.ts';
import { type Answer, TestServer, waitFor } from './server.ts';

const skip = missingBrowser;
const HOSTILE = '<img src=x onerror=alert(1)>';
const GIB = 1024 ** 3;

interface Bed {
  server: TestServer;
  /** Signed in. */
  open: (view?: View, key?: { accessKeyId: string; accessKeySecret: string }) => Promise<ConsolePage>;
}

async function withServer(server: TestServer, work: (bed: Bed) => Promise<void>): Promise<void> {
  buildConsole();
  await server.start();
  const browser = await openBrowser();
  const open: Bed['open'] = async (view = {}, key = server.accessKey) => {
    const page = await ConsolePage.open(browser, server.endpoint, view);
    await page.signIn(key);
    await page.heading(/^(Overview|概览)$/).waitFor();
    return page;
  };
  try {
    await work({ server, open });
  } finally {
    await browser.close();
    await server.stop();
  }
}

async function createDisk(server: TestServer, name: string): Promise<string> {
  const asked = { ZoneId: 'cn-hangzhou-a', DiskCategory: 'cloud_essd', Size: 20, DiskName: name };
  return String((await server.call('CreateDisk', asked)).DiskId);
}

interface Delivery {
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** A program that takes events, or refuses them. */
async function receiver(t: TestContext): Promise<{ url: string; taken: Delivery[]; status: (code: number) => void }> {
  const taken: Delivery[] = [];
  let code = 200;
  const listening = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (more: string) => (body += more));
    request.on('end', () => {
      taken.push({ headers: request.headers, body });
      response.writeHead(code).end();
    });
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    listening.closeAllConnections();
    listening.close();
  });
  const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}/hook`;
  return { url, taken, status: (given) => (code = given) };
}

test(
  'a webhook is added with a secret that is shown once and verifies, is tried, and is taken away',
  { skip },
  async (t) => {
    const { url, taken, status } = await receiver(t);
    await withServer(new TestServer(), async ({ open }) => {
      const console_ = await open();
      const { page } = console_;
      await console_.goTo('/events?tab=webhooks');
      await page.getByText('No webhooks yet.').waitFor();
      await page.getByRole('button', { name: 'Add a webhook' }).click();
      const dialog = console_.dialog();
      await dialog.getByLabel('URL').fill('ftp://example.com/');
      await dialog.getByRole('button', { name: 'Add a webhook' }).click();
      await dialog
        .getByRole('alert')
        .getByText(/http:\/\/ or https:\/\//)
        .waitFor();
      await dialog.getByLabel('URL').fill(url);
      await dialog.getByLabel(/^Description/).fill('the pager');
      await dialog.getByRole('button', { name: 'Add a webhook' }).click();
      const shown = page.getByRole('dialog').filter({ hasText: 'shown only now' });
      const secret = (await shown.getByText(/^whsec_/).innerText()).trim();
      await page.keyboard.press('Escape');
      await shown.getByRole('button', { name: 'I have stored it' }).click();
      await shown.waitFor({ state: 'hidden' });
      await console_.row('the pager').getByText('Active').waitFor();
      assert.equal(await page.getByText(secret).count(), 0, 'the secret is shown again');

      await console_.act('the pager', 'Send a test event');
      await page.getByText(`${url} took the test event.`).waitFor();
      const [{ headers, body } = { headers: {}, body: '' }] = taken;
      const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
      const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
      const expected = crypto.createHmac('sha256', key).update(signed).digest('base64');
      assert.equal(headers['webhook-signature'], `v1,${expected}`);
      status(503);
      await console_.act('the pager', 'Send a test event');
      await page.getByRole('alert').getByText('did not take the test event').waitFor();
      await page.getByRole('alert').getByText(/503/).waitFor();

      await console_.act('the pager', 'Delete');
      await console_.dialog().getByRole('button', { name: 'Delete' }).click();
      await page.getByText('No webhooks yet.').waitFor();
      await console_.close();
    });
  },
);

test('events come by themselves, the newest first, and lead to what they tell of', { skip }, async () => {
  await withServer(new TestServer(), async ({ server, open }) => {
    const first = await createDisk(server, 'first');
    const console_ = await open({ language: 'zh' });
    const { page } = console_;
    await console_.goTo('/events');
    await console_.row('first').first().waitFor();
    await createDisk(server, 'second');
    await console_.row('second').getByText('待挂载').waitFor({ timeout: 15_000 });
    const names = await page.getByRole('row').filter({ hasText: '待挂载' }).getByRole('link').allInnerTexts();
    assert.deepEqual(names.slice(0, 2), ['second', 'first']);
    await page.getByRole('searchbox', { name: /云盘、快照等的 ID/ }).fill(first);
    await page.getByRole('searchbox', { name: /云盘、快照等的 ID/ }).press('Enter');
    await console_.row('second').first().waitFor({ state: 'hidden' });
    assert.match(page.url(), new RegExp(`ResourceId=${first}`));
    await page.reload();
    await console_.row('first').first().waitFor();
    await console_.row('待挂载').getByRole('button').first().click();
    await page.getByText(/"newStatus": "Available"/).waitFor();
    await console_.goTo(`/events?day=2020-01-01`);
    await page.getByText('这一天没有事件').waitFor();
    await console_.goTo(`/events?ResourceId=${first}`);
    await console_.row('first').getByRole('link').first().click();
    await console_.heading('first').waitFor();
    await console_.close();
  });
});

test(
  'tags are put on two disks at once, whatever they are called, found again, and taken from both',
  { skip },
  async () => {
    await withServer(new TestServer(), async ({ server, open }) => {
      const [one, two] = [await createDisk(server, 'alpha'), await createDisk(server, 'beta')];
      await createDisk(server, 'gamma');
      await server.call('TagResources', {
        ...{ ResourceType: 'disk', 'ResourceId.1': one, 'Tag.1.Key': 'stage', 'Tag.1.Value': 'test' },
      });
      const console_ = await open({ language: 'zh' });
      const { page } = console_;
      const edit = async () => {
        for (const name of ['alpha', 'beta']) await console_.row(name).getByRole('checkbox').check();
        await page.getByRole('button', { name: '编辑标签' }).click();
        await console_.dialog().waitFor();
      };
      await console_.goTo('/disks');
      await console_.row('gamma').waitFor();
      await edit();
      const dialog = console_.dialog();
      await dialog.getByText('2 个中的 1 个').waitFor();
      const save = dialog.getByRole('button', { name: /保\s?存/ });
      assert.equal(await save.isDisabled(), true, 'nothing was changed');
      await dialog.getByRole('button', { name: '添加标签' }).click();
      await dialog.getByRole('textbox', { name: '键', exact: true }).last().fill(HOSTILE);
      await dialog.getByRole('textbox', { name: '值', exact: true }).last().fill('存储=1');
      await save.click();
      await dialog.waitFor({ state: 'hidden' });
      for (const name of ['alpha', 'beta']) await console_.row(name).getByText(`${HOSTILE}=存储=1`).waitFor();
      const tagsOf = async (diskId: string) =>
        (await server.disk(diskId)).Tags.Tag.map(({ TagKey, TagValue }: Answer) => `${TagKey}=${TagValue}`);
      assert.deepEqual(await tagsOf(two), [`${HOSTILE}=存储=1`], 'what only one had stayed with it');

      await page.getByRole('link', { name: '标签', exact: true }).click();
      const counted = console_.row('存储=1');
      await counted.getByText(HOSTILE, { exact: true }).waitFor();
      await counted.getByRole('link', { name: /云盘：2/ }).click();
      await console_.row('beta').waitFor();
      assert.equal(await console_.row('gamma').count(), 0, 'the list is not filtered by the tag');
      await edit();
      await dialog.getByRole('button', { name: `移除 ${HOSTILE}` }).click();
      await dialog.getByRole('button', { name: '移除 stage' }).click();
      await save.click();
      await dialog.waitFor({ state: 'hidden' });
      assert.deepEqual([await tagsOf(one), await tagsOf(two)], [[], []]);
      await page.getByText('没有符合筛选条件的内容。').waitFor();
      assert.deepEqual([await tagsOf(one), await tagsOf(two)], [[], []]);
      await console_.close();
    });
  },
);

test('an export is seen as a task while it runs, and can be cancelled', { skip }, async (t) => {
  const folder = fs.mkdtempSync('/tmp/hupo-hold-');
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const holdFile = path.join(folder, 'hold');
  const server = new TestServer(undefined, { holdFile });
  await withServer(server, async ({ open }) => {
    const { instanceId } = await server.runInstance({ Size: 20, Category: 'cloud_essd', DiskName: 'data-one' });
    const disks = await server.call('DescribeDisks', { InstanceId: instanceId, DiskType: 'system' });
    const snapshotId = await server.takeSnapshot(disks.Disks.Disk[0].DiskId);
    await server.finishedSnapshot(snapshotId);
    const { ImageId } = await server.call('CreateImage', { SnapshotId: snapshotId, ImageName: 'mine' });
    fs.mkdirSync(path.join(server.dataFolder, 'exchange', 'images'), { recursive: true });
    const console_ = await open();
    const { page } = console_;
    await page.getByRole('link', { name: 'Tasks', exact: true }).click();
    await page.getByText('No tasks yet.').waitFor();
    fs.writeFileSync(holdFile, '');
    await server.call('ExportImage', { ImageId, OSSBucket: 'images', ImageFormat: 'raw' });
    const row = console_.row('Export image');
    await row.getByRole('progressbar').waitFor({ timeout: 15_000 });
    await row.getByRole('button', { name: 'Cancel the task' }).click();
    await console_.dialog().getByRole('button', { name: 'Cancel the task' }).click();
    await console_.dialog().waitFor({ state: 'hidden' });
    fs.rmSync(holdFile);
    await row.getByText('Failed').waitFor({ timeout: 30_000 });
    await row.getByText(/cancel/i).waitFor();
    assert.equal(await row.getByRole('button', { name: 'Cancel the task' }).count(), 0);
    await console_.goTo('/tasks?TaskStatus=Finished');
    await page.getByText('Nothing matches these filters.').waitFor();
    await console_.close();
  });
});

test('tags of an instance and of a snapshot are edited in their lists', { skip }, async () => {
  await withServer(new TestServer(), async ({ server, open }) => {
    const { instanceId, diskId } = await server.runInstance({ Size: 20, Category: 'cloud_essd' });
    const snapshotId = await server.takeSnapshot(diskId);
    await server.finishedSnapshot(snapshotId);
    const console_ = await open();
    const dialog = console_.dialog();
    for (const [place, id] of [
      ['/instances', instanceId],
      ['/snapshots', snapshotId],
    ] as const) {
      await console_.goTo(place);
      await console_.act(id, 'Edit tags');
      await dialog.getByRole('button', { name: 'Add a tag' }).click();
      await dialog.getByRole('textbox', { name: 'Key' }).fill('team');
      await dialog.getByRole('textbox', { name: 'Value' }).fill('storage');
      await dialog.getByText('API', { exact: true }).click();
      await dialog.getByText(`--ResourceId.1 ${id}`).waitFor();
      await dialog.getByRole('button', { name: 'Save' }).click();
      await dialog.waitFor({ state: 'hidden' });
      await console_.row(id).getByText('team=storage').waitFor();
      await console_.act(id, 'Edit tags');
      await dialog.getByRole('textbox', { name: 'Value of team' }).fill('network');
      await dialog.getByRole('button', { name: 'Save' }).click();
      await console_.row(id).getByText('team=network').waitFor();
    }
    await console_.close();
  });
});

/** Ten days of one disk and two of another that is gone. Of a server that is down. */
function writeUsage(server: TestServer, diskId: string): void {
  const database = new DatabaseSync(path.join(server.dataFolder, 'catalog.db'));
  const put = database.prepare('INSERT INTO usage_marks (disk_id, category, hour, size_bytes) VALUES (?, ?, ?, ?)');
  const thisHour = Math.floor(Date.now() / 3_600_000);
  put.run(diskId, 'standard', thisHour - 240, 2 * GIB);
  put.run(diskId, 'archive', thisHour - 240, GIB);
  for (const category of ['standard', 'archive']) put.run(diskId, category, thisHour, 0);
  put.run('d-gone0000000000000000', 'standard', thisHour - 240, GIB);
  put.run('d-gone0000000000000000', 'standard', thisHour - 192, 0);
  database.close();
}

test('usage is a chart, a table by disk, tag or day, and a file; costs only with prices', { skip }, async () => {
  const server = new TestServer();
  await withServer(server, async ({ open }) => {
    const diskId = await createDisk(server, 'data-one');
    const tag = { ResourceType: 'disk', 'ResourceId.1': diskId, 'Tag.1.Key': HOSTILE, 'Tag.1.Value': '=2+3' };
    await server.call('TagResources', tag);
    await server.terminate();
    writeUsage(server, diskId);
    await server.start();
    const bare = await open({ language: 'zh' });
    await bare.goTo('/usage');
    await bare.row('data-one').getByText('480').waitFor();
    await bare.page.getByText('服务器没有设置价格').waitFor();
    assert.equal(await bare.page.getByRole('columnheader', { name: /费用/ }).count(), 0);
    await bare.close();
    await server.terminate();
    const prices = path.join(server.dataFolder, 'prices.json');
    fs.writeFileSync(prices, JSON.stringify({ currency: 'CNY', default: { standard: 0.12, archive: 0.03 } }));
    await server.start({ more: ['--prices', prices] });

    const console_ = await open();
    const { page } = console_;
    await page.getByRole('link', { name: 'Usage and cost' }).click();
    const chart = page.getByRole('img', { name: /^Cost \(CNY\) from .*The most was 0\.\d+ on \d{4}-\d\d-\d\d/ });
    await chart.waitFor();
    await page.getByRole('columnheader', { name: 'Cost (CNY)' }).waitFor();
    await console_.row('d-gone0000000000000000').getByText('deleted').waitFor();
    await console_.row('data-one').getByText('93.8 %').waitFor();
    await page.getByText('GiB-hours', { exact: true }).first().click();
    await page.getByRole('img', { name: /^GiB-hours from / }).waitFor();
    assert.match(page.url(), /measure=size/);
    await page.getByText('Tag', { exact: true }).click();
    await page.getByText('Choose a tag key to group by.').waitFor();
    await page.getByRole('combobox', { name: 'Tag key' }).click();
    await page.getByTitle(HOSTILE).click();
    await console_.row('=2+3').getByText('720').waitFor();
    await console_.row('without this tag').waitFor();

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download CSV' }).click(),
    ]);
    assert.match(download.suggestedFilename(), /^snapshots-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv$/);
    const text = fs.readFileSync(await download.path(), 'utf8');
    assert.ok(text.startsWith('\uFEFF'), 'spreadsheets do not know that it is UTF-8');
    const [titles, ...rows] = text.trim().split('\r\n');
    assert.equal(titles, `period,${HOSTILE},category,gib_hours,currency,cost`);
    const cells = rows.map((row) => row.split(','));
    const hours = cells.map((row) => Number(row[3])).reduce((sum, one) => sum + one, 0);
    assert.equal(Math.round(hours), 480 + 240 + 48);
    assert.deepEqual(new Set(cells.map((row) => row[1])), new Set([`'=2+3`, '']));
    assert.ok(cells.every((row) => row[4] === 'CNY' && /^\d+\.\d{5}$/.test(row[5] ?? '')));
    await page.reload();
    await console_.row('=2+3').waitFor();
    await console_.close();
  });
});

/** What fades in is not yet as it will be. */
async function stillness({ page }: ConsolePage): Promise<void> {
  const isStill = 'document.getAnimations().every(({ effect }) => effect.getComputedTiming().endTime === Infinity)';
  await waitFor('what fades in', 10_000, async () => ((await page.evaluate<boolean>(isStill)) ? true : null));
}

/** Who may look at disks and nothing else. */
function createLimitedUser(server: TestServer): { accessKeyId: string; accessKeySecret: string } {
  const file = path.join(server.dataFolder, 'limited.json');
  const actions = [
    'DescribeRegions',
    'DescribeDisks',
    'DescribeInstances',
    'DescribeSnapshots',
    'DescribeSnapshotsUsage',
  ];
  const allowed = { Effect: 'Allow', Action: actions.map((action) => `ecs:${action}`), Resource: '*' };
  fs.writeFileSync(file, JSON.stringify({ Version: '1', Statement: [allowed] }));
  const hupo = (...args: string[]) => {
    const result = server.cli(...args, '--data', server.dataFolder);
    assert.equal(result.status, 0, result.stderr);
    return result.stdout;
  };
  hupo('user', 'create', 'eva');
  hupo('user', 'policy', 'create', 'limited', file);
  hupo('user', 'attach', 'eva', 'limited');
  const { AccessKey } = JSON.parse(hupo('key', 'create', 'eva', '--json')) as {
    AccessKey: { AccessKeyId: string; AccessKeySecret: string };
  };
  return { accessKeyId: AccessKey.AccessKeyId, accessKeySecret: AccessKey.AccessKeySecret };
}

test('who may not is told why on each page, and in the form', { skip }, async () => {
  await withServer(new TestServer(), async ({ server, open }) => {
    await createDisk(server, 'data-one');
    const console_ = await open({}, createLimitedUser(server));
    const { page } = console_;
    for (const place of ['/tasks', '/events', '/events?tab=webhooks', '/tags', '/usage']) {
      await console_.goTo(place);
      await page.getByRole('alert').getByText('Your user may not do this.').first().waitFor();
    }
    await console_.goTo('/disks');
    await console_.act('data-one', 'Edit tags');
    const dialog = console_.dialog();
    await dialog.getByRole('button', { name: 'Add a tag' }).click();
    await dialog.getByRole('textbox', { name: 'Key' }).fill('team');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog
      .getByRole('alert')
      .getByText(/Forbidden\.RAM/)
      .waitFor();
    assert.equal(
      await dialog.getByRole('textbox', { name: 'Key' }).inputValue(),
      'team',
      'the form lost what was filled in',
    );
    await console_.close();
  });
});

test('axe finds nothing serious on the pages about operation, light and dark, wide and narrow', { skip }, async () => {
  const server = new TestServer();
  await withServer(server, async ({ open }) => {
    const { diskId } = await server.runInstance({ Size: 20, Category: 'cloud_essd', DiskName: 'data-one' });
    const tag = { ResourceType: 'disk', 'ResourceId.1': diskId, 'Tag.1.Key': 'team', 'Tag.1.Value': 'storage' };
    await server.call('TagResources', tag);
    await server.call('HupoCreateEventSubscription', { Url: 'http://127.0.0.1:1/', Description: 'nobody listens' });
    await server.terminate();
    writeUsage(server, diskId);
    const prices = path.join(server.dataFolder, 'prices.json');
    fs.writeFileSync(prices, JSON.stringify({ currency: 'CNY', default: { standard: 0.12, archive: 0.03 } }));
    await server.start({ more: ['--prices', prices] });
    await server.call('ModifyDiskSpec', { DiskId: await createDisk(server, 'two'), DiskCategory: 'cloud_efficiency' });
    await waitFor('the task', 30_000, async () => {
      const { TaskSet } = await server.call('DescribeTasks', { TaskStatus: 'Finished' });
      return TaskSet.Task.length > 0 ? true : null;
    });
    const places: [string, string][] = [
      ['/tasks', 'Change disk category'],
      ['/events', 'data-one'],
      ['/events?tab=webhooks', 'nobody listens'],
      ['/tags', 'storage'],
      ['/usage?measure=size', 'data-one'],
    ];
    for (const view of [{}, { theme: 'dark' }, { width: 400 }] as const) {
      const console_ = await open(view);
      for (const [place, shown] of places) {
        await console_.goTo(place);
        await console_.row(shown).first().waitFor();
        assert.deepEqual(await console_.seriousFindings(), [], `${place} ${JSON.stringify(view)}`);
      }
      await console_.goTo('/disks');
      await console_.act('data-one', 'Edit tags');
      await console_.dialog().getByRole('button', { name: 'Remove team' }).waitFor();
      await stillness(console_);
      assert.deepEqual(await console_.seriousFindings(), [], `Edit tags ${JSON.stringify(view)}`);
      await console_.close();
    }
  });
});
