/** What `hupo stop` and `hupo check` ask a running server, on `run/serve.sock` (`lib/line-channel.ts`). */

export type ServeCalls = {
  /** Ends the server and the data plane, whoever is connected. Answers when both have ended what they do. */
  stop: { request: object; reply: { pid: number; clientCount: number } };
  check: { request: { readData: boolean }; reply: CheckReport };
};

export interface CheckReport {
  /** What is wrong, a line each; empty when nothing is. */
  findings: string[];
  diskCount: number;
  snapshotCount: number;
}
