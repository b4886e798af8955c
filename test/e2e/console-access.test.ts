/** The console's pages of users, keys and rights, and of the audit log: what somebody with few rights sees, and who is told that they did what. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ConsolePage, buildConsole, missingBrowser, openBrowser } from './console-browser.ts';
import { TestServer } from './server.ts';

const skip = missingBrowser;

test(
  'a user is made, gets a policy and a key whose secret is shown once, sees why it may not, and is in the audit log',
  { skip },
  async () => {
    buildConsole();
    const server = new TestServer();
    await server.start();
    const browser = await openBrowser();
    try {
      const disk = { ZoneId: 'cn-hangzhou-a', DiskCategory: 'cloud_essd', Size: 20, DiskName: 'not-yours' };
      await server.call('CreateDisk', disk);
      const root = await ConsolePage.open(browser, server.endpoint);
      const { page } = root;
      await root.signIn(server.accessKey);
      await root.heading('Overview').waitFor();
      await page.getByRole('link', { name: 'Users and keys' }).click();
      await page.getByText('No users yet').waitFor();
      await page.getByRole('button', { name: 'Create user' }).click();
      await root.dialog().getByLabel('User name').fill('alice');
      await root
        .dialog()
        .getByLabel(/^Comments/)
        .fill('<img src=x onerror=alert(1)>');
      await root.dialog().getByRole('button', { name: 'Create user' }).click();
      await root.row('alice').getByText('<img src=x onerror=alert(1)>').waitFor();

      await page.getByRole('tab', { name: 'Policies' }).click();
      await page.getByRole('button', { name: 'Create policy' }).click();
      await root.dialog().getByLabel('Name', { exact: true }).fill('look-only');
      await root.dialog().getByLabel('Policy document (JSON)').fill('{"Version":"1","Statement":');
      await root.dialog().getByRole('button', { name: 'Create policy' }).click();
      await root
        .dialog()
        .getByRole('alert')
        .getByText(/Request ID/)
        .waitFor();
      const document = { Version: '1', Statement: [{ Effect: 'Allow', Action: 'ecs:Describe*', Resource: '*' }] };
      await root.dialog().getByLabel('Policy document (JSON)').fill(JSON.stringify(document));
      await root.dialog().getByRole('button', { name: 'Create policy' }).click();
      await root.row('look-only').waitFor();

      await root.goTo('/users/alice');
      await page.getByRole('button', { name: 'Attach policy' }).click();
      await root.dialog().getByLabel('Policy').click();
      await page.keyboard.type('look-only');
      await page.keyboard.press('Enter');
      await root.dialog().getByRole('button', { name: 'Attach policy' }).click();
      await root.row('look-only').waitFor();
      await page.getByRole('button', { name: 'Create AccessKey' }).click();
      await root.dialog().getByRole('button', { name: 'Create AccessKey' }).click();
      const shown = root.dialog().filter({ hasText: 'it is not shown again' });
      const [accessKeyId = '', accessKeySecret = ''] = await shown.locator('code').allInnerTexts();
      await shown.getByRole('button', { name: 'I have copied it' }).click();
      await shown.waitFor({ state: 'hidden' });
      await root.row(accessKeyId).waitFor();
      assert.equal(await page.getByText(accessKeySecret).count(), 0, 'the secret is still shown');
      assert.deepEqual(await root.seriousFindings(), [], '/users/alice');

      const alice = await ConsolePage.open(browser, server.endpoint);
      await alice.signIn({ accessKeyId, accessKeySecret });
      await alice.heading('Overview').waitFor();
      await alice.goTo('/disks');
      await alice.act('not-yours', 'Create snapshot');
      await alice.dialog().getByRole('button', { name: 'Create snapshot' }).click();
      await alice
        .dialog()
        .getByRole('alert')
        .getByText(/Forbidden\.RAM|NoPermission/)
        .waitFor();
      await alice.goTo('/users');
      await alice.page
        .getByRole('alert')
        .getByText(/ram:ListUsers|ListUsers/)
        .first()
        .waitFor();
      await alice.goTo('/audit');
      await alice.page.getByRole('alert').first().waitFor();
      await alice.close();

      await root.row(accessKeyId).getByRole('button', { name: 'Deactivate' }).click();
      await root.dialog().getByRole('button', { name: 'Deactivate' }).click();
      await root.row(accessKeyId).getByText('Inactive').waitFor();
      await root.goTo('/audit');
      await page.getByRole('searchbox', { name: 'User' }).fill('alice');
      await page.getByRole('searchbox', { name: 'User' }).press('Enter');
      await root.row('CreateSnapshot').first().getByText('alice', { exact: true }).waitFor();
      assert.match(page.url(), /alice/);
      await page.reload();
      await root.row('CreateSnapshot').first().waitFor();
      await root.close();
    } finally {
      await browser.close();
      await server.stop();
    }
  },
);

test('axe finds nothing serious on these pages, in Chinese, light and dark, wide and narrow', { skip }, async () => {
  buildConsole();
  const server = new TestServer();
  await server.start();
  const browser = await openBrowser();
  try {
    for (const view of [{}, { theme: 'dark' }, { width: 400 }] as const) {
      const page = await ConsolePage.open(browser, server.endpoint, { ...view, language: 'zh' });
      await page.signIn(server.accessKey);
      await page.heading('概览').waitFor();
      for (const place of ['/users', '/users?tab=policies', '/users?tab=roles', '/audit']) {
        await page.goTo(place);
        await page.page.getByRole('table').waitFor();
        assert.deepEqual(await page.seriousFindings(), [], `${place} ${JSON.stringify(view)}`);
      }
      await page.close();
    }
  } finally {
    await browser.close();
    await server.stop();
  }
});
