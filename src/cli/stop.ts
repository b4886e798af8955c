/** `hupo stop`: ends the server and the data plane of a folder, flushed, whoever is connected. Nothing running is no error. */
import fs from 'node:fs';
import path from 'node:path';
import type { CliContext } from '../cli.ts';
import { ensureDataFolder } from '../control/data-folder.ts';
import type { DataFolder } from '../control/data-folder.ts';
import type { ServeCalls } from '../control/serve-calls.ts';
import { DISKD_PROTOCOL } from '../disk/protocol.ts';
import type { DiskdCalls } from '../disk/protocol.ts';
import { systemClock } from '../lib/clock.ts';
import { OperationalError, errnoOf } from '../lib/errors.ts';
import { LineClient } from '../lib/line-channel.ts';
import type { Calls } from '../lib/line-channel.ts';
import { findServedRegions, type ServedRegions } from '../lib/served-regions.ts';
import { isThere } from './known-folder.ts';

const END_TIMEOUT_MS = 30_000;
const LOOK_EVERY_MS = 20;

/** The exit code. Throws when something that runs does not end. */
export async function runStop(options: { data: string }, context: CliContext): Promise<number> {
  const root = path.resolve(options.data);
  if (!isThere(path.join(root, 'disks'))) {
    context.out(`Nothing runs on ${root}: it is no data folder of hupo.\n`);
    return 0;
  }
  const folder = ensureDataFolder(root, context.environment.runtimeFolder);
  const regions = findServedRegions(folder.runFolder);
  const served = await stopServe(folder);
  const clientCount = await stopDiskd(folder);
  if (served !== null)
    context.out(`The server of ${root} has ended, and its data plane${dropped(served)}${others(regions, root)}.\n`);
  else if (clientCount !== null) context.out(`The data plane of ${root} has ended${dropped(clientCount)}.\n`);
  else context.out(`Nothing runs on ${root}.\n`);
  return 0;
}

/** One server serves all its regions, whichever folder was named. */
function others(served: ServedRegions | null, root: string): string {
  const more = Object.entries(served?.folders ?? {}).filter(([, folder]) => folder !== root);
  if (more.length === 0) return '';
  return `, with its other region${more.length === 1 ? '' : 's'}: ${more.map(([id, folder]) => `${id} (${folder})`).join(', ')}`;
}

function dropped(clientCount: number): string {
  return clientCount === 0 ? '' : `, with ${clientCount} connection${clientCount === 1 ? '' : 's'} open (flushed)`;
}

/** How many clients were connected, or null when no server runs. */
async function stopServe(folder: DataFolder): Promise<number | null> {
  const client = await connect<ServeCalls>(folder.serveSocket);
  if (client === null) return null;
  try {
    const { pid, clientCount } = await client.call('stop', {});
    await waitUntilGone(pid);
    return clientCount;
  } finally {
    client.close();
  }
}

/** How many clients were connected, or null when no data plane runs. */
async function stopDiskd(folder: DataFolder): Promise<number | null> {
  const client = await connect<DiskdCalls>(folder.diskdSocket);
  if (client === null) return null;
  try {
    const { pid } = await client.call('hello', { protocol: DISKD_PROTOCOL });
    const { clientCount } = await client.call('shutdown', { force: true });
    await waitUntilGone(pid);
    return clientCount;
  } finally {
    client.close();
  }
}

async function connect<C extends Calls>(socketPath: string): Promise<LineClient<C> | null> {
  return await LineClient.connect<C>(socketPath).catch(() => null);
}

async function waitUntilGone(pid: number): Promise<void> {
  const untilMs = systemClock.monotonicMs() + END_TIMEOUT_MS;
  while (isAlive(pid)) {
    if (systemClock.monotonicMs() > untilMs) {
      throw new OperationalError(`process ${pid} was told to end and is still there after ${END_TIMEOUT_MS / 1000} s`, {
        retryable: true,
      });
    }
    await systemClock.sleep(LOOK_EVERY_MS);
  }
}

/** A process that has ended and that its parent has not looked at yet (a zombie) is gone. Source: proc(5). */
function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return false;
    throw error;
  }
}
