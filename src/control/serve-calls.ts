/** What `hupo stop`, `hupo check` and `hupo disk fetch` ask a running server, on `run/serve.sock` (`lib/line-channel.ts`). */

import type { CollectResult } from '../repository/collect.ts';
import type { RepositoryFinding } from '../repository/check.ts';
import type { RepositorySizes, SnapshotSize } from '../repository/sizes.ts';
import type { PassState } from '../repository/verification.ts';

export interface RepositoryReport extends Omit<RepositorySizes, 'snapshots'> {
  /** Name and time are the catalog's; null where it does not know the snapshot, or it has no name. */
  snapshots: (SnapshotSize & { name: string | null; createdAtMs: number | null })[];
  pass: PassState | null;
}

export type ServeCalls = {
  /** Ends the server and the data plane, whoever is connected. Answers when both have ended what they do. */
  stop: { request: object; reply: { pid: number; clientCount: number } };
  /** Makes a copy of the catalog for `hupo backup`, which removes it. */
  backup: { request: object; reply: { copy: string; regionId: string } };
  check: { request: { readData: boolean; heal: boolean }; reply: CheckReport };
  repository: {
    request: {
      action: 'describe' | 'check' | 'verify' | 'plan' | 'collect' | 'compact';
      /** Verify: only a pass counts that began then or later; absent: that which is under way goes on. */
      sinceMs?: number;
      /** Check: `findings` instead of `texts`. */
      asData?: boolean;
    };
    reply: {
      report?: RepositoryReport;
      /** What is wrong; `texts` are a sentence each, of what may be very long. */
      findings?: RepositoryFinding[];
      texts?: string[];
      /** Chunks that were stored again, from disks that have them. */
      healedCount?: number;
      /** One pack more of the pass of verification. */
      step?: { readBytes: number; findings: string[]; leftBytes: number; isEnd: boolean };
      /** `damaged`: what was left alone because it cannot be read, a sentence each. */
      collected?: Omit<CollectResult, 'damaged'> & { damaged: string[] };
    };
  };
  /** Begins or ends the fetching of a disk's base, or only looks. Tells how it is afterwards. */
  fetch: { request: { diskId: string; action: 'start' | 'stop' | 'look' }; reply: FetchReport };
};

export interface CheckReport {
  /** What is wrong, a line each; empty when nothing is. */
  findings: string[];
  diskCount: number;
  snapshotCount: number;
  /** What was read of disks and compared with snapshots; null when that was not asked for, or no data plane runs. */
  comparedBytes: number | null;
  /** What disks hold besides: written since, or of no snapshot that is there; 0 where nothing was compared. */
  uncomparedBytes: number;
}

export interface FetchReport {
  /** Whose content the disk began as, or was rolled back to; null for zeros, or when there is no such disk any more. */
  snapshotId: string | null;
  /** The disk needs nothing of the repository: it is fetched whole, or began empty. */
  isWhole: boolean;
  isRunning: boolean;
  /** Of what the base holds; both 0 before the first slice. */
  doneBytes: number;
  totalBytes: number;
  /** What keeps it just now, or null. */
  waitsFor: string | null;
  /** Why it ended early, or null. */
  failure: string | null;
}
