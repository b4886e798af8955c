/**
 * GET /metrics, beside the API on its port, in Prometheus's text. What disks and actions there are is nobody else's business: unless it is made public, or a
 * token is asked for, only this machine is answered, and no proxy on it that speaks for others.
 */
import crypto from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { formatMetrics } from './metrics.ts';
import type { Sample } from './metrics.ts';
import { measureRegion } from './region-metrics.ts';
import type { MeasuredRegion } from './region-metrics.ts';
import { RequestMeter } from './request-meter.ts';

export interface MetricsAccess {
  /** Who may read without a token. */
  open: 'loopback' | 'public' | 'off';
  /** Who has it may read from anywhere, and nobody without. */
  token: string | null;
}

export interface MetricsPageOptions {
  access: MetricsAccess;
  regions: readonly MeasuredRegion[];
  /** Of each open disk too. */
  hasDisks: boolean;
  clock: Clock;
  log: Log;
}

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';

export class MetricsPage {
  readonly requests = new RequestMeter();
  readonly #options: MetricsPageOptions;
  readonly #startedAtMs: number;
  #reading: Promise<string> | null = null;

  constructor(options: MetricsPageOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock.nowMs();
  }

  /** Whoever asks while it is gathered gets the same. */
  async answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = refuse(this.#options.access, message);
    if (refusal !== null) return end(response, refusal.status, `${refusal.text}\n`);
    try {
      this.#reading ??= this.#read().finally(() => (this.#reading = null));
      end(response, 200, await this.#reading);
    } catch (error) {
      this.#options.log.warn(`the metrics cannot be read: ${messageOf(error)}`);
      end(response, 503, 'The metrics cannot be read now; the log of the server says why.\n');
    }
  }

  async #read(): Promise<string> {
    const samples: Sample[] = [...this.requests.samples(), ...this.#process()];
    for (const region of this.#options.regions) samples.push(...(await measureRegion(region, this.#options.hasDisks)));
    return formatMetrics(samples);
  }

  #process(): Sample[] {
    const { user, system } = process.cpuUsage();
    return [
      { name: 'hupo_process_resident_memory_bytes', value: process.memoryUsage.rss() },
      { name: 'hupo_process_cpu_seconds_total', value: (user + system) / 1_000_000 },
      { name: 'hupo_process_start_time_seconds', value: this.#startedAtMs / 1000 },
    ];
  }
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'Content-Type': TEXT,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
  });
  response.end(text);
}

/** Null: it may be read. */
export function refuse(
  { open, token }: MetricsAccess,
  { headers, socket }: Pick<IncomingMessage, 'headers'> & { socket: { remoteAddress?: string | undefined } },
): { status: number; text: string } | null {
  if (open === 'off')
    return { status: 404, text: 'This server shows no metrics: serve --metrics loopback, or public.' };
  if (token !== null) {
    if (isEqual(headers.authorization ?? '', `Bearer ${token}`)) return null;
    return { status: 401, text: 'The metrics want the token of serve --metrics-token-file: Authorization: Bearer …' };
  }
  const isForwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
  const isLocal = /^(127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? '') && !isForwarded;
  if (open === 'public' || isLocal) return null;
  const text = 'The metrics are for this machine: serve --metrics public, or --metrics-token-file, opens them.';
  return { status: 403, text };
}

/** In a time that does not tell how much of it is right. */
function isEqual(given: string, wanted: string): boolean {
  const digest = (text: string) => crypto.createHash('sha256').update(text).digest();
  return crypto.timingSafeEqual(digest(given), digest(wanted));
}
