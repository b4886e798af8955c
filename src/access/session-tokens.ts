/**
 * Temporary keys of roles, as the token that AssumeRole gives out holds them: sealed under the server's master key, and written
 * nowhere here, so that there is nothing to keep, to lose or to clean up. A token ends by its time; before that with the role, with the
 * user that took it, and with the key that the user took it with.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { RequestError } from '../lib/errors.ts';
import type { MasterKey } from './master-key.ts';

export interface Session {
  accessKeyId: string;
  secret: string;
  roleId: string;
  sessionName: string;
  expiresAtMs: number;
  /** Of the user who took the role. */
  userId: string;
  userKeyId: string;
  /** A policy that narrows the role's, or null. */
  policy: string | null;
}

const OWNER = 'session';
/** Larger than any that is given out. */
const OPENED_LIMIT_BYTES = 64 * 1024;

export function sealSession(masterKey: MasterKey, session: Session): string {
  return masterKey.seal('sessions', OWNER, deflateRawSync(JSON.stringify(session)));
}

/** RequestErrors InvalidSecurityToken.Malformed, .MismatchWithAccessKey, .Expired. */
export function openSession(
  masterKey: MasterKey,
  token: string,
  asked: { accessKeyId: string; nowMs: number },
): Session {
  const opened = masterKey.open('sessions', OWNER, token);
  if (opened === null) throw refused('Malformed', 'it is none that this server gave out');
  const text = inflateRawSync(opened, { maxOutputLength: OPENED_LIMIT_BYTES }).toString('utf8');
  const session = JSON.parse(text) as Session;
  if (session.accessKeyId !== asked.accessKeyId) {
    throw refused('MismatchWithAccessKey', 'it was given out with another AccessKeyId');
  }
  if (session.expiresAtMs <= asked.nowMs) {
    throw refused('Expired', `it was valid until ${new Date(session.expiresAtMs).toISOString()}`);
  }
  return session;
}

/** What it stood on is gone. */
export function revoked(what: string): RequestError {
  return refused('Expired', `${what} that it was given out for is gone`);
}

function refused(how: 'Malformed' | 'MismatchWithAccessKey' | 'Expired', why: string): RequestError {
  return new RequestError(`InvalidSecurityToken.${how}`, `Specified SecurityToken is not valid: ${why}.`);
}
