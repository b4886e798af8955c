/** Ctrl-C and SIGTERM as an AbortSignal, so that a command can clean up. A second one ends the process at once. */
import { OperationalError } from '../lib/errors.ts';

/** Runs `body`; its signal fires with an OperationalError "interrupted", which is then thrown whatever `body` throws. */
export async function withInterrupt<T>(body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = () => {
    stopListening();
    controller.abort(new OperationalError('interrupted', { retryable: false }));
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
