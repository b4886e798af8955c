/** The same call by other means: as a line for the aliyun CLI, and in a TypeScript program with the official SDK. */

type Texts = Readonly<Record<string, string>>;

/** The aliyun CLI's names of the APIs that are not ECS. */
const products: Readonly<Record<string, string>> = { '2015-05-01': 'ram', '2015-04-01': 'sts' };

/** With the region as given, for a profile may have another. What only this service has the aliyun CLI sends when it is told to. */
export function aliyunCommand(action: string, parameters: Texts, version = ''): string {
  const forced = isOwn(action) ? ['--version 2014-05-26', '--force'] : [];
  const options = Object.entries(parameters).map(([name, value]) => `--${name} ${quote(value)}`);
  const product = products[version] ?? 'ecs';
  return [`aliyun ${product} ${action}`, ...options, ...forced].join(' \\\n  ');
}

/**
 * The official SDK of the API (`@alicloud/ecs20140526`, `@alicloud/ram20150501`): members begin in lower case, and numbered parameters
 * are lists. Null: it does not know the action.
 */
export function sdkCall(action: string, parameters: Texts): string | null {
  if (isOwn(action)) return null;
  return `await client.${lowerFirst(action)}(new ${action}Request(${literal(nest(parameters), '')}));`;
}

function isOwn(action: string): boolean {
  return action.startsWith('Hupo');
}

type Nested = string | number | boolean | Nested[] | { [name: string]: Nested };

function nest(parameters: Texts): Nested {
  const tree: Record<string, Nested> = {};
  for (const [name, value] of Object.entries(parameters)) put(tree, name.split('.'), value);
  return tree;
}

function put(into: Record<string, Nested>, [first = '', ...rest]: string[], value: string): void {
  const name = lowerFirst(first);
  const [next, ...further] = rest;
  if (next === undefined) {
    into[name] = valueOf(name, value);
    return;
  }
  if (!/^\d+$/.test(next)) {
    const below = (into[name] ??= {}) as Record<string, Nested>;
    return put(below, rest, value);
  }
  const list = (into[name] ??= []) as Nested[];
  const at = Number(next) - 1;
  if (further.length === 0) list[at] = value;
  else put((list[at] ??= {}) as Record<string, Nested>, further, value);
}

/** The SDK wants numbers and booleans where the API has them; a name or a tag's value stays text whatever it looks like. */
function valueOf(name: string, text: string): Nested {
  if (/(size|amount|days|period|number|results)$/i.test(name) && /^\d{1,15}$/.test(text)) return Number(text);
  if (/^(force|dryRun|delete|enable|include|is[A-Z])/.test(name) && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}

function literal(value: Nested, indent: string): string {
  const deeper = `${indent}  `;
  if (typeof value === 'string')
    return `'${value.replaceAll(/[\\']/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`)}'`;
  if (Array.isArray(value))
    return block(
      '[',
      value.map((item) => literal(item, deeper)),
      ']',
      indent,
    );
  if (typeof value !== 'object') return String(value);
  const members = Object.entries(value).map(([name, item]) => `${name}: ${literal(item, deeper)}`);
  return block('{', members, '}', indent);
}

function block(open: string, lines: readonly string[], close: string, indent: string): string {
  return `${open}\n${lines.map((line) => `${indent}  ${line},\n`).join('')}${indent}${close}`;
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

function quote(text: string): string {
  return /^[\w.:/@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
