/** The only reader of the command line and the environment. Everything else is handed what it needs. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Environment {
  /** `HUPO_ACCESS_KEY_ID`, `HUPO_ACCESS_KEY_SECRET`: the root key, over the stored one. */
  accessKeyId: string | null;
  accessKeySecret: string | null;
  /** `HUPO_STS_TOKEN`: of a temporary key in those two. */
  stsToken: string | null;
  /** `HUPO_ENDPOINT`: the server that the CLI talks to. */
  endpoint: string | null;
  /** `HUPO_CA`: the certificate of the CA that the CLI trusts. */
  caFile: string | null;
  /** `HUPO_DATA`, else `hupo` in the user's data home (`XDG_DATA_HOME`, else ~/.local/share). */
  dataFolder: string;
  /** `XDG_RUNTIME_DIR`, else the temporary folder: where sockets go when DIR's path is too long. */
  runtimeFolder: string;
  temporaryFolder: string;
  homeFolder: string;
  /** `hupo` in the user's cache (`XDG_CACHE_HOME`, else ~/.cache). */
  cacheFolder: string;
  /** What a person types to start Hupo, for messages that name a command: `hupo`, or `npx hupo` in a clone. */
  command: string;
}

export function readEnvironment(): Environment {
  const env = process.env;
  const dataHome = env['XDG_DATA_HOME'] || path.join(os.homedir(), '.local', 'share');
  return {
    accessKeyId: env['HUPO_ACCESS_KEY_ID'] || null,
    accessKeySecret: env['HUPO_ACCESS_KEY_SECRET'] || null,
    stsToken: env['HUPO_STS_TOKEN'] || null,
    endpoint: env['HUPO_ENDPOINT'] || null,
    caFile: env['HUPO_CA'] || null,
    dataFolder: path.resolve(env['HUPO_DATA'] || path.join(dataHome, 'hupo')),
    runtimeFolder: env['XDG_RUNTIME_DIR'] || os.tmpdir(),
    temporaryFolder: os.tmpdir(),
    homeFolder: os.homedir(),
    cacheFolder: path.join(env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'hupo'),
    command: findCommand(env),
  };
}

/**
 * For diskd: threads for reads that wait for the device and for syncs. The 4 that Node has of itself do 25,000 cold reads a
 * second here, 8 to 16 of them 30,000 to 40,000 (ADR 0003).
 */
export function readDiskdEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, UV_THREADPOOL_SIZE: '12' };
}

/** What was typed after the program's name. */
export function readArguments(): string[] {
  return process.argv.slice(2);
}

/** npm, when it runs us, puts folders into PATH that a person's shell has not. */
function findCommand(env: NodeJS.ProcessEnv): string {
  const isRunByNpm = env['npm_command'] !== undefined || env['npm_lifecycle_event'] !== undefined;
  const launcher = path.join(import.meta.dirname, '..', 'bin', 'hupo.js');
  const folders = (env['PATH'] ?? '').split(path.delimiter).filter(Boolean);
  const isInPath = folders.some((folder) => isSameFile(path.join(folder, 'hupo'), launcher));
  return isInPath && !isRunByNpm ? 'hupo' : 'npx hupo';
}

function isSameFile(one: string, other: string): boolean {
  try {
    return fs.realpathSync(one) === fs.realpathSync(other);
  } catch {
    return false; // one of them is not there
  }
}
