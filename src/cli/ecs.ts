/** `hupo ecs <Action> --Param value …`: one API call; its JSON on standard output, or its error on standard error. */
import type { CliContext, ConnectOptions } from '../cli.ts';
import { OperationalError } from '../lib/errors.ts';
import { findConnection } from './connection.ts';
import { EcsError } from './ecs-client.ts';

export interface EcsCommand {
  action: string;
  /** As typed after the action: `--Name value` or `--Name=value`. */
  args: string[];
  connect: ConnectOptions;
}

/** Returns the exit code: 0, or 1 when the server refuses. */
export async function runEcs(command: EcsCommand, context: CliContext): Promise<number> {
  const parameters = parseParameters(command.args);
  const { client } = findConnection(command.connect, context);
  try {
    const answer = await client.call(command.action, parameters);
    context.out(`${JSON.stringify(answer, null, 2)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof EcsError)) throw error;
    context.err(formatRefusal(error));
    return 1;
  }
}

/** Throws an OperationalError for anything but names with values. A name given twice keeps its last value. */
export function parseParameters(args: string[]): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    const match = /^--([A-Za-z][\w.]*)(?:=(.*))?$/s.exec(arg);
    if (match === null) {
      throw new OperationalError(`"${arg}" is no parameter: write --Name value`, { retryable: false });
    }
    const [, name = '', given] = match;
    const value = given ?? args[++index];
    if (value === undefined) throw new OperationalError(`--${name} lacks its value`, { retryable: false });
    parameters[name] = value;
  }
  return parameters;
}

function formatRefusal(error: EcsError): string {
  const lines = [
    ['Code', error.code],
    ['Message', error.message],
    ['RequestId', error.requestId],
    ['Recommend', error.recommend],
  ].filter(([, value]) => value !== '');
  return lines.map(([name = '', value]) => `${`${name}:`.padEnd(11)}${value}\n`).join('');
}
