/** What became of one of several things that an action is about: a refusal of one does not refuse the others. */
import { RequestError } from '../lib/errors.ts';
import type { ItemOutcome } from './requests.ts';

export async function outcomeOf(id: string, work: Promise<void>): Promise<ItemOutcome> {
  try {
    await work;
    return { id, refusal: null };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { id, refusal: { code: error.code, message: error.message } };
  }
}
