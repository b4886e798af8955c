/**
 * The console in Debian's Chromium, against a real server: page models that find things as a person does, by role and name. Whatever the browser
 * complains about (errors, blocked by the content security policy, requests elsewhere) fails the test.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import type { Browser, Locator, Page } from 'playwright-core';

const root = path.dirname(path.dirname(import.meta.dirname));
const CHROMIUM = '/usr/bin/chromium';

export const missingBrowser = fs.existsSync(CHROMIUM) ? false : 'the Debian package chromium is not installed';

/** What is built is what the sources say. */
export function buildConsole(): void {
  const built = spawnSync(process.execPath, [path.join(root, 'console', 'build.ts')], { encoding: 'utf8' });
  assert.equal(built.status, 0, built.stderr);
}

export async function openBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}

export interface View {
  language?: 'en' | 'zh';
  theme?: 'light' | 'dark';
  width?: number;
}

/** Runs in the page. What goes round for ever, as the mark of being live, does not count. */
const NOTHING_FADES = `Promise.allSettled(document.getAnimations()
  .filter(({ effect }) => effect.getComputedTiming().iterations !== Infinity).map(({ finished }) => finished)).then(() => true)`;

export class ConsolePage {
  readonly page: Page;
  readonly endpoint: string;
  /** What the browser complained of. */
  readonly complaints: string[] = [];

  private constructor(page: Page, endpoint: string) {
    this.page = page;
    this.endpoint = endpoint;
  }

  static async open(browser: Browser, endpoint: string, view: View = {}): Promise<ConsolePage> {
    const { language = 'en', theme = 'light', width = 1360 } = view;
    const context = await browser.newContext({
      locale: language === 'zh' ? 'zh-CN' : 'en-GB',
      colorScheme: theme,
      reducedMotion: 'reduce', // A click on what moves may hit nothing.
      viewport: { width, height: 900 },
    });
    const page = await context.newPage();
    const opened = new ConsolePage(page, endpoint);
    page.on('pageerror', (error) => opened.complaints.push(error.message));
    page.on('console', (message) => {
      const isRefusal = message.text().includes('Failed to load resource'); // what the API refuses is tested by what the page says
      if (message.type() === 'error' && !isRefusal) opened.complaints.push(message.text());
    });
    page.on('request', (request) => {
      const isOwn = request.url().startsWith(`${endpoint}/`) || request.url().startsWith('data:');
      if (!isOwn) opened.complaints.push(`asked for ${request.url()}`);
    });
    await page.goto(`${endpoint}/`);
    return opened;
  }

  async signIn(key: { accessKeyId: string; accessKeySecret: string }): Promise<void> {
    const { page } = this;
    await page.getByLabel('AccessKey ID').fill(key.accessKeyId);
    await page.getByLabel(/AccessKey secret/i).fill(key.accessKeySecret);
    await page.getByRole('button', { name: /^(Sign in|登\s?录)$/ }).click();
  }

  async goTo(place: string): Promise<void> {
    await this.page.goto(`${this.endpoint}/console${place}`);
  }

  heading(name: string | RegExp): Locator {
    return this.page.getByRole('heading', { level: 1, name });
  }

  /** The row that shows the text. */
  row(text: string): Locator {
    return this.page.getByRole('row').filter({ hasText: text });
  }

  dialog(): Locator {
    return this.page.getByRole('dialog');
  }

  /** Opens the menu of a row and chooses. */
  async act(row: string, name: string | RegExp): Promise<void> {
    await this.row(row)
      .getByRole('button', { name: /Actions for|的操作/ })
      .click();
    await this.page.getByRole('menuitem', { name, exact: true }).click();
  }

  /** What axe finds serious or worse once nothing fades in any more: rule and places. */
  async seriousFindings(): Promise<string[]> {
    await this.page.evaluate(NOTHING_FADES);
    await this.page.evaluate(axe.source);
    const found = await this.page.evaluate(async () => (await axe.run()).violations);
    return found
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
  }

  async close(): Promise<void> {
    await this.page.context().close();
    assert.deepEqual(this.complaints, []);
  }
}
