/** A question before something that cannot be taken back: only where a person is there to answer it. */
import readline from 'node:readline/promises';
import { UsageError } from './usage-error.ts';

/** Whether it was answered with yes. Throws a UsageError where nobody can be asked, for a script says what it means: `--yes`. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  const { stdin: input, stderr: output } = process;
  if (!input.isTTY || !output.isTTY) throw new UsageError(`${question} Nobody is here to be asked: say --yes`);
  const asked = readline.createInterface({ input, output });
  try {
    return /^y(es)?$/i.test((await asked.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    asked.close();
  }
}
