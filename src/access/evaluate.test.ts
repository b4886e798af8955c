/** Tests of policies: against an oracle that is slow and obvious, and by examples of what RAM documents. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { RequestError } from '../lib/errors.ts';
import { isSatisfied } from './conditions.ts';
import { evaluate, mayAssume, mayEverAllow, type Grant } from './evaluate.ts';
import { matchesPattern, matchesResource } from './pattern.ts';
import { parsePolicy, parseTrust, type Statement } from './policy-document.ts';

const text = fc.string({ unit: fc.constantFrom('a', 'b', ':', '*', '?', '/'), maxLength: 8 });

test('wildcards match as the obvious recursion does', () => {
  const obvious = (pattern: string, name: string): boolean => {
    if (pattern === '') return name === '';
    if (pattern.startsWith('*'))
      return obvious(pattern.slice(1), name) || (name !== '' && obvious(pattern, name.slice(1)));
    return (
      name !== '' && (pattern.startsWith('?') || pattern[0] === name[0]) && obvious(pattern.slice(1), name.slice(1))
    );
  };
  fc.assert(
    fc.property(text, text, (pattern, name) => {
      assert.equal(matchesPattern(pattern, name), obvious(pattern, name), `${pattern} ${name}`);
    }),
    { numRuns: 5000 },
  );
});

test('a pattern with many stars is matched soon', () => {
  assert.equal(matchesPattern('*a'.repeat(2000), 'a'.repeat(3000)), true);
  assert.equal(matchesPattern(`${'*a'.repeat(2000)}b`, 'a'.repeat(3000)), false);
});

test('no wildcard of a resource reaches into another part', () => {
  const disk = 'acs:ecs:cn-hangzhou:1234:disk/d-1';
  assert.ok(matchesResource('*', disk));
  assert.ok(matchesResource('acs:ecs:*:*:disk/*', disk));
  assert.ok(matchesResource('acs:*:*:*:*', disk));
  assert.ok(!matchesResource('acs:ecs:*:disk/d-1', disk));
  assert.ok(!matchesResource('acs:ecs:*:*:disk/d-1', 'acs:ecs:cn-hangzhou:1234:disk/x:disk/d-1'));
  assert.ok(!matchesResource('acs:ecs:cn-beijing:*:*', disk));
  assert.ok(!matchesResource('acs:ecs:*:*:disk/d-1', 'acs:ecs:cn-hangzhou:1234:disk/*'));
});

const effect = fc.constantFrom('Allow' as const, 'Deny' as const);
const actionPattern = fc.constantFrom(
  '*',
  'ecs:*',
  'ecs:Describe*',
  'ecs:CreateSnapshot',
  'ram:*',
  'ecs:Create?napshot',
);
const resourcePattern = fc.constantFrom(
  '*',
  'acs:ecs:*:*:*',
  'acs:ecs:*:*:disk/*',
  'acs:ecs:*:*:disk/d-1',
  'acs:ram:*:*:*',
);
const patterns = (one: fc.Arbitrary<string>) =>
  fc.record({ except: fc.boolean(), patterns: fc.array(one, { minLength: 1, maxLength: 3 }) });
const condition = fc.record({
  operator: fc.constantFrom('StringEquals', 'StringNotEquals', 'StringLike'),
  key: fc.constantFrom('acs:ResourceTag/a', 'acs:RequestTag/b'),
  values: fc.array(fc.constantFrom('1', '2', '*'), { minLength: 1, maxLength: 2 }),
});
const statement: fc.Arbitrary<Statement> = fc.record({
  effect,
  actions: patterns(actionPattern),
  resources: patterns(resourcePattern),
  conditions: fc.array(condition, { maxLength: 2 }),
});

/** What each pattern above is about, spelled out. */
function isPatternAbout(pattern: string, name: string): boolean {
  if (pattern === '*') return true;
  const [start = '', end = ''] = pattern.replaceAll('acs:ecs:*:*:', 'ECS').replaceAll('acs:ram:*:*:', 'RAM').split('*');
  const plain = name.replace(/^acs:ecs:[^:]*:[^:]*:/, 'ECS');
  if (pattern.includes('?')) return /^ecs:Create.napshot$/.test(name);
  return pattern.endsWith('*') ? plain.startsWith(start) && end === '' : plain === start;
}

test('explicit deny wins, else what any statement allows, as an oracle finds it', () => {
  const question = fc.record({
    action: fc.constantFrom('ecs:CreateSnapshot', 'ecs:DescribeDisks', 'ram:GetUser'),
    resource: fc.constantFrom('acs:ecs:r:1:disk/d-1', 'acs:ecs:r:1:disk/*', 'acs:ecs:r:1:snapshot/s-1'),
    context: fc
      .dictionary(fc.constantFrom('acs:ResourceTag/a', 'acs:RequestTag/b'), fc.constantFrom('1', '2', '3'))
      .map((tags) => new Map(Object.entries(tags).map(([key, value]) => [key, [value]]))),
  });
  const seen = { allowed: 0, denied: 0, none: 0 };
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 6 }), question, (statements, asked) => {
      const about = statements.filter(
        (one) =>
          one.actions.patterns.some((pattern) => isPatternAbout(pattern, asked.action)) !== one.actions.except &&
          one.resources.patterns.some((pattern) => isPatternAbout(pattern, asked.resource)) !== one.resources.except &&
          one.conditions.every(({ operator, key, values }) => {
            const actual = asked.context.get(key)?.[0];
            if (operator === 'StringNotEquals') return actual === undefined || !values.includes(actual);
            const likes = operator === 'StringLike' && values.includes('*');
            return actual !== undefined && (likes || values.includes(actual));
          }),
      );
      const isDenied = about.some((one) => one.effect === 'Deny');
      const isAllowed = about.some((one) => one.effect === 'Allow');
      const grants: Grant[] = statements.map((one, at) => ({
        ...{ policyName: String(at), policyType: 'Custom', statements: [one] },
      }));
      const decision = evaluate(grants, asked);
      assert.equal(decision.allowed, isAllowed && !isDenied);
      if (!decision.allowed) assert.equal(decision.deniedBy !== null, isDenied);
      if (decision.allowed) assert.ok(mayEverAllow(grants, asked.action));
      seen[isDenied ? 'denied' : isAllowed ? 'allowed' : 'none'] += 1;
    }),
    { numRuns: 5000 },
  );
  assert.ok(Math.min(seen.allowed, seen.denied, seen.none) > 200, JSON.stringify(seen));
});

const satisfied = (operator: string, actual: string | null, ...values: string[]) =>
  isSatisfied({ operator, key: 'k:k', values }, new Map(actual === null ? [] : [['k:k', [actual]]]));

test('each operator of conditions, also where the request has no such key', () => {
  const cases: [operator: string, actual: string, wanted: string, isTrue: boolean][] = [
    ['StringEquals', 'a', 'a', true],
    ['StringEquals', 'a', 'A', false],
    ['StringNotEquals', 'a', 'A', true],
    ['StringEqualsIgnoreCase', 'a', 'A', true],
    ['StringNotEqualsIgnoreCase', 'a', 'A', false],
    ['StringLike', 'abc', 'a?c', true],
    ['StringNotLike', 'abc', 'a*', false],
    ['NumericEquals', '10', '10.0', true],
    ['NumericNotEquals', '10', '10.0', false],
    ['NumericLessThan', '9', '10', true],
    ['NumericLessThanEquals', '10', '10', true],
    ['NumericGreaterThan', '9', '10', false],
    ['NumericGreaterThanEquals', '10', '10', true],
    ['DateEquals', '2026-01-01T00:00:00Z', '2026-01-01T08:00:00+08:00', true],
    ['DateNotEquals', '2026-01-01T00:00:00Z', '2026-01-01T08:00:00+08:00', false],
    ['DateLessThan', '2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z', true],
    ['DateLessThanEquals', '2026-01-01T00:00:02Z', '2026-01-01T00:00:01Z', false],
    ['DateGreaterThan', '2026-01-01T00:00:02.500Z', '2026-01-01T00:00:01Z', true],
    ['DateGreaterThanEquals', '2026-01-01T00:00:01Z', '2026-01-01T00:00:01Z', true],
    ['Bool', 'true', 'True', true],
    ['Bool', 'false', 'true', false],
    ['IpAddress', '10.1.2.3', '10.0.0.0/8', true],
    ['IpAddress', '::ffff:10.1.2.3', '10.0.0.0/8', true],
    ['IpAddress', '11.1.2.3', '10.0.0.0/8', false],
    ['IpAddress', 'fd00::7', 'fd00::/8', true],
    ['IpAddress', '10.1.2.3', '10.1.2.3', true],
    ['NotIpAddress', '11.1.2.3', '10.0.0.0/8', true],
  ];
  for (const [operator, actual, wanted, isTrue] of cases) {
    assert.equal(satisfied(operator, actual, wanted), isTrue, `${operator} ${actual} ${wanted}`);
    assert.equal(satisfied(operator, null, wanted), /Not/.test(operator), `${operator} of nothing`);
  }
  assert.ok(satisfied('StringEquals', 'b', 'a', 'b'), 'values are alternatives');
  assert.ok(!satisfied('StringNotEquals', 'b', 'a', 'b'), 'none of them is wanted');
});

const allow = { Effect: 'Allow', Action: 'ecs:*', Resource: '*' };
const documentOf = (statementGiven: unknown) => JSON.stringify({ Version: '1', Statement: [statementGiven] });

test('a document that says what nobody would act on is refused, with the place', () => {
  const wrong: [document: string, message: RegExp][] = [
    ['{', /at line 1, column 2: it is no JSON, it ends too early/],
    ['[]', /JSON object/],
    ['{"Version":"2","Statement":[]}', /Version: it must be "1"/],
    ['{"Version":"1","Statement":[]}', /Statement: .* at least/],
    ['{"Version":"1"}', /Statement/],
    [JSON.stringify({ Version: '1', Statement: [allow], Id: 'x' }), /has "Id"/],
    [documentOf({ ...allow, Effect: 'allow' }), /Statement\[0\]\.Effect/],
    [documentOf({ ...allow, Action: undefined }), /Statement\[0\]: .*either Action or NotAction/],
    [documentOf({ ...allow, NotAction: 'ecs:*' }), /either Action or NotAction/],
    [documentOf({ ...allow, Action: [] }), /Statement\[0\]\.Action: .*at least one/],
    [documentOf({ ...allow, Action: 'Describe*' }), /SERVICE:ACTION/],
    [documentOf({ ...allow, Resource: 'disk/d-1' }), /Statement\[0\]\.Resource: "disk\/d-1" must be/],
    [documentOf({ ...allow, Condition: { StringIs: { 'acs:SourceIp': 'x' } } }), /operator is none of StringEquals/],
    [documentOf({ ...allow, Condition: { IpAddress: { 'acs:SourceIp': '10.0.0.0/64' } } }), /IP address or a range/],
    [documentOf({ ...allow, Condition: { DateLessThan: { 'acs:CurrentTime': 'soon' } } }), /must be a time/],
    [documentOf({ ...allow, Condition: { StringEquals: { 'ecs:IsDiskEncrypted': 'true' } } }), /no request here has/],
    [documentOf({ ...allow, Condition: { StringEquals: { nonsense: 'x' } } }), /no request here has/],
    [documentOf({ ...allow, Principal: '*' }), /has "Principal"/],
  ];
  for (const [document, message] of wrong) {
    assert.throws(
      () => parsePolicy(document),
      (error) =>
        error instanceof RequestError && error.code === 'MalformedPolicyDocument' && message.test(error.message),
      document,
    );
  }
  assert.throws(() => parsePolicy(documentOf({ ...allow, Action: ['ecs:x'.repeat(2000)] })), {
    code: 'InvalidParameter.PolicyDocument.Length',
  });
});

test('whatever text is given as a document, it is taken or refused as the caller’s mistake', () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      try {
        parsePolicy(json);
      } catch (error) {
        assert.ok(error instanceof RequestError);
      }
    }),
  );
});

test('a role is taken by whom it trusts', () => {
  const trust = (Principal: object) => parseTrust(documentOf({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal }));
  const names = ['acs:ram::7:user/eva', 'acs:ram::7:root'];
  assert.ok(mayAssume(trust({ RAM: 'acs:ram::7:root' }), names, new Map()));
  assert.ok(mayAssume(trust({ RAM: ['acs:ram::7:user/eva'] }), names, new Map()));
  assert.ok(!mayAssume(trust({ RAM: ['acs:ram::7:user/bob'] }), names, new Map()));
  assert.ok(!mayAssume(trust({ RAM: ['acs:ram::8:root'] }), names, new Map()));
  assert.throws(() => trust({ Service: ['ecs.aliyuncs.com'] }), { code: 'MalformedPolicyDocument' });
});
