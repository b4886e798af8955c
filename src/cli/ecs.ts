/**
 * `hupo ecs <Action> …`, with the grammar and the output of the aliyun CLI: the answer on standard output, errors on standard error.
 * What is wrong with what was typed is told before anything is sent.
 */
import type { CliContext } from '../cli.ts';
import { systemClock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import { formatAnswer, parseAnswer, type Json } from './answer-json.ts';
import { checkAction, checkParameters, readFileParameters } from './check-parameters.ts';
import { findConnection } from './connection.ts';
import { actionNames } from './ecs-actions.ts';
import { EcsError, type EcsClient } from './ecs-client.ts';
import { readOptions, type EcsOptions } from './ecs-options.ts';
import { parseWords, type EcsWords } from './ecs-words.ts';
import { InterruptedError, withInterrupt } from './interrupt.ts';
import { compileQuery } from './jmespath-query.ts';
import { fetchAllPages } from './pager.ts';
import { formatRefusal } from './refusal.ts';
import { callWithRetries } from './retry.ts';
import { explainEmptyColumns, formatTable } from './table.ts';
import { UsageError } from './usage-error.ts';
import { waitForAnswer } from './waiter.ts';

const CLEAR_LINE = '\r\u001b[K';

/** `args` is what was typed after `ecs`. Returns the exit code: 0, or 1 when it was refused, here or by the server. */
export async function runEcs(args: readonly string[], context: CliContext): Promise<number> {
  try {
    const typed = parseWords(args);
    const [action = '', ...more] = typed.words;
    if (action === '' || action === 'help' || typed.flags.has('help')) return await showHelp(typed, context);
    if (more.length > 0) {
      throw new UsageError(`too many arguments: "${more.join(' ')}"; parameters are written --Name value`);
    }
    return await callAction(action, typed, context);
  } catch (error) {
    if (!(error instanceof OperationalError) || error instanceof InterruptedError) throw error;
    context.err(`ERROR: ${error.message}\n`);
    return 1;
  }
}

async function showHelp(typed: EcsWords, context: CliContext): Promise<number> {
  const [first, second] = typed.words;
  const action = first === 'help' ? second : first;
  const { command } = context.environment;
  const name = action === undefined ? null : checkAction(action, command);
  const text =
    name === null
      ? (await import('./ecs-help.ts')).formatEcsHelp(command)
      : (await import('./action-help.ts')).formatActionHelp(name, command);
  context.out(text);
  return 0;
}

interface Work {
  action: string;
  parameters: Record<string, string>;
  options: EcsOptions;
  client: EcsClient;
  context: CliContext;
}

async function callAction(word: string, typed: EcsWords, context: CliContext): Promise<number> {
  const options = readOptions(typed.flags);
  const action = options.force ? word : checkAction(word, context.environment.command);
  const parameters = await readParameters(action, typed, options, context);
  checkExpressions(options);
  checkRepeatable(action, options);
  const { client } = findConnection(options.connect, context);
  const work = { action, parameters, options, client, context };
  if (options.dryRun) return showRequest(work);
  try {
    const text = await withInterrupt((signal) => perform(work, signal));
    if (!options.quiet) context.out(`${text}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof EcsError)) throw error;
    context.err(formatRefusal(error, hintFor(action, error, context)));
    return 1;
  }
}

/** With their documented names; with `--force` as they were typed. */
async function readParameters(
  action: string,
  typed: EcsWords,
  options: EcsOptions,
  context: CliContext,
): Promise<Record<string, string>> {
  const given = readFileParameters(typed.parameters);
  if (options.force) return Object.fromEntries(given);
  return checkParameters(action, given, {
    command: context.environment.command,
    formNames: [...new URLSearchParams(options.body ?? '').keys()],
    findBuiltPatterns: async () => (await import('./built-parameters.ts')).findBuiltPatterns(action),
  });
}

/** What changes something is done once. */
function checkRepeatable(action: string, { pager, waiter, force }: EcsOptions): void {
  const flag = pager === null ? '--waiter' : '--pager';
  if (force || (pager === null && waiter === null) || readsOnly(action)) return;
  throw new UsageError(
    `${flag} may call the action many times, and ${action} changes something: use it with Describe… or List…`,
  );
}

function readsOnly(action: string): boolean {
  return /^(Describe|List)/.test(action);
}

/** So that a misspelt expression does not show only after the action was done. */
function checkExpressions({ query, table, waiter, pager }: EcsOptions): void {
  if (query !== null) compileQuery(query, '--cli-query');
  if (table?.rows) compileQuery(table.rows, '--output rows');
  if (waiter !== null) compileQuery(waiter.expr, '--waiter expr');
  if (pager?.path) compileQuery(pager.path, '--pager path');
}

function showRequest({ action, parameters, options, client, context }: Work): number {
  const sent = withFormat(parameters, options);
  const { method, path, headers, body } = client.sign(action, sent, sendOptionsOf(options));
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${withoutProof(name, value)}`);
  context.out(
    `Nothing is sent (--dryrun); this is the request, without what proves who sends it:\n\n${method} ${client.endpoint}${path}\n${lines.join('\n')}\n` +
      (body === '' ? '' : `\n${body}\n`),
  );
  return 0;
}

/** What is shown may be passed on: it must be of no use to whoever sends it within the next minutes. */
function withoutProof(name: string, value: string): string {
  if (name === 'x-acs-security-token') return '***';
  return name === 'authorization' ? value.replace(/Signature=.*/, 'Signature=***') : value;
}

/** What is to be printed. */
async function perform(work: Work, signal: AbortSignal): Promise<string> {
  const { options } = work;
  const call = (more: Record<string, string> = {}) => callOnce(work, more, signal);
  const isPlain = options.pager === null && options.waiter === null;
  if (isPlain && wantsXml(options)) return call();
  const fetchAnswer = async (more?: Record<string, string>) => parseText(await call(more), work);
  const answer = await fetchWhole(work, fetchAnswer, signal);
  try {
    return formatResult(work, answer);
  } catch (error) {
    if (!readsOnly(work.action)) work.context.out(`${formatAnswer(answer)}\n`); // It is done, and nothing else tells the id.
    throw error;
  }
}

async function fetchWhole(
  { options, context }: Work,
  fetchAnswer: (more?: Record<string, string>) => Promise<Json>,
  signal: AbortSignal,
): Promise<Json> {
  if (options.pager !== null) return fetchAllPages(options.pager, fetchAnswer);
  if (options.waiter === null) return fetchAnswer();
  const show = (line: string) => {
    if (process.stderr.isTTY) context.err(`${CLEAR_LINE}${line}`);
  };
  return waitForAnswer(options.waiter, { clock: systemClock, signal, show }, () => fetchAnswer());
}

function callOnce({ client, action, parameters, options }: Work, more: object, signal: AbortSignal): Promise<string> {
  const sent = withFormat({ ...parameters, ...more }, options);
  const { retryCount } = options;
  return callWithRetries({ retryCount, clock: systemClock, signal }, () =>
    client.send(action, sent, { ...sendOptionsOf(options), signal }),
  );
}

function sendOptionsOf({ method, headers, body }: EcsOptions): {
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
} {
  return { method, headers, ...(body === null ? {} : { body }) };
}

function wantsXml({ headers }: EcsOptions): boolean {
  return Object.entries(headers).some(([name, value]) => name.toLowerCase() === 'accept' && value.includes('xml'));
}

function withFormat(parameters: Record<string, string>, options: EcsOptions): Record<string, string> {
  return wantsXml(options) ? { ...parameters, Format: 'XML' } : parameters;
}

function parseText(text: string, { client }: Work): Json {
  try {
    return parseAnswer(text);
  } catch {
    throw new OperationalError(`${client.endpoint} answers, but not with the JSON of an ECS API`, { retryable: false });
  }
}

/** With `--cli-query` its result is what a table is made of. */
function formatResult({ options: { query, table, quiet }, context }: Work, answer: Json): string {
  const part = query === null ? answer : compileQuery(query, '--cli-query')(answer);
  if (table === null) return formatAnswer(part);
  const subject = query === null ? 'this answer' : 'what --cli-query gives';
  const text = formatTable(table, part, subject);
  const hints = quiet ? [] : explainEmptyColumns(table, part, subject);
  context.err(hints.map((hint) => `${hint}\n`).join(''));
  return text;
}

function hintFor(action: string, error: EcsError, { environment }: CliContext): string | null {
  if (error.code !== 'InvalidAction.NotFound' || actionNames.includes(action)) return null;
  return `${action} is not in this version of Hupo; \`${environment.command} ecs --help\` lists what is.`;
}
