/**
 * The secrets of event subscriptions, `DIR/keys/webhooks.json` (0600): apart from the catalog, whose copies lie in the repository. A
 * secret is durable before its subscription is in the catalog, and goes after it; what a crash leaves between is a secret
 * without a subscription, which the next start removes.
 */
import path from 'node:path';
import { OperationalError } from '../lib/errors.ts';
import { findFileBytes, replaceFile } from '../lib/files.ts';
import type { Files } from '../lib/files.ts';
import { Mutex } from '../lib/mutex.ts';

export class WebhookSecrets {
  readonly #files: Files;
  readonly #file: string;
  readonly #mutex = new Mutex();
  #secrets: Map<string, string> | null = null;

  constructor(files: Files, keysFolder: string) {
    this.#files = files;
    this.#file = path.join(keysFolder, 'webhooks.json');
  }

  find(subscriptionId: string): string | undefined {
    return this.#read().get(subscriptionId);
  }

  async put(subscriptionId: string, secret: string): Promise<void> {
    await this.#change((secrets) => void secrets.set(subscriptionId, secret));
  }

  async remove(subscriptionId: string): Promise<void> {
    await this.#change((secrets) => void secrets.delete(subscriptionId));
  }

  /** Removes those of no subscription. */
  async keepOnly(subscriptionIds: readonly string[]): Promise<void> {
    if ([...this.#read().keys()].every((id) => subscriptionIds.includes(id))) return;
    await this.#change((secrets) => {
      for (const id of secrets.keys()) if (!subscriptionIds.includes(id)) secrets.delete(id);
    });
  }

  async #change(change: (secrets: Map<string, string>) => void): Promise<void> {
    await this.#mutex.run(async () => {
      const secrets = new Map(this.#read());
      change(secrets);
      this.#files.ensureFolder(path.dirname(this.#file));
      const text = `${JSON.stringify(Object.fromEntries(secrets), null, 2)}\n`;
      await replaceFile(this.#files, this.#file, Buffer.from(text));
      this.#secrets = secrets;
    });
  }

  #read(): Map<string, string> {
    this.#secrets ??= new Map(Object.entries(this.#parse()));
    return this.#secrets;
  }

  #parse(): Record<string, string> {
    const bytes = findFileBytes(this.#files, this.#file);
    if (bytes === undefined) return {};
    try {
      return JSON.parse(bytes.toString('utf8')) as Record<string, string>;
    } catch (cause) {
      const message = `${this.#file} is not the JSON that it was: put it back, or remove it and add the webhooks again`;
      throw new OperationalError(message, { retryable: false, cause });
    }
  }
}
