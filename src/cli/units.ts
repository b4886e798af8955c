/** Times and rates for people. */
import { formatBytes } from '../lib/byte-units.ts';

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
