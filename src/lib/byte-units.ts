/** Sizes for people, in output and in log lines. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Three significant digits: `512 B`, `1.00 KiB`, `83.4 MiB`, `20 GiB` for whole numbers of a unit. */
export function formatBytes(byteCount: number): string {
  let value = byteCount;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${formatValue(value)} ${UNITS[unit]}`;
}

function formatValue(value: number): string {
  if (Number.isInteger(value) || value >= 100) return String(Math.round(value));
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
