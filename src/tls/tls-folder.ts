/**
 * `DIR/tls`: the CA of a data folder (`ca.pem` to trust, `ca.key`) and the server's certificate with its key
 * (`server.pem`). Made when absent, made anew when they no longer do; the CA's key only ever once, for each new one would
 * ask every client for trust again.
 *
 * A crash leaves each file whole or absent. The CA's certificate is written after its key and taken away before a new key
 * is made, so one that is there fits the key that is there; the server's key and certificate are one file.
 */
import { X509Certificate, createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import path from 'node:path';
import { isIP } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import { findFileBytes, replaceFile } from '../lib/files.ts';
import type { Files } from '../lib/files.ts';
import type { Log } from '../lib/log.ts';
import type { Random } from '../lib/random.ts';
import { DAY_MS, SERVER_DAYS, authorityName, makeAuthority, makeKey, makeServerCertificate } from './certificates.ts';

/** A server that is never started anew serves this long at least before its certificate ends. */
const SERVER_DAYS_LEFT = 365;
/** So that the CA outlives what it signs. */
const CA_DAYS_LEFT = SERVER_DAYS + 1;

export interface TlsFolderOptions {
  files: Files;
  /** `DIR/tls`. */
  folder: string;
  /** Of this machine, for the CA's name. */
  hostName: string;
  /** DNS names and IP addresses that clients reach the server by. */
  names: readonly string[];
  clock: Clock;
  random: Random;
  log: Log;
}

export interface ServerCertificate {
  /** What clients must trust: a path. */
  caFile: string;
  key: string;
  cert: string;
}

interface Authority {
  privateKey: KeyObject;
  publicKey: KeyObject;
  certificate: X509Certificate;
}

/** OperationalError when what is there cannot be used and only a person can say what to do. */
export async function ensureServerCertificate(options: TlsFolderOptions): Promise<ServerCertificate> {
  const { files, folder } = options;
  files.ensureFolder(folder);
  await files.syncFolder(path.dirname(folder));
  const authority = await ensureAuthority(options);
  const file = path.join(folder, 'server.pem');
  const stored = findText(files, file);
  const pem = stored !== null && fits(stored, authority, options) ? stored : await renew(file, authority, options);
  return { caFile: caFileOf(folder), key: pem, cert: pem };
}

/** The names that a server is reached by: this machine's, and the address that it listens on, or all where that is any. */
export function serverNames(host: string, machine: { hostName: string; addresses: readonly string[] }): string[] {
  const isAny = host === '0.0.0.0' || host === '::';
  const names = ['localhost', '127.0.0.1', '::1', machine.hostName, ...(isAny ? machine.addresses : [host])];
  return [...new Set(names.map((name) => name.toLowerCase()))].filter((name) => isIP(name) !== 0 || isDnsName(name));
}

export function caFileOf(tlsFolder: string): string {
  return path.join(tlsFolder, 'ca.pem');
}

async function ensureAuthority(options: TlsFolderOptions): Promise<Authority> {
  const { files, folder, clock, log } = options;
  const keyFile = path.join(folder, 'ca.key');
  const keyText = findText(files, keyFile);
  if (keyText === null) return await replaceAuthority(keyFile, options);
  const privateKey = parseKey(keyText);
  if (privateKey === null) throw unusable(keyFile, 'holds no key', folder);
  const text = findText(files, caFileOf(folder));
  if (text === null) return await certify(privateKey, authorityName(options.hostName), options);
  const certificate = parseCertificate(text);
  if (certificate?.ca !== true) throw unusable(caFileOf(folder), 'holds no certificate of a CA', folder);
  if (!certificate.checkPrivateKey(privateKey))
    throw unusable(caFileOf(folder), `does not belong to ${keyFile}`, folder);
  if (daysLeft(certificate, clock) >= CA_DAYS_LEFT) {
    return { privateKey, publicKey: createPublicKey(privateKey), certificate };
  }
  log.warn(`the CA in ${caFileOf(folder)} ends on ${certificate.validTo}: it is renewed, so give clients the new one`);
  return await certify(privateKey, commonNameOf(certificate), options);
}

/** A certificate whose key is lost goes first: a crash in between must not leave it beside another key. */
async function replaceAuthority(keyFile: string, options: TlsFolderOptions): Promise<Authority> {
  const { files, folder, log } = options;
  if (files.find(caFileOf(folder)) !== undefined) {
    log.warn(`${keyFile} is gone: another CA is made, so clients must be told to trust ${caFileOf(folder)} anew`);
    files.unlink(caFileOf(folder));
    await files.syncFolder(folder);
  }
  const { privateKey } = makeKey();
  await replaceFile(files, keyFile, Buffer.from(formatKey(privateKey)));
  return await certify(privateKey, authorityName(options.hostName), options);
}

/** A renewed certificate has the name and the key of the old one, so clients with either trust what the CA signs. */
async function certify(privateKey: KeyObject, commonName: string, options: TlsFolderOptions): Promise<Authority> {
  const { files, folder, clock, random } = options;
  const keys = { privateKey, publicKey: createPublicKey(privateKey) };
  const pem = await makeAuthority(keys, commonName, { nowMs: clock.nowMs(), random });
  await replaceFile(files, caFileOf(folder), Buffer.from(pem));
  return { ...keys, certificate: new X509Certificate(pem) };
}

async function renew(file: string, authority: Authority, options: TlsFolderOptions): Promise<string> {
  const { files, names, clock, random } = options;
  const { privateKey, publicKey } = makeKey();
  const signer = { ...authority, commonName: commonNameOf(authority.certificate) };
  const pem = await makeServerCertificate(publicKey, names, signer, { nowMs: clock.nowMs(), random });
  const text = `${pem}${formatKey(privateKey)}`;
  await replaceFile(files, file, Buffer.from(text));
  return text;
}

/** Whether the stored key and certificate belong together, are the CA's, name everything, and last. */
function fits(pem: string, authority: Authority, { names, clock }: TlsFolderOptions): boolean {
  const certificate = parseCertificate(pem);
  const key = parseKey(pem);
  if (certificate === null || key === null || !certificate.checkPrivateKey(key)) return false;
  if (!certificate.checkIssued(authority.certificate) || !certificate.verify(authority.publicKey)) return false;
  if (daysLeft(certificate, clock) < SERVER_DAYS_LEFT) return false;
  return names.every((name) =>
    isIP(name) === 0
      ? certificate.checkHost(name, { subject: 'never', wildcards: false }) !== undefined
      : certificate.checkIP(name) !== undefined,
  );
}

/** Negative once it has ended; -1 too while it is not valid yet, as when the clock was wrong. */
function daysLeft(certificate: X509Certificate, clock: Clock): number {
  const nowMs = clock.nowMs();
  if (nowMs < certificate.validFromDate.getTime()) return -1;
  return (certificate.validToDate.getTime() - nowMs) / DAY_MS;
}

function commonNameOf(certificate: X509Certificate): string {
  return /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? '';
}

function findText(files: Files, name: string): string | null {
  return findFileBytes(files, name)?.toString('latin1') ?? null;
}

function parseCertificate(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function parseKey(pem: string): KeyObject | null {
  try {
    return createPrivateKey(pem);
  } catch {
    return null;
  }
}

function formatKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' });
}

function isDnsName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(name);
}

function unusable(file: string, problem: string, folder: string): OperationalError {
  return new OperationalError(
    `${file} ${problem}: put the right one back, or remove ${folder} to get another CA, which clients must be told to trust`,
    { retryable: false },
  );
}
