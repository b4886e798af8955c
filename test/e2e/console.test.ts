/** The console in a real browser against a real server and real disks: the documented walk in both languages, what is refused, and what everybody can use. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Browser } from 'playwright-core';
import { ConsolePage, buildConsole, missingBrowser, openBrowser } from './console-browser.ts';
import type { View } from './console-browser.ts';
import { TestServer } from './server.ts';

const skip = missingBrowser;

/** What a person reads and presses in the documented walk. */
const said = {
  en: {
    overview: 'Overview',
    instances: 'Instances',
    disks: 'Disks',
    snapshots: 'Snapshots',
    createSnapshot: 'Create snapshot',
    name: /^Name/,
    description: /^Description/,
    retention: /^Keep for/,
    addTag: 'Add a tag',
    key: 'Key',
    value: 'Value',
    accomplished: 'Accomplished',
    rollBack: 'Roll back',
    stop: 'Stop',
    stopped: 'Stopped',
    days: '7 days',
  },
  zh: {
    overview: '概览',
    instances: '实例',
    disks: '云盘',
    snapshots: '快照',
    createSnapshot: '创建快照',
    name: /^名称/,
    description: /^描述/,
    retention: /^保留天数/,
    addTag: '添加标签',
    key: '键',
    value: '值',
    accomplished: '成功',
    rollBack: '回滚云盘',
    stop: /停\s?止/,
    stopped: '已停止',
    days: '7 天',
  },
} as const;

async function withConsole(
  view: View,
  work: (page: ConsolePage, server: TestServer, browser: Browser) => Promise<void>,
): Promise<void> {
  buildConsole();
  const server = new TestServer();
  await server.start();
  const browser = await openBrowser();
  try {
    const page = await ConsolePage.open(browser, server.endpoint, view);
    await work(page, server, browser);
    await page.close();
  } finally {
    await browser.close();
    await server.stop();
  }
}

for (const language of ['en', 'zh'] as const) {
  test(
    `the documented walk, in ${language}: from an instance to a snapshot of its disk, live, and back`,
    { skip },
    async () => {
      const words = said[language];
      await withConsole({ language }, async (console_, server) => {
        const { page } = console_;
        const { instanceId, diskId } = await server.runInstance({
          Size: 20,
          Category: 'cloud_essd',
          DiskName: 'data-one',
        });
        const connection = await server.connect(diskId);
        await connection.write(0, Buffer.alloc(1_048_576, 7));
        await connection.flush();
        await connection.close();
        await console_.signIn(server.accessKey);
        await console_.heading(words.overview).waitFor();
        await page.getByRole('link', { name: words.instances, exact: true }).click();
        await console_.row(instanceId).getByRole('link').first().click();
        await page.getByRole('tab', { name: words.disks }).click();
        await console_.act(diskId, words.createSnapshot);
        const dialog = console_.dialog();
        await dialog.getByLabel(words.name).fill('before-the-upgrade');
        await dialog.getByLabel(words.description).fill('<img src=x onerror=alert(1)>');
        await dialog.getByLabel(words.retention).fill('7');
        await dialog.getByRole('button', { name: words.addTag }).click();
        await dialog.getByLabel(words.key, { exact: true }).fill('team');
        await dialog.getByLabel(words.value, { exact: true }).fill('storage');
        await dialog.getByText('API', { exact: true }).click();
        await dialog.getByText(/--RetentionDays 7/).waitFor();
        await dialog.getByRole('button', { name: words.createSnapshot }).click();
        await dialog.waitFor({ state: 'hidden' });
        await page.getByRole('tab', { name: words.snapshots }).click();
        const row = console_.row('before-the-upgrade');
        await row.getByText(words.accomplished).waitFor({ timeout: 60_000 });
        await row.getByText(words.days).waitFor();
        await row.getByText('team=storage').waitFor();

        await page.getByRole('button', { name: words.stop }).first().click();
        await console_.dialog().getByRole('button', { name: words.stop }).click();
        await server.instanceStatus(instanceId, 'Stopped');
        await console_.act('before-the-upgrade', words.rollBack);
        const rollBack = console_.dialog();
        const confirm = rollBack.getByRole('button', { name: words.rollBack });
        assert.equal(await confirm.isDisabled(), true, 'it can be done without being confirmed');
        await rollBack.getByRole('textbox').fill(diskId);
        await confirm.click();
        await rollBack.waitFor({ state: 'hidden' });

        const [snapshot] = (await server.call('DescribeSnapshots', { DiskId: diskId })).Snapshots.Snapshot;
        assert.equal(snapshot.SnapshotName, 'before-the-upgrade');
        assert.equal(snapshot.Description, '<img src=x onerror=alert(1)>');
        assert.equal(snapshot.RetentionDays, 7);
      });
    },
  );
}

test('a list keeps its view in its address, and shows what others change without a reload', { skip }, async () => {
  await withConsole({}, async (console_, server) => {
    const { page } = console_;
    const create = async (name: string) =>
      server.call('CreateDisk', { ZoneId: 'cn-hangzhou-a', DiskCategory: 'cloud_essd', Size: 20, DiskName: name });
    await create('alpha');
    await create('beta');
    await console_.signIn(server.accessKey);
    await console_.heading('Overview').waitFor();
    await page.getByRole('link', { name: 'Disks', exact: true }).click();
    await console_.row('alpha').waitFor();
    await create('gamma');
    await console_.row('gamma').waitFor({ timeout: 15_000 });
    await page.getByRole('searchbox', { name: 'Name (exact)' }).fill('alpha');
    await page.getByRole('searchbox', { name: 'Name (exact)' }).press('Enter');
    await console_.row('beta').waitFor({ state: 'hidden' });
    assert.match(page.url(), /DiskName=alpha/);
    await page.reload();
    await console_.row('alpha').waitFor();
    assert.equal(await console_.row('beta').count(), 0);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await console_.row('beta').waitFor();
  });
});

test(
  'what is refused is told with what, which and the request id, and a key that is wrong does not get in',
  { skip },
  async () => {
    await withConsole({}, async (console_, server) => {
      const { page } = console_;
      await console_.signIn({ ...server.accessKey, accessKeySecret: 'wrong' });
      await page.getByRole('alert').getByText('The secret does not belong to this AccessKey ID.').waitFor();
      await console_.signIn(server.accessKey);
      await console_.heading('Overview').waitFor();
      assert.doesNotMatch(page.url(), new RegExp(server.accessKey.accessKeyId));
      await server.call('CreateDisk', {
        ZoneId: 'cn-hangzhou-a',
        DiskCategory: 'cloud_essd',
        Size: 20,
        DiskName: 'never-used',
      });
      await console_.goTo('/disks');
      await console_.act('never-used', 'Create snapshot');
      await console_.dialog().getByRole('button', { name: 'Create snapshot' }).click();
      const alert = console_.dialog().getByRole('alert');
      await alert.getByText(/IncorrectDiskStatus/).waitFor();
      assert.match(await alert.innerText(), /Request ID: [0-9A-F-]{36}/);
      await console_.goTo('/disks/d-nothere0000000000000');
      await page.getByText('There is no such page.').waitFor();
    });
  },
);

test('axe finds nothing serious on any page, light and dark, wide and narrow', { skip }, async () => {
  await withConsole({}, async (first, server, browser) => {
    const { instanceId, diskId } = await server.runInstance({ Size: 20, Category: 'cloud_essd', DiskName: 'data-one' });
    const places = ['/', '/instances', `/instances/${instanceId}`, '/disks', `/disks/${diskId}`, '/snapshots'];
    assert.deepEqual(await first.seriousFindings(), [], 'sign-in');
    for (const view of [{}, { theme: 'dark' }, { width: 400 }] as const) {
      const page = await ConsolePage.open(browser, server.endpoint, view);
      await page.signIn(server.accessKey);
      await page.heading('Overview').waitFor();
      for (const place of places) {
        await page.goTo(place);
        await page.page.getByRole('heading', { level: 1 }).waitFor();
        await page.page.waitForLoadState('load');
        assert.deepEqual(await page.seriousFindings(), [], `${place} ${JSON.stringify(view)}`);
      }
      await page.close();
    }
  });
});
