/** Sizes as a person types them. */
import { UsageError } from './usage-error.ts';

const UNITS = ['', 'K', 'M', 'G', 'T', 'P'];

/** `512MiB`, `1.5GiB`, `2G`, `4096` in bytes; units are powers of 1024. Null when nothing was typed. */
export function parseSize(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?(?:([KMGTP])i?)?B?$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * 1024 ** UNITS.indexOf(unit.toUpperCase()));
  if (number !== '' && Number.isSafeInteger(bytes)) return bytes;
  throw new UsageError(`${option} ${text} is not a size, as in 512MiB or 2GiB`);
}
