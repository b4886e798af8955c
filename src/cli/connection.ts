/**
 * How the client commands find their server and key: what was typed, then the environment, then the files that a server
 * keeps in its DIR (`<run folder>/endpoint`, `keys/root.json`).
 */
import fs from 'node:fs';
import path from 'node:path';
import type { CliContext, ConnectOptions } from '../cli.ts';
import { OperationalError, errnoOf } from '../lib/errors.ts';
import { ensureRunFolder } from '../lib/run-folder.ts';
import { EcsClient } from './ecs-client.ts';

export interface Connection {
  client: EcsClient;
  /** Absolute; of the service on this machine, if there is one. */
  dataFolder: string;
}

interface AccessKey {
  accessKeyId: string;
  accessKeySecret: string;
}

/** Does not ask the server anything yet. Throws an OperationalError that says what to start or to give. */
export function findConnection(options: ConnectOptions, context: CliContext): Connection {
  const { environment } = context;
  const dataFolder = path.resolve(options.data ?? environment.dataFolder);
  const startHint = `start one with: hupo serve --data ${dataFolder}`;
  const endpoint = options.endpoint ?? environment.endpoint ?? findEndpoint(dataFolder, environment.runtimeFolder);
  if (endpoint === null) {
    throw new OperationalError(`no Hupo server runs on ${dataFolder}; ${startHint}`, { retryable: true });
  }
  const client = new EcsClient({
    endpoint: checkEndpoint(endpoint),
    ...findKey(options, context, dataFolder),
    ...(options.region === undefined ? {} : { region: options.region }),
    startHint,
  });
  return { client, dataFolder };
}

/** The URL that the running server of this folder wrote down, or null. It may be of one that was killed. */
export function findEndpoint(dataFolder: string, runtimeFolder: string): string | null {
  if (!fs.existsSync(dataFolder)) return null;
  return findText(path.join(ensureRunFolder(dataFolder, runtimeFolder), 'endpoint'))?.trim() || null;
}

function checkEndpoint(endpoint: string): string {
  const url = URL.parse(endpoint);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.origin;
  throw new OperationalError(`the endpoint ${endpoint} must be of the form http://HOST:PORT`, { retryable: false });
}

function findKey(options: ConnectOptions, context: CliContext, dataFolder: string): AccessKey {
  const stored = () => findRootKey(dataFolder);
  const accessKeyId = options.accessKeyId ?? context.environment.accessKeyId ?? stored()?.accessKeyId;
  const accessKeySecret = options.accessKeySecret ?? context.environment.accessKeySecret ?? stored()?.accessKeySecret;
  if (accessKeyId !== undefined && accessKeySecret !== undefined) return { accessKeyId, accessKeySecret };
  throw new OperationalError(
    `there is no AccessKey: ${rootKeyFile(dataFolder)} is absent; give --access-key-id and --access-key-secret, ` +
      'or HUPO_ACCESS_KEY_ID and HUPO_ACCESS_KEY_SECRET in the environment',
    { retryable: false },
  );
}

function rootKeyFile(dataFolder: string): string {
  return path.join(dataFolder, 'keys', 'root.json');
}

/** The root key that the first start made, or undefined. Throws an OperationalError when the file is not what it was. */
export function findRootKey(dataFolder: string): AccessKey | undefined {
  const text = findText(rootKeyFile(dataFolder));
  if (text === undefined) return undefined;
  const key = parseKey(text);
  if (key !== undefined) return key;
  throw new OperationalError(`${rootKeyFile(dataFolder)} does not hold accessKeyId and accessKeySecret`, {
    retryable: false,
  });
}

function parseKey(text: string): AccessKey | undefined {
  try {
    const { accessKeyId, accessKeySecret } = JSON.parse(text) as Partial<AccessKey>;
    return typeof accessKeyId === 'string' && typeof accessKeySecret === 'string'
      ? { accessKeyId, accessKeySecret }
      : undefined;
  } catch {
    return undefined;
  }
}

function findText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new OperationalError(`${file} cannot be read`, { retryable: false, cause: error });
  }
}
