/** One line an event on standard error: time, what happened, what it is about, and what a person would need to act on it. */
import fs from 'node:fs';
import type { Clock } from './clock.ts';

/** What a line is about: `requestId` and `action`, or `operationId`, `kind` and `resourceId`. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

export interface Log {
  /** What is of use while something is looked for; absent where nobody wants it. */
  debug?(message: string, about?: LogFields): void;
  info(message: string, about?: LogFields): void;
  warn(message: string, about?: LogFields): void;
}

export type LogLevel = 'debug' | 'info' | 'warn';

export interface LogStyle {
  format: 'text' | 'json';
  /** Lines below it are not written. */
  level: LogLevel;
}

const STDERR = 2;
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn'];

/**
 * Writes `2026-11-22T10:00:00.000Z name: message key=value` lines, where `warn` lines say WARNING and what the message says already is not
 * said again; or each line as a JSON object.
 */
export function createLog(
  name: string,
  clock: Clock,
  write: (line: string) => void,
  style: LogStyle = { format: 'text', level: 'info' },
): Log {
  const line =
    (level: LogLevel) =>
    (message: string, about: LogFields = {}) => {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(style.level)) return;
      const time = new Date(clock.nowMs()).toISOString();
      if (style.format === 'json') return write(`${JSON.stringify({ time, level, name, message, ...about })}\n`);
      write(`${time} ${name}: ${level === 'warn' ? 'WARNING ' : ''}${message}${formatFields(message, about)}\n`);
    };
  const log = { info: line('info'), warn: line('warn') };
  return style.level === 'debug' ? { ...log, debug: line('debug') } : log;
}

function formatFields(message: string, about: LogFields): string {
  return Object.entries(about)
    .filter(([, value]) => !message.includes(String(value)))
    .map(([key, value]) => ` ${key}=${value}`)
    .join('');
}

/**
 * To standard error. Where the log cannot be written (a full file system, a reader that is gone) the text is lost and nothing
 * else: a stream's error would end the process, and its guests with it.
 */
export function writeToStderr(text: string): void {
  try {
    fs.writeSync(STDERR, text);
  } catch {
    // there is nobody to tell
  }
}
