/** Waits for several pieces of work, where none may be left running behind: a file is closed only after its last sync. */

/** Resolves when all have; rejects with the first failure, when all have ended. */
export async function allDone(waits: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(waits);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
