/** Ctrl-C and SIGTERM as an AbortSignal, so that a command can clean up. A second one ends the process at once. */
import { OperationalError } from '../lib/errors.ts';

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 };

/** The command was told to end and has. */
export class InterruptedError extends OperationalError {
  /** What a shell expects of a process that such a signal ended. */
  readonly exitCode: number;

  constructor(signal: keyof typeof EXIT_CODES, more = '') {
    super(`interrupted${more}`, { retryable: false });
    this.exitCode = EXIT_CODES[signal];
  }
}

/** Runs `body`; its signal fires with an InterruptedError, which is then thrown whatever `body` throws. */
export async function withInterrupt<T>(body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = (signal: NodeJS.Signals) => {
    stopListening();
    controller.abort(new InterruptedError(signal === 'SIGTERM' ? 'SIGTERM' : 'SIGINT'));
  };
  const stopListening = () => {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    return await body(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    stopListening();
  }
}
