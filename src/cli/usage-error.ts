/** What was typed cannot be done as it is typed; nothing was asked of the server. */
import { OperationalError } from '../lib/errors.ts';

export class UsageError extends OperationalError {
  constructor(message: string) {
    super(message, { retryable: false });
  }
}
