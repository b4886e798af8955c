/** `hupo doctor`: what is found on this machine, what is missing, and what is unsafe, with or without a server. */
import path from 'node:path';
import type { CliContext } from '../cli.ts';
import { systemClock } from '../lib/clock.ts';
import { gatherFacts } from './doctor-facts.ts';
import { isUnsafe, judge } from './doctor-judge.ts';
import type { Finding } from './doctor-judge.ts';

const ORDER = ['unsafe', 'missing', 'unknown', 'ok'] as const;

/** The exit code: 1 when anything is unsafe. */
export async function runDoctor(options: { data: string; json?: true }, context: CliContext): Promise<number> {
  const findings = judge(await gatherFacts(path.resolve(options.data), context, systemClock));
  if (options.json === true) context.out(`${JSON.stringify({ findings }, null, 2)}\n`);
  else context.out(formatFindings(findings));
  return isUnsafe(findings) ? 1 : 0;
}

/** The worst first. */
export function formatFindings(findings: readonly Finding[]): string {
  const sorted = ORDER.flatMap((level) => findings.filter((one) => one.level === level));
  const lines = sorted.map(({ level, subject, text }) => `${level.padEnd(8)} ${subject}: ${text}`);
  const count = findings.filter(({ level }) => level === 'unsafe').length;
  return `${lines.join('\n')}\n\n${count === 0 ? 'Nothing that is unsafe was found.' : `${count} unsafe.`}\n`;
}
