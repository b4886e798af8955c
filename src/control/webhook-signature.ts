/**
 * How a delivery is signed: as Standard Webhooks 1.0 says, so that its libraries verify it. HMAC-SHA256 over
 * `<webhook-id>.<webhook-timestamp>.<body>`, in base64 after `v1,`; the key is what follows `whsec_` in the secret, from base64.
 */
import { createHmac } from 'node:crypto';
import type { Random } from '../lib/random.ts';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;

export function newWebhookSecret(random: Random): string {
  return `${PREFIX}${random.bytes(SECRET_BYTES).toString('base64')}`;
}

/** The headers of a delivery of `body` at a moment. */
export function signDelivery(
  secret: string,
  delivery: { id: string; nowMs: number; body: string },
): Record<string, string> {
  const { id, nowMs, body } = delivery;
  const timestamp = String(Math.floor(nowMs / 1000));
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
