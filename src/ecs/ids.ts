/** Identifiers: prefix, three characters for the region, seventeen random ones (`ecs-api.md` 3.3). */
import type { Random } from '../lib/random.ts';

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
const RANDOM_LENGTH = 17;
/** The largest multiple of 36 in a byte: a byte at or above it is thrown away, so that every character is as likely. */
const FAIR_LIMIT = 252;

const REGION_CODES: ReadonlyMap<string, string> = new Map([
  ['cn-hangzhou', 'bp1'],
  ['cn-shanghai', 'uf6'],
  ['cn-beijing', '2ze'],
  ['cn-shenzhen', 'wz9'],
  ['cn-qingdao', 'm5e'],
  ['cn-hongkong', 'j6c'],
]);

/**
 * A new id such as `d-bp1…`: 20 characters of [0-9a-z] after the prefix, so that the serial of a disk (its id without
 * `d-`) fits the 20 bytes that a virtio disk can show.
 */
export function newId(prefix: string, regionId: string, random: Random): string {
  let characters = '';
  while (characters.length < RANDOM_LENGTH) {
    for (const byte of random.bytes(RANDOM_LENGTH)) {
      if (byte < FAIR_LIMIT && characters.length < RANDOM_LENGTH) characters += ALPHABET.charAt(byte % 36);
    }
  }
  return `${prefix}${regionCode(regionId)}${characters}`;
}

/** Three characters for a region: the ones in use for known regions, else derived from the name (always the same). */
export function regionCode(regionId: string): string {
  return REGION_CODES.get(regionId) ?? derivedCode(regionId);
}

function derivedCode(regionId: string): string {
  let hash = 0x811c9dc5;
  for (const character of regionId) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return (hash % 36 ** 3).toString(36).padStart(3, '0');
}

/** The regions' codes of the ids in a parameter's value: one id, or a JSON list of them. */
export function regionCodesIn(value: string): string[] {
  return [...value.matchAll(/\b[a-z]+-([0-9a-z]{3})[0-9a-z]{17}\b/g)].map(([, code = '']) => code);
}

/** What the guest sees as the disk's serial: the id without `d-`. */
export function diskSerial(diskId: string): string {
  return diskId.replace(/^d-/, '');
}

/** The chain of a disk's snapshots has the disk's suffix. */
export function snapshotLinkId(diskId: string): string {
  return `sl-${diskSerial(diskId)}`;
}

/** The disk whose chain `linkId` is, or null when it is no chain id. */
export function diskOfSnapshotLink(linkId: string): string | null {
  return linkId.startsWith('sl-') && linkId.length > 3 ? `d-${linkId.slice(3)}` : null;
}
