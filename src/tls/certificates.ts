/**
 * The two kinds of certificates that `hupo serve --tls` makes: the CA of a data folder, which people tell their clients to
 * trust, and the server's own below it. Pure making; `tls-folder.ts` keeps them.
 *
 * The CA has no name constraints: the names that it must vouch for change (another --listen, another host name), and each
 * change would ask every client for trust anew. Its key never leaves DIR, and it can sign no further CA.
 */
import { generateKeyPairSync } from 'node:crypto';
import { isIP } from 'node:net';
import type { KeyObject, webcrypto } from 'node:crypto';
import type * as X509 from '@peculiar/x509';
import type { Random } from '../lib/random.ts';

export const DAY_MS = 24 * 60 * 60 * 1000;
export const CA_DAYS = 3650;
/** The longest that platforms accept of a server's certificate (Apple, 2019). */
export const SERVER_DAYS = 825;

/** Clients whose clocks are late see a certificate that is valid already. */
const BACKDATED_MS = DAY_MS;
const SERIAL_BYTES = 16;
const COMMON_NAME_LIMIT = 64;

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface Making {
  nowMs: number;
  random: Random;
}

/** A fresh P-256 key. */
export function makeKey(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** What a new CA is called: so that people who look at what they trust see what and whose it is. */
export function authorityName(hostName: string): string {
  return `Hupo CA ${plainText(hostName)}`.slice(0, COMMON_NAME_LIMIT);
}

/** The CA's certificate for its own key, as PEM. */
export async function makeAuthority(
  keys: { privateKey: KeyObject; publicKey: KeyObject },
  commonName: string,
  making: Making,
): Promise<string> {
  const x509 = await loadX509();
  const publicKey = verifyingKey(keys.publicKey);
  return await sign({
    ...making,
    days: CA_DAYS,
    subject: commonName,
    issuer: commonName,
    publicKey,
    signer: keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
}

/** The server's certificate for these names (DNS names and IP addresses), signed by the CA, as PEM. */
export async function makeServerCertificate(
  publicKeyOfServer: KeyObject,
  names: readonly string[],
  authority: { privateKey: KeyObject; publicKey: KeyObject; commonName: string },
  making: Making,
): Promise<string> {
  const x509 = await loadX509();
  const publicKey = verifyingKey(publicKeyOfServer);
  return await sign({
    ...making,
    days: SERVER_DAYS,
    subject: 'Hupo server',
    issuer: authority.commonName,
    publicKey,
    signer: authority.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(verifyingKey(authority.publicKey)),
    ],
  });
}

async function sign(certificate: {
  nowMs: number;
  random: Random;
  days: number;
  subject: string;
  issuer: string;
  publicKey: webcrypto.CryptoKey;
  signer: KeyObject;
  extensions: X509.Extension[];
}): Promise<string> {
  const { X509CertificateGenerator } = await loadX509();
  const { nowMs, random, days, subject, issuer, publicKey, signer, extensions } = certificate;
  const notBeforeMs = nowMs - BACKDATED_MS;
  const made = await X509CertificateGenerator.create({
    serialNumber: makeSerialNumber(random),
    subject: [{ CN: [subject] }],
    issuer: [{ CN: [issuer] }],
    notBefore: new Date(notBeforeMs),
    notAfter: new Date(notBeforeMs + days * DAY_MS),
    publicKey,
    signingKey: signer.toCryptoKey(ALGORITHM, false, ['sign']),
    signingAlgorithm: ALGORITHM,
    extensions,
  });
  return `${made.toString('pem')}\n`;
}

/** Positive and not zero, as RFC 5280 wants it. */
function makeSerialNumber(random: Random): string {
  const bytes = random.bytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function verifyingKey(key: KeyObject): webcrypto.CryptoKey {
  return key.toCryptoKey(ALGORITHM, true, ['verify']);
}

/** What needs no quoting in a distinguished name. */
function plainText(text: string): string {
  return text.replace(/[^A-Za-z0-9.-]/g, '-');
}

/**
 * The library is loaded only when something must be made. What wires its parts (tsyringe) asks `Reflect` for metadata of
 * decorated classes and refuses to load without; none of its classes has any, so the answer is always: nothing.
 */
async function loadX509(): Promise<typeof X509> {
  const nothing = () => undefined;
  if (!('getMetadata' in Reflect)) Object.assign(Reflect, { getMetadata: nothing, getOwnMetadata: nothing });
  return await import('@peculiar/x509');
}
