/** What the control plane has of events: the feed of them, and the webhooks that it is told to. */
import path from 'node:path';
import { systemFiles } from '../lib/files.ts';
import { EventFeed } from './event-feed.ts';
import type { Parts } from './parts.ts';
import { postWebhook } from './webhook-post.ts';
import type { Post } from './webhook-post.ts';
import { WebhookSecrets } from './webhook-secrets.ts';
import { Webhooks } from './webhooks.ts';

const DAY_MS = 86_400_000;
export const EVENTS_KEPT_MS = 7 * DAY_MS;

export class Events {
  readonly feed: EventFeed;
  readonly webhooks: Webhooks;

  constructor(parts: Parts, post: Post = postWebhook) {
    const { catalog, clock, random, log, region, dataFolder } = parts;
    this.feed = new EventFeed({ catalog, clock, log, keptMs: parts.eventsKeptMs ?? EVENTS_KEPT_MS });
    const secrets = new WebhookSecrets(systemFiles, path.join(dataFolder, 'keys'));
    const { regionId } = region;
    this.webhooks = new Webhooks({ catalog, feed: this.feed, secrets, post, regionId, clock, random, log });
  }

  async start(): Promise<void> {
    this.feed.start();
    await this.webhooks.start();
  }

  async stop(): Promise<void> {
    this.feed.release();
    await this.webhooks.stop();
    await this.feed.stop();
  }
}
