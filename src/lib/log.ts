/** One line an event on standard error: time, what happened, and what a person would need to act on it. */
import fs from 'node:fs';
import type { Clock } from './clock.ts';

export interface Log {
  info(message: string): void;
  warn(message: string): void;
}

const STDERR = 2;

/** Writes `2026-11-22T10:00:00.000Z name: message` lines; `warn` lines say WARNING. */
export function createLog(name: string, clock: Clock, write: (line: string) => void): Log {
  const line = (text: string) => write(`${new Date(clock.nowMs()).toISOString()} ${name}: ${text}\n`);
  return { info: line, warn: (message) => line(`WARNING ${message}`) };
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
