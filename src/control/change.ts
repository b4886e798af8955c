/** How a request changes the catalog: checks and writes in one transaction, which a dry run rolls back at its end. */
import type { Queries } from '../catalog/schema.ts';
import { RequestError } from '../lib/errors.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions } from './requests.ts';

/** As asked, without a token. */
export const unconditionally: ChangeOptions = { idempotency: null, dryRun: false };

/**
 * All of `work` or, when it throws, nothing. A dry run does all of it, so that it meets every refusal that the real one
 * would, and ends in the RequestError `DryRunOperation`. `work` must not act on anything but the catalog.
 */
export function change<T>(
  { catalog }: Parts,
  { dryRun }: ChangeOptions,
  work: (transaction: Queries) => Promise<T>,
): Promise<T> {
  return catalog.transaction(async (transaction) => {
    const result = await work(transaction);
    if (!dryRun) return result;
    throw new RequestError('DryRunOperation', 'Request validation has been passed with DryRun flag set.');
  });
}
