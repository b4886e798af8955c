/**
 * The console: the files that Vite built, served beside the API under `/console/`. They are read once, at the start, and nothing else of the
 * folder can be asked for. A page of the console is an ordinary client of the API, so there is nothing here but files, and
 * the headers that keep foreign code out of the page.
 */
import fs from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import type { Random } from '../lib/random.ts';

export interface ConsoleFilesOptions {
  /** Where `npm run build:console` put them. It may be absent: then the console says what to do. */
  folder: string;
  random: Random;
}

interface ConsoleFile {
  plain: Buffer;
  /** Brotli; null: it was not worth it. */
  compressed: Buffer | null;
  type: string;
  /** Its name changes with what it holds. */
  isHashed: boolean;
}

const PREFIX = '/console/';
const PAGE = 'index.html';
/** Stands in the page for what its style elements must carry. */
const NONCE_MARK = '__STYLE_NONCE__';
const NONCE_BYTES = 16;
const YEAR_SECONDS = 31_536_000;

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const safety = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

export class ConsoleFiles {
  readonly #files: ReadonlyMap<string, ConsoleFile>;
  readonly #random: Random;

  constructor({ folder, random }: ConsoleFilesOptions) {
    this.#files = readFiles(folder);
    this.#random = random;
  }

  /** What a browser asks for; all else is the API's. */
  static wants({ method, url = '/', headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): boolean {
    if (method !== 'GET' && method !== 'HEAD') return false;
    if (url === '/console' || url.startsWith(PREFIX) || url.startsWith('/console?')) return true;
    return url === '/' && headers.authorization === undefined && (headers.accept ?? '').includes('text/html');
  }

  answer(message: IncomingMessage, response: ServerResponse): void {
    const [target = '/'] = (message.url ?? '/').split('?');
    if (!target.startsWith(PREFIX)) return redirect(response, PREFIX);
    const name = target.slice(PREFIX.length);
    const file = this.#files.get(name);
    if (file !== undefined && name !== PAGE) return send(message, response, file);
    if (path.extname(name) !== '' && name !== PAGE) return endWith(response, 404, 'The console has no such file.\n');
    this.#sendPage(message, response);
  }

  /** Every address without a dot is one of the page's own. */
  #sendPage(message: IncomingMessage, response: ServerResponse): void {
    const page = this.#files.get(PAGE);
    if (page === undefined) {
      return endWith(response, 503, 'The console is not built: npm run build:console builds it, then start again.\n');
    }
    const nonce = this.#random.bytes(NONCE_BYTES).toString('base64');
    const body = page.plain.toString('utf8').replaceAll(NONCE_MARK, nonce);
    response.writeHead(200, {
      ...safety,
      'Content-Type': page.type,
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      'Content-Security-Policy': policyFor(nonce),
    });
    response.end(message.method === 'HEAD' ? undefined : body);
  }
}

/** Its own files and nothing else; styles that its components write carry the nonce. */
function policyFor(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function readFiles(folder: string): Map<string, ConsoleFile> {
  const found = new Map<string, ConsoleFile>();
  if (!fs.existsSync(folder)) return found;
  for (const name of fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const type = types[path.extname(name)];
    if (type === undefined) continue;
    const file = path.join(folder, name);
    const compressed = fs.existsSync(`${file}.br`) ? fs.readFileSync(`${file}.br`) : null;
    const isHashed = name.startsWith('assets/');
    found.set(name, { plain: fs.readFileSync(file), compressed, type, isHashed });
  }
  return found;
}

function send(message: IncomingMessage, response: ServerResponse, file: ConsoleFile): void {
  const takesBrotli = /\bbr\b/.test(message.headers['accept-encoding'] ?? '');
  const compressed = takesBrotli ? file.compressed : null;
  const body = compressed ?? file.plain;
  response.writeHead(200, {
    ...safety,
    'Content-Type': file.type,
    'Content-Length': body.length,
    'Cache-Control': file.isHashed ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache',
    Vary: 'Accept-Encoding',
    ...(compressed === null ? {} : { 'Content-Encoding': 'br' }),
  });
  response.end(message.method === 'HEAD' ? undefined : body);
}

function redirect(response: ServerResponse, to: string): void {
  response.writeHead(302, { ...safety, Location: to, 'Content-Length': 0, 'Cache-Control': 'no-store' });
  response.end();
}

function endWith(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    ...safety,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
  });
  response.end(text);
}
