/**
 * How the client commands find their server, key and CA: what was typed, then a profile that was named, then the environment,
 * then the files that a server keeps in its DIR (`<run folder>/endpoint`, `keys/root.json`, `tls/ca.pem`).
 */
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import type { CliContext, ConnectOptions } from '../cli.ts';
import { OperationalError, errnoOf } from '../lib/errors.ts';
import { ensureRunFolder } from '../lib/run-folder.ts';
import { findServedRegions, regionIn, type ServedRegions } from '../lib/served-regions.ts';
import { defaultProfileFile, readProfile, type AliyunProfile } from './aliyun-profile.ts';
import { EcsClient } from './ecs-client.ts';
import { readTextFile } from './ecs-options.ts';
import type { SigningKey } from '../lib/acs3-request.ts';
import { UsageError } from './usage-error.ts';

export interface Connection {
  client: EcsClient;
  /** Absolute; of the service on this machine, if there is one, and of the region that is asked. */
  dataFolder: string;
}

/** Does not ask the server anything yet. Throws an OperationalError that says what to start or to give. */
export function findConnection(options: ConnectOptions, context: CliContext): Connection {
  const { environment } = context;
  const dataFolder = path.resolve(options.data ?? environment.dataFolder);
  const profile = findProfile(options, context);
  const served = findRegionsOf(dataFolder, environment.runtimeFolder);
  const home = served?.root ?? dataFolder;
  const startHint = `start one with: ${formatStart(context, dataFolder, served)}`;
  const named = options.endpoint ?? profile?.endpoint ?? environment.endpoint ?? undefined;
  const found = named ?? findEndpoint(dataFolder, environment.runtimeFolder);
  if (found === null) {
    throw new OperationalError(`no Hupo server runs on ${dataFolder}; ${startHint}`, { retryable: true });
  }
  const endpoint = parseEndpoint(found, options.insecure);
  // A folder of another region than the first means that region; a server that was named may be another one.
  const own = served === null || home === dataFolder || named !== undefined ? undefined : regionIn(served, dataFolder);
  const region = options.region ?? profile?.region ?? own;
  const ca = endpoint.startsWith('https:')
    ? findCa(options, context, { dataFolder: home, isNamed: named !== undefined })
    : null;
  const client = new EcsClient({
    endpoint,
    ...findKey(options, profile, context, home),
    startHint: named === undefined ? startHint : 'is it up, and is this its address?',
    ...(region === undefined ? {} : { region }),
    ...(ca === null ? {} : { ca }),
    ...(options.skipSecureVerify === undefined ? {} : { skipSecureVerify: options.skipSecureVerify }),
    ...(options.connectTimeoutMs === undefined ? {} : { connectTimeoutMs: options.connectTimeoutMs }),
    ...(options.readTimeoutMs === undefined ? {} : { readTimeoutMs: options.readTimeoutMs }),
  });
  return { client, dataFolder: findFolderOf(region, served) ?? dataFolder };
}

/** Of the region, where a server of this machine has it; null where none is known. */
function findFolderOf(region: string | undefined, served: ServedRegions | null): string | null {
  if (region === undefined || served === null) return null;
  return Object.hasOwn(served.folders, region) ? (served.folders[region] ?? null) : null;
}

/** Of the server that served the folder last. */
function findRegionsOf(dataFolder: string, runtimeFolder: string): ServedRegions | null {
  return fs.existsSync(dataFolder) ? findServedRegions(ensureRunFolder(dataFolder, runtimeFolder)) : null;
}

/** A folder of another region than the first is served with that. */
function formatStart(context: CliContext, dataFolder: string, served: ServedRegions | null): string {
  if (served === null || served.root === dataFolder) return formatCommand(context, 'serve', dataFolder);
  const others = Object.entries(served.folders).filter(([, folder]) => folder !== served.root);
  const words = others.map(([regionId, folder]) => ` --add-region ${quote(`${regionId}=${folder}`)}`);
  return `${formatCommand(context, 'serve', served.root)}${words.join('')}`;
}

/** `npx hupo serve --data DIR`, as a person types it here; DIR is left out where it is the default. */
export function formatCommand(
  { environment }: Pick<CliContext, 'environment'>,
  command: string,
  dataFolder: string,
): string {
  const isDefault = dataFolder === environment.dataFolder;
  return `${environment.command} ${command}${isDefault ? '' : ` --data ${quote(dataFolder)}`}`;
}

/** For a shell, where it needs that. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The URL that the running server of this folder wrote down, or null. It may be of one that was killed. */
export function findEndpoint(dataFolder: string, runtimeFolder: string): string | null {
  if (!fs.existsSync(dataFolder)) return null;
  return findText(path.join(ensureRunFolder(dataFolder, runtimeFolder), 'endpoint'))?.trim() || null;
}

function findProfile({ profile, profileFile }: ConnectOptions, { environment }: CliContext): AliyunProfile | undefined {
  if (profile === undefined) return undefined;
  return readProfile(profile, profileFile ?? defaultProfileFile(environment.homeFolder));
}

/**
 * `HOST[:PORT]` is https, as for the aliyun CLI, or http with `--insecure`; a URL says it itself. Throws a UsageError when it is
 * neither, or when the flag says the opposite.
 */
function parseEndpoint(text: string, insecure: boolean | undefined): string {
  const url = URL.parse(text.includes('://') ? text : `${insecure === true ? 'http' : 'https'}://${text}`);
  const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (!isWeb || url.hostname === '' || (url.pathname !== '/' && url.pathname !== '')) {
    throw new UsageError(`the endpoint "${text}" must be of the form http://HOST:PORT, https://HOST:PORT or HOST:PORT`);
  }
  if (insecure !== undefined && insecure !== (url.protocol === 'http:')) {
    throw new UsageError(`--${insecure ? 'insecure' : 'secure'} contradicts the endpoint ${url.origin}`);
  }
  return url.origin;
}

/** An endpoint that was named may also have a certificate that the whole system trusts. */
function findCa(
  options: ConnectOptions,
  { environment }: CliContext,
  { dataFolder, isNamed }: { dataFolder: string; isNamed: boolean },
): string[] | null {
  if (options.ca !== undefined) return [readTextFile(options.ca, '--ca')];
  if (environment.caFile !== null) return [readTextFile(environment.caFile, 'HUPO_CA')];
  const own = findText(path.join(dataFolder, 'tls', 'ca.pem'));
  if (own === undefined) return null;
  return isNamed ? [...tls.getCACertificates('default'), own] : [own];
}

/** Id and secret from one and the same place: a pair that is put together from two is never right. */
function findKey(
  options: ConnectOptions,
  profile: AliyunProfile | undefined,
  context: CliContext,
  dataFolder: string,
): SigningKey {
  const key = findPair(options, profile, context) ?? findRootKey(dataFolder);
  if (key === undefined) {
    throw new OperationalError(
      `there is no AccessKey: ${rootKeyFile(dataFolder)} is absent; give --access-key-id and --access-key-secret, ` +
        'or HUPO_ACCESS_KEY_ID and HUPO_ACCESS_KEY_SECRET in the environment',
      { retryable: false },
    );
  }
  const { accessKeyId, accessKeySecret, stsToken = options.stsToken } = key;
  if (stsToken !== undefined) return { accessKeyId, accessKeySecret, stsToken: options.stsToken ?? stsToken };
  if (!accessKeyId.startsWith(TEMPORARY)) return { accessKeyId, accessKeySecret };
  throw new UsageError(
    `${accessKeyId} is a temporary key, which is nothing without its token: give --sts-token, HUPO_STS_TOKEN beside ` +
      'HUPO_ACCESS_KEY_ID and HUPO_ACCESS_KEY_SECRET, or a profile of mode StsToken',
  );
}

/** How the ids of keys begin that STS has given. */
const TEMPORARY = 'STS.';

/** What was typed, else the profile's, else the environment's with its token. */
function findPair(
  { accessKeyId, accessKeySecret }: ConnectOptions,
  profile: AliyunProfile | undefined,
  { environment }: CliContext,
): SigningKey | undefined {
  const typed = pair(accessKeyId, accessKeySecret, '--access-key-id and --access-key-secret') ?? profile;
  if (typed !== undefined) return typed;
  const names = 'HUPO_ACCESS_KEY_ID and HUPO_ACCESS_KEY_SECRET';
  const set = pair(environment.accessKeyId, environment.accessKeySecret, names);
  const { stsToken } = environment;
  return set === undefined || stsToken === null ? set : { ...set, stsToken };
}

function pair(id: string | null | undefined, secret: string | null | undefined, names: string): SigningKey | undefined {
  const hasId = id !== undefined && id !== null;
  const hasSecret = secret !== undefined && secret !== null;
  if (hasId && hasSecret) return { accessKeyId: id, accessKeySecret: secret };
  if (hasId || hasSecret) throw new UsageError(`${names} belong together: give both or neither`);
  return undefined;
}

function rootKeyFile(dataFolder: string): string {
  return path.join(dataFolder, 'keys', 'root.json');
}

/** The root key that the first start made, or undefined. Throws an OperationalError when the file is not what it was. */
export function findRootKey(dataFolder: string): SigningKey | undefined {
  const text = findText(rootKeyFile(dataFolder));
  if (text === undefined) return undefined;
  const key = parseKey(text);
  if (key !== undefined) return key;
  throw new OperationalError(`${rootKeyFile(dataFolder)} does not hold accessKeyId and accessKeySecret`, {
    retryable: false,
  });
}

function parseKey(text: string): SigningKey | undefined {
  try {
    const { accessKeyId, accessKeySecret } = JSON.parse(text) as Partial<SigningKey>;
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
