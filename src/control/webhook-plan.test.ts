import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import fc from 'fast-check';
import { systemRandom } from '../lib/random.ts';
import { findWebhookUrlProblem, planPause, webhookStatus } from './webhook-plan.ts';
import { postWebhook } from './webhook-post.ts';
import { newWebhookSecret, signDelivery } from './webhook-signature.ts';

const HOUR_MS = 3_600_000;

test('pauses grow to an hour and never beyond, and differ by chance', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, chance) => {
      const pauseMs = planPause(failures, chance);
      const wholeMs = Math.min(HOUR_MS, 1000 * 2 ** Math.min(failures - 1, 40));
      assert.ok(pauseMs >= wholeMs / 2 - 1 && pauseMs <= wholeMs + 1, `${pauseMs}`);
    }),
  );
  assert.equal(planPause(1, 1), 1000);
  assert.equal(planPause(1000, 1), HOUR_MS);
});

test('a webhook is failing after a day without a delivery', () => {
  assert.equal(webhookStatus(null, 5), 'Active');
  assert.equal(webhookStatus(0, 24 * HOUR_MS - 1), 'Retrying');
  assert.equal(webhookStatus(0, 24 * HOUR_MS), 'Failing');
});

test('only http and https URLs without a name, password or fragment are posted to', () => {
  for (const url of ['http://127.0.0.1:8080/x?y=1', 'https://example.com'])
    assert.equal(findWebhookUrlProblem(url), null);
  for (const url of [
    'ftp://x/',
    'file:///etc/passwd',
    'http://',
    'x',
    'https://u:p@h/',
    'https://h/#f',
    `https://h/${'x'.repeat(2050)}`,
  ]) {
    assert.notEqual(findWebhookUrlProblem(url), null, url);
  }
});

test('a signature is that of the Standard Webhooks specification, by its own example', () => {
  const headers = signDelivery('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    nowMs: 1_614_265_330_999,
    body: '{"test": 2432232314}',
  });
  assert.deepEqual(headers, {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('a delivery arrives as it was signed; redirects, refusals, silence and nobody are failures that say so', async (t) => {
  const seen: { headers: http.IncomingHttpHeaders; body: string; url: string }[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      seen.push({ headers: request.headers, body, url: request.url ?? '' });
      if (request.url === '/never') return;
      const status = { '/moved': 302, '/bad': 500 }[request.url ?? ''] ?? 204;
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const secret = newWebhookSecret(systemRandom);
  const body = '{"snapshotName":"测"}';
  const headers = signDelivery(secret, { id: 'e1', nowMs: 1000, body });
  const send = (path: string, signal = new AbortController().signal) =>
    postWebhook({ url: origin + path, headers, body }, signal);
  await send('/ok');
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const [got] = seen;
  const signature = createHmac('sha256', key).update(`e1.1.${got?.body}`).digest('base64');
  assert.equal(got?.headers['webhook-signature'], `v1,${signature}`);
  await assert.rejects(send('/moved'), /answered 302, and redirects are not followed/);
  await assert.rejects(send('/bad'), /answered 500/);
  assert.deepEqual(
    seen.map(({ url }) => url),
    ['/ok', '/moved', '/bad'],
  );
  const late = new AbortController();
  const silent = send('/never', late.signal);
  late.abort();
  await assert.rejects(silent, /did not answer in time/);
  await assert.rejects(postWebhook({ url: 'http://127.0.0.1:9/', headers, body }, new AbortController().signal));
});
