/** What names, texts and numbers of users, policies and roles may be, and how many there may be of each, as RAM has it. */
import { RequestError } from '../lib/errors.ts';

export const LIMITS = {
  users: 1000,
  keysOfUser: 2,
  policies: 500,
  versions: 5,
  roles: 1000,
  /** Custom and system ones each. */
  attachments: 20,
} as const;

/** Seconds. */
export const SESSION = { least: 900, most: 43_200, usual: 3600 } as const;

const NAMES: Readonly<Record<string, { pattern: RegExp; most: number; rule: string }>> = {
  UserName: { pattern: /^[A-Za-z0-9._-]+$/, most: 64, rule: 'letters, digits, ".", "_" and "-"' },
  NewUserName: { pattern: /^[A-Za-z0-9._-]+$/, most: 64, rule: 'letters, digits, ".", "_" and "-"' },
  PolicyName: { pattern: /^[A-Za-z0-9-]+$/, most: 128, rule: 'letters, digits and "-"' },
  RoleName: { pattern: /^[A-Za-z0-9.-]+$/, most: 64, rule: 'letters, digits, "." and "-"' },
  RoleSessionName: {
    pattern: /^[A-Za-z0-9.@_-]{2,}$/,
    most: 64,
    rule: 'at least two letters, digits, ".", "@", "-" and "_"',
  },
  DisplayName: { pattern: /^[^\p{Cc}]*$/u, most: 128, rule: 'printable characters' },
  NewDisplayName: { pattern: /^[^\p{Cc}]*$/u, most: 128, rule: 'printable characters' },
  Comments: { pattern: /^[^\p{Cc}]*$/u, most: 128, rule: 'printable characters' },
  NewComments: { pattern: /^[^\p{Cc}]*$/u, most: 128, rule: 'printable characters' },
  Description: { pattern: /^[^\p{Cc}]*$/u, most: 1024, rule: 'printable characters' },
  NewDescription: { pattern: /^[^\p{Cc}]*$/u, most: 1024, rule: 'printable characters' },
};

/** RequestErrors InvalidParameter.<Name>.Length, .InvalidChars. */
export function checkName(name: keyof typeof NAMES, value: string): string {
  const rule = NAMES[name];
  if (rule === undefined) return value;
  if (value.length > rule.most) {
    throw new RequestError(
      `InvalidParameter.${name}.Length`,
      `The parameter "${name}" is too long: it may have ${rule.most} characters.`,
    );
  }
  if (rule.pattern.test(value)) return value;
  throw new RequestError(
    `InvalidParameter.${name}.InvalidChars`,
    `The parameter "${name}" is not valid: ${JSON.stringify(value.slice(0, 64))}; it may have ${rule.rule}.`,
  );
}

export function checkCount(count: number, most: number, code: string, what: string): void {
  if (count >= most) throw new RequestError(code, `There are ${most} ${what} already; no more fit.`);
}

export function notThere(code: string, what: string, name: string): RequestError {
  return new RequestError(code, `There is no ${what} ${JSON.stringify(name.slice(0, 128))}.`);
}

export function alreadyThere(code: string, what: string, name: string): RequestError {
  return new RequestError(code, `There is a ${what} ${JSON.stringify(name)} already.`);
}

export function stillUsed(code: string, message: string): RequestError {
  return new RequestError(code, message);
}
