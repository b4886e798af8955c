/** The two time formats of the API, both UTC (`ecs-api.md` 3.7). Times inside are milliseconds since 1970. */

const SECOND = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})Z$/;
const MINUTE = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})Z$/;

/** `yyyy-MM-ddTHH:mm:ssZ`: disks, snapshots, images. The milliseconds are cut off. */
export function formatSecond(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}

/** `yyyy-MM-ddTHH:mmZ`: instances and expiry times. */
export function formatMinute(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16)}Z`;
}

/** The time, or null unless the text is exactly `yyyy-MM-ddTHH:mm:ssZ` and a date that exists. */
export function parseSecond(text: string): number | null {
  return SECOND.test(text) ? existing(text, formatSecond) : null;
}

/** The time, or null unless the text is exactly `yyyy-MM-ddTHH:mmZ` and a date that exists. */
export function parseMinute(text: string): number | null {
  return MINUTE.test(text) ? existing(text, formatMinute) : null;
}

/** A date such as 30 February parses as 2 March: it exists only if it comes out as it went in. */
function existing(text: string, format: (timeMs: number) => string): number | null {
  const timeMs = Date.parse(text);
  return Number.isFinite(timeMs) && format(timeMs) === text ? timeMs : null;
}
