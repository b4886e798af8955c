/** Sizes and times for people. */

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

/** `12 ms`, `1.4 s`, `2 min 05 s`, `1 h 02 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 99.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

/** A time that is only about right: `0 s`, `18 s`, `2 min 05 s`. */
export function formatWait(ms: number): string {
  return ms < 99_500 ? `${Math.round(ms / 1000)} s` : formatDuration(ms);
}

/** Bytes a second. */
export function formatRate(byteCount: number, ms: number): string {
  return `${formatBytes((byteCount * 1000) / Math.max(ms, 1))}/s`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
