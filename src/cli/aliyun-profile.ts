/**
 * Profiles of the aliyun CLI (`~/.aliyun/config.json`), read only when `--profile` names one: what is in there by default is
 * a key of the public cloud, which has no business here unless somebody says so.
 */
import path from 'node:path';
import { readTextFile } from './ecs-options.ts';
import { UsageError } from './usage-error.ts';

/** What is in the profile. */
export interface AliyunProfile {
  accessKeyId: string;
  accessKeySecret: string;
  stsToken?: string;
  region?: string;
  /** `HOST[:PORT]`. */
  endpoint?: string;
}

interface StoredProfile {
  name?: unknown;
  mode?: unknown;
  access_key_id?: unknown;
  access_key_secret?: unknown;
  sts_token?: unknown;
  region_id?: unknown;
  endpoint?: unknown;
}

export function defaultProfileFile(homeFolder: string): string {
  return path.join(homeFolder, '.aliyun', 'config.json');
}

/** Throws a UsageError when it is not there or holds no key pair. */
export function readProfile(name: string, file: string): AliyunProfile {
  const profiles = parseProfiles(readTextFile(file, '--profile'), file);
  const profile = profiles.find((candidate) => candidate.name === name);
  if (profile === undefined) {
    const names = profiles.map((candidate) => String(candidate.name)).join(', ');
    throw new UsageError(`${file} has no profile "${name}"; it has: ${names || 'none'}`);
  }
  const { access_key_id: id, access_key_secret: secret, mode = 'AK' } = profile;
  if ((mode !== 'AK' && mode !== 'StsToken') || !isText(id) || !isText(secret)) {
    throw new UsageError(`the profile "${name}" of ${file} has no key pair: its mode must be AK or StsToken`);
  }
  return {
    accessKeyId: id,
    accessKeySecret: secret,
    ...(mode === 'StsToken' && isText(profile.sts_token) ? { stsToken: profile.sts_token } : {}),
    ...(isText(profile.region_id) ? { region: profile.region_id } : {}),
    ...(isText(profile.endpoint) ? { endpoint: profile.endpoint } : {}),
  };
}

function parseProfiles(text: string, file: string): StoredProfile[] {
  try {
    const { profiles } = JSON.parse(text) as { profiles?: unknown };
    if (Array.isArray(profiles)) return profiles.filter((profile) => typeof profile === 'object' && profile !== null);
  } catch {
    // told below
  }
  throw new UsageError(`${file} holds no profiles of the aliyun CLI`);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
