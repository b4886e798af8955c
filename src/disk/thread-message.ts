/** What diskd's main thread and its disk threads send each other, and errors in a form that survives the way. */
import { CorruptionError, OperationalError, RequestError, messageOf } from '../lib/errors.ts';
import type { DiskCall } from './disk-host.ts';
import type { DiskdCalls } from './protocol.ts';

export interface ThreadOptions {
  dataFolder: string;
  runFolder: string;
  /** What guests leave free of the file system. */
  reserveBytes: number;
  threadNumber: number;
}

export type ThreadRequest =
  | { id: number; call: DiskCall; body: object }
  | { id: number; call: 'count' | 'listActive' | 'closeAll'; body: object }
  | { id: number; call: 'shutGates' | 'freezeTogether'; body: DiskdCalls['freezeGroup']['request'] }
  | { id: number; call: 'openGates'; body: { groupId: string } };

export interface ThreadCounts {
  /** Connected to its disks now. */
  clientCount: number;
  /** Of clients to its disks, since they were opened. */
  requestCount: number;
}

export type ThreadReply = { id: number; reply: object } | { id: number; error: ThreadError };

export type ThreadError =
  | { kind: 'request'; code: string; message: string }
  | { kind: 'operational'; retryable: boolean; message: string }
  | { kind: 'corruption'; what: string; where: string }
  | { kind: 'bug'; message: string };

export function encodeThreadError(error: unknown): ThreadError {
  const message = messageOf(error);
  if (error instanceof RequestError) return { kind: 'request', code: error.code, message };
  if (error instanceof OperationalError) return { kind: 'operational', retryable: error.retryable, message };
  if (error instanceof CorruptionError) return { kind: 'corruption', what: error.what, where: error.where };
  return { kind: 'bug', message: error instanceof Error ? (error.stack ?? message) : message };
}

export function decodeThreadError(error: ThreadError): Error {
  switch (error.kind) {
    case 'request':
      return new RequestError(error.code, error.message);
    case 'operational':
      return new OperationalError(error.message, { retryable: error.retryable });
    case 'corruption':
      return new CorruptionError(error.what, error.where);
    case 'bug':
      return new Error(error.message);
  }
}
