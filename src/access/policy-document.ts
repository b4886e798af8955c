/**
 * Policy documents as RAM writes them, taken apart and checked when they are put: one that says something which this server
 * would never act on is refused, for whoever wrote it counts on it.
 */
import { RequestError } from '../lib/errors.ts';
import { findJsonProblem } from '../lib/json-place.ts';
import { findConditionKey, findConditionProblem, type Condition } from './conditions.ts';
import { splitResourceName } from './pattern.ts';

export interface Statement {
  effect: 'Allow' | 'Deny';
  /** Patterns of actions: those, or with `except` all others. */
  actions: Patterns;
  resources: Patterns;
  /** All must be satisfied. */
  conditions: readonly Condition[];
}

export interface Patterns {
  except: boolean;
  patterns: readonly string[];
}

/** Who may take a role: patterns of the names of accounts and users. */
export interface TrustStatement {
  effect: 'Allow' | 'Deny';
  principals: readonly string[];
  conditions: readonly Condition[];
}

/** Characters, as RAM limits them. */
export const DOCUMENT_LIMITS = { policy: 6144, trust: 4096, session: 2048 } as const;

/** RequestError MalformedPolicyDocument, or InvalidParameter.PolicyDocument.Length. */
export function parsePolicy(text: string, kind: 'policy' | 'session' = 'policy'): Statement[] {
  return parseStatements(text, kind).map(({ statement, where }) => {
    checkMembers(statement, ['Effect', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition', 'Sid'], where);
    return {
      effect: parseEffect(statement, where),
      actions: parsePatterns(statement, 'Action', where, checkAction),
      resources: parsePatterns(statement, 'Resource', where, checkResource),
      conditions: parseConditions(statement['Condition'], where),
    };
  });
}

/** The same errors. */
export function parseTrust(text: string): TrustStatement[] {
  return parseStatements(text, 'trust').map(({ statement, where }) => {
    checkMembers(statement, ['Effect', 'Action', 'Principal', 'Condition', 'Sid'], where);
    const { patterns } = parsePatterns(statement, 'Action', where, checkAction);
    if (patterns.some((action) => !/^(sts:AssumeRole|sts:\*)$/i.test(action))) {
      throw malformed(`${where}.Action`, 'of a role it can only be sts:AssumeRole');
    }
    return {
      effect: parseEffect(statement, where),
      principals: parsePrincipals(statement['Principal'], `${where}.Principal`),
      conditions: parseConditions(statement['Condition'], where),
    };
  });
}

type Members = Readonly<Record<string, unknown>>;

function parseStatements(text: string, kind: keyof typeof DOCUMENT_LIMITS): { statement: Members; where: string }[] {
  const limit = DOCUMENT_LIMITS[kind];
  if (text.length > limit) {
    throw new RequestError(
      'InvalidParameter.PolicyDocument.Length',
      `The policy document has ${text.length} characters; at most ${limit} are allowed.`,
    );
  }
  const document = parseJson(text);
  checkMembers(document, ['Version', 'Statement'], 'the document');
  if (document['Version'] !== '1') throw malformed('Version', 'it must be "1"');
  const { Statement: given } = document as { Statement?: unknown };
  const list: unknown[] = Array.isArray(given) ? given : [given];
  if (list.length === 0 || given === undefined)
    throw malformed('Statement', 'it must be a list with a statement at least');
  return list.map((statement, index) => {
    const where = `Statement[${index}]`;
    if (!isObject(statement)) throw malformed(where, 'it must be an object');
    return { statement, where };
  });
}

function parseJson(text: string): Members {
  const problem = findJsonProblem(text);
  if (problem !== null) {
    const { line, column, found } = problem;
    const what = found === null ? 'it ends too early' : `${shown(found)} cannot be there`;
    throw malformed(`line ${line}, column ${column}`, `it is no JSON, ${what}`);
  }
  const document: unknown = JSON.parse(text);
  if (isObject(document)) return document;
  throw malformed('the document', 'it must be a JSON object with Version and Statement');
}

function parseEffect(statement: Members, where: string): Statement['effect'] {
  const { Effect: effect } = statement as { Effect?: unknown };
  if (effect === 'Allow' || effect === 'Deny') return effect;
  throw malformed(`${where}.Effect`, 'it must be "Allow" or "Deny"');
}

function parsePatterns(
  statement: Members,
  name: 'Action' | 'Resource',
  where: string,
  check: (pattern: string, where: string) => void,
): Patterns {
  const except = statement[`Not${name}`] !== undefined;
  if (except === (statement[name] !== undefined)) {
    throw malformed(where, `it must have either ${name} or Not${name}`);
  }
  const place = `${where}.${except ? 'Not' : ''}${name}`;
  const patterns = parseTexts(statement[except ? `Not${name}` : name], place);
  for (const pattern of patterns) check(pattern, place);
  return { except, patterns };
}

function checkAction(pattern: string, where: string): void {
  if (pattern === '*' || /^[a-z0-9-]+:[a-z0-9*?]+$/i.test(pattern)) return;
  throw malformed(where, `${shown(pattern)} must be "*" or SERVICE:ACTION, such as "ecs:Describe*"`);
}

function checkResource(pattern: string, where: string): void {
  const parts = splitResourceName(pattern);
  if (pattern === '*' || (parts !== null && parts[1] !== '' && parts[4] !== '')) return;
  const example = '"acs:ecs:*:*:snapshot/s-bp1…"';
  throw malformed(where, `${shown(pattern)} must be "*" or acs:SERVICE:REGION:ACCOUNT:RESOURCE, such as ${example}`);
}

function parsePrincipals(given: unknown, where: string): string[] {
  if (!isObject(given)) throw malformed(where, 'it must be an object such as {"RAM": ["acs:ram::ACCOUNT:root"]}');
  checkMembers(given, ['RAM'], where);
  const names = parseTexts(given['RAM'], `${where}.RAM`);
  for (const name of names) {
    if (name === '*' || /^acs:ram::(\d+|\*):(root|user\/[^/\s]+)$/.test(name)) continue;
    throw malformed(`${where}.RAM`, `${shown(name)} must be acs:ram::ACCOUNT:root or acs:ram::ACCOUNT:user/NAME`);
  }
  return names;
}

function parseConditions(given: unknown, where: string): Condition[] {
  if (given === undefined) return [];
  if (!isObject(given)) throw malformed(`${where}.Condition`, 'it must be an object of operators');
  return Object.entries(given).flatMap(([operator, keys]) => {
    const place = `${where}.Condition.${operator}`;
    if (!isObject(keys)) throw malformed(place, 'it must be an object of keys with their values');
    return Object.entries(keys).map(([key, value]) => {
      const values = parseTexts(value, `${place}.${key}`);
      const problem = findConditionProblem(operator, values);
      if (problem !== null) throw malformed(`${place}.${key}`, problem);
      const known = findConditionKey(key);
      if (known === null) throw malformed(`${place}.${key}`, 'no request here has such a key');
      return { operator, key: known, values };
    });
  });
}

/** One, or a list of at least one; numbers and booleans as text. */
function parseTexts(given: unknown, where: string): string[] {
  const list: unknown[] = Array.isArray(given) ? given : [given];
  const isRight = list.every((item) => ['string', 'number', 'boolean'].includes(typeof item));
  if (list.length > 0 && isRight) return list.map(String);
  throw malformed(where, 'it must be a text, or a list of at least one');
}

function checkMembers(given: Members, known: readonly string[], where: string): void {
  const stranger = Object.keys(given).find((name) => !known.includes(name));
  if (stranger === undefined) return;
  throw malformed(where, `it has ${shown(stranger)}; only ${known.join(', ')} are known`);
}

function isObject(given: unknown): given is Members {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

function malformed(where: string, problem: string): RequestError {
  return new RequestError('MalformedPolicyDocument', `The policy document is not valid at ${where}: ${problem}.`);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
