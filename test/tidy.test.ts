/** Properties of the source itself: which way imports point, headers, where clock, chance and environment are read. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';

const root = path.dirname(import.meta.dirname);
const source = path.join(root, 'src');

/** Folder → what it may import beside itself. The order of `shared design: lib, ecs ← … ← main, cli`. */
const lowest = ['lib', 'ecs'];
const stores = [...lowest, 'nbd', 'repository', 'catalog'];
const movers = [...stores, 'disk', 'transfer'];
const deciders = [...movers, 'control', 'compute'];
const faces = [...deciders, 'access', 'tls', 'api', 'imds', 'web'];
const mayImport: Record<string, string[]> = {
  lib: ['lib'],
  ecs: lowest,
  nbd: [...lowest, 'nbd'],
  repository: [...lowest, 'repository'],
  catalog: [...lowest, 'catalog'],
  access: [...lowest, 'catalog', 'access'],
  disk: movers,
  transfer: movers,
  control: deciders,
  compute: deciders,
  tls: [...lowest, 'tls'],
  api: faces,
  web: faces,
  '': [...faces, 'cli', ''],
  cli: [...faces, 'cli', ''],
};

interface SourceFile {
  name: string;
  folder: string;
  text: string;
}

const files: SourceFile[] = fs
  .readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({
    name,
    folder: name.includes('/') ? (name.split('/')[0] ?? '') : '',
    text: fs.readFileSync(path.join(source, name), 'utf8'),
  }));
const production = files.filter((file) => !file.name.endsWith('.test.ts'));

test('there is source to look at', () => {
  assert.ok(production.length > 30, `only ${production.length} files found`);
});

test('imports point one way', () => {
  for (const file of production) {
    for (const target of importedFiles(file)) {
      const folder = target.includes('/') ? (target.split('/')[0] ?? '') : '';
      const allowed = mayImport[file.folder];
      assert.ok(allowed, `src/${file.folder} is not in the layout`);
      assert.ok(allowed.includes(folder), `src/${file.name} may not import src/${target}`);
    }
  }
});

test('a file never imports a test', () => {
  for (const file of production) {
    for (const target of importedFiles(file)) assert.doesNotMatch(target, /\.test\.ts$/, file.name);
  }
});

test('every file begins by saying why it exists', () => {
  for (const file of production) {
    assert.ok(/^\/\*\* \S|^\/\*\*\n \* \S/.test(file.text), `src/${file.name} has no header`);
  }
});

test('clock, chance and environment are read in one place each', () => {
  const banned: [RegExp, string[]][] = [
    [/\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/, ['lib/clock.ts']],
    [/\bMath\.random\(|\brandomBytes\(|\brandomUUID\(/, ['lib/random.ts']],
    [/\bprocess\.env\b/, ['config.ts']],
    [/\bprocess\.argv\b/, ['config.ts']],
  ];
  for (const file of production) {
    for (const [pattern, places] of banned) {
      if (places.includes(file.name)) continue;
      const line = file.text.split('\n').findIndex((text) => pattern.test(text) && !/^\s*(\*|\/\/|\/\*)/.test(text));
      assert.equal(line, -1, `src/${file.name}:${line + 1} reads ${String(pattern)} outside ${places.join(', ')}`);
    }
  }
});

test('no folder or class is a drawer for odds and ends', () => {
  for (const file of files) {
    assert.doesNotMatch(file.name, /(^|\/)(utils?|helpers?|common|types|misc)(\/|\.ts$)/, file.name);
    assert.doesNotMatch(file.text, /\bclass \w*(Manager|Service|Helper|Impl)\b/, file.name);
    assert.doesNotMatch(file.text, /\binterface I[A-Z][a-z]/, file.name);
  }
});

test('nothing is left undone or switched off', () => {
  const marks = new RegExp(`\\b(${['TO', 'DO|FIX', 'ME|X', 'XX'].join('')})\\b`);
  for (const file of files) {
    assert.doesNotMatch(file.text, marks, `src/${file.name}`);
    assert.doesNotMatch(file.text, /\b(?:it|test|describe)\.(?:only|todo)\b/, `src/${file.name}`);
  }
});

test('documents link to files that exist', () => {
  const documents = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...listDocuments('docs')];
  for (const document of documents) {
    const text = fs.readFileSync(path.join(root, document), 'utf8');
    for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)) {
      const resolved = path.resolve(root, path.dirname(document), target ?? '');
      assert.ok(fs.existsSync(resolved), `${document} links to ${target}, which is not there`);
    }
  }
});

function listDocuments(folder: string): string[] {
  return fs
    .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(folder, name));
}

function importedFiles(file: SourceFile): string[] {
  const patterns = [/\bfrom '(\.[^']+)'/g, /\bimport\('(\.[^']+)'\)/g];
  return patterns
    .flatMap((pattern) => [...file.text.matchAll(pattern)])
    .map(([, target]) => path.relative(source, path.resolve(source, path.dirname(file.name), target ?? '')));
}
