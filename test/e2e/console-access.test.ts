/** The console’s pages of users, keys and rights, and of the audit log: what everybody can use. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ConsolePage, buildConsole, missingBrowser, openBrowser } from './console-browser.ts';
import { TestServer } from './server.ts';

const skip = missingBrowser;

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
