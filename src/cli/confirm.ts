/** A question before something that cannot be taken back: only where a person is there to answer it. */
import readline from 'node:readline/promises';

/** Whether it was answered with yes. True at once where input or messages are no terminal. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  const { stdin: input, stderr: output } = process;
  if (!input.isTTY || !output.isTTY) return true;
  const asked = readline.createInterface({ input, output });
  try {
    return /^y(es)?$/i.test((await asked.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    asked.close();
  }
}
