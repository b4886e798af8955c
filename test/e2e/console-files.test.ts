/** How the server serves the console: what a browser gets, what it is told to keep out, and that API requests are never taken for it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { buildConsole } from './console-browser.ts';
import { TestServer } from './server.ts';

/** The first view: what is loaded before anything is chosen. */
const FIRST_VIEW_LIMIT_BYTES = 350_000;

test('the console is served beside the API, small, compressed, and closed to foreign code', async () => {
  buildConsole();
  const server = new TestServer();
  await server.start();
  try {
    const { endpoint } = server;
    const asBrowser = { headers: { accept: 'text/html,*/*', 'accept-encoding': 'br' } };
    const page = await fetch(`${endpoint}/`, asBrowser);
    assert.equal(page.url, `${endpoint}/console/`);
    const policy = page.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self' 'nonce-[\w+/=]{24}'/);
    assert.doesNotMatch(policy, /unsafe/);
    const html = await page.text();
    assert.match(html, new RegExp(`content="${/nonce-([^']+)/.exec(policy)?.[1]?.replaceAll('+', '\\+') ?? '?'}"`));
    assert.doesNotMatch(html, /<script(?![^>]* src=)|__STYLE_NONCE__/);

    let bytes = html.length;
    for (const [, name = ''] of html.matchAll(/(?:src|href)="(\/console\/assets\/[^"]+)"/g)) {
      const asset = await fetch(endpoint + name, asBrowser);
      assert.equal(asset.headers.get('content-encoding'), 'br', name);
      assert.match(asset.headers.get('cache-control') ?? '', /immutable/);
      bytes += Number(asset.headers.get('content-length'));
    }
    assert.ok(bytes > 50_000 && bytes < FIRST_VIEW_LIMIT_BYTES, `${bytes} bytes`);

    const missing = await fetch(`${endpoint}/console/assets/none.js`);
    assert.equal(missing.status, 404);
    const outside = await fetch(`${endpoint}/console/..%2f..%2fpackage.json`);
    assert.equal(outside.status, 404);
    const deep = await fetch(`${endpoint}/console/disks/d-1?x=1`);
    assert.match(await deep.text(), /<div id="root">/);
    const api = await fetch(`${endpoint}/?Action=DescribeRegions&Version=2014-05-26`, asBrowser);
    assert.match(await api.text(), /MissingAccessKeyId|MissingParameter/);
  } finally {
    await server.stop();
  }
});
