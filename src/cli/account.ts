/** `hupo account`: a client of HupoLockAccount and the actions beside it. */
import type { CliContext, ConnectOptions } from '../cli.ts';
import { confirm } from './confirm.ts';
import { findConnection } from './connection.ts';
import { withInterrupt } from './interrupt.ts';

export interface ShowOptions extends ConnectOptions {
  json?: true;
}

export interface LockOptions extends ConnectOptions {
  deleteAfter?: string;
  yes?: true;
}

interface AccountAnswer {
  Status: 'Normal' | 'Locked';
  LockTime?: string;
  DeletionTime?: string;
  DeletedTime?: string;
}

export async function runAccountShow(options: ShowOptions, context: CliContext): Promise<number> {
  const { client } = findConnection(options, context);
  const answer = await withInterrupt((signal) => client.call<AccountAnswer>('HupoDescribeAccount', {}, signal));
  context.out(options.json === true ? `${JSON.stringify(answer)}\n` : `${describe(answer)}\n`);
  return 0;
}

function describe({ Status, LockTime, DeletionTime, DeletedTime }: AccountAnswer): string {
  if (Status === 'Normal') return 'The account is in order.';
  const since = `The account has been in arrears since ${LockTime}: the snapshot service is stopped, and what is PostPaid is locked.`;
  const lost = 'its policies, and the snapshots that nothing is made from';
  if (DeletedTime !== undefined) return `${since}\nAt ${DeletedTime} ${lost} were deleted.`;
  return DeletionTime === undefined
    ? `${since}\nNothing is deleted.`
    : `${since}\nAt ${DeletionTime} ${lost} are deleted.`;
}

export async function runAccountLock(options: LockOptions, context: CliContext): Promise<number> {
  const { client } = findConnection(options, context);
  const { deleteAfter: days } = options;
  return await withInterrupt(async (signal) => {
    const question = `In ${days} days, delete all policies, and all snapshots that nothing is made from?`;
    if (days !== undefined && options.yes !== true && !(await confirm(question, signal))) {
      context.err('Nothing is locked.\n');
      return 1;
    }
    await client.call('HupoLockAccount', days === undefined ? {} : { DeleteAfterDays: days }, signal);
    const { command } = context.environment;
    context.out(`The account is locked; \`${command} account show\` says what comes of it.\n`);
    return 0;
  });
}

export async function runAccountUnlock(options: ConnectOptions, context: CliContext): Promise<number> {
  const { client } = findConnection(options, context);
  await withInterrupt((signal) => client.call('HupoUnlockAccount', {}, signal));
  context.out('The account is in order.\n');
  return 0;
}
