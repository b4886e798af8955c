/**
 * Names of buckets and objects (those of OSS, `ecs-api.md` 2.5), which are folders and files here, and formats of image
 * files. What passes leads nowhere but below the bucket.
 */

/** 3 to 63 lower-case letters, digits and `-`. */
export function isBucketName(name: string): boolean {
  return /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(name);
}

const OBJECT_LIMIT_BYTES = 1023;
const NAME_LIMIT_BYTES = 255;

/** What is wrong with it, for people, or null. */
export function findObjectProblem(name: string): string | null {
  if (Buffer.byteLength(name) > OBJECT_LIMIT_BYTES) return `an object’s name has at most ${OBJECT_LIMIT_BYTES} bytes`;
  if (/[\0\\]/.test(name)) return 'it must not contain a backslash or a NUL';
  const parts = name.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    return 'it must be FILE or FOLDER/FILE, below its bucket';
  }
  const isLong = parts.some((part) => Buffer.byteLength(part) > NAME_LIMIT_BYTES);
  return isLong ? `a part of it has more than ${NAME_LIMIT_BYTES} bytes` : null;
}

/** Of exported files, as in ExportImage. */
export const exportFormats = ['raw', 'vhd', 'qcow2', 'vmdk', 'vdi'] as const;
export type ExportFormat = (typeof exportFormats)[number];
