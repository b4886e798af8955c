/**
 * Metadata contexts: what block status can tell of a disk, and how a client asks for it in the handshake. A further
 * context is a further entry of `CONTEXTS` and its descriptors in `block-status.ts`.
 */

export interface MetaContext {
  name: string;
  /** Stands for the name in the transmission phase. */
  id: number;
}

export const BASE_ALLOCATION: MetaContext = { name: 'base:allocation', id: 1 };

const CONTEXTS: readonly MetaContext[] = [BASE_ALLOCATION];

export interface MetaQuery {
  exportName: Buffer;
  queries: string[];
}

/** The data of NBD_OPT_LIST_META_CONTEXT and NBD_OPT_SET_META_CONTEXT; undefined when its lengths disagree. */
export function decodeMetaQuery(data: Buffer): MetaQuery | undefined {
  if (data.length < 4) return undefined;
  const nameEnd = 4 + data.readUInt32BE(0);
  if (nameEnd + 4 > data.length) return undefined;
  const queryCount = data.readUInt32BE(nameEnd);
  const queries: string[] = [];
  let at = nameEnd + 4;
  while (at < data.length) {
    if (at + 4 > data.length) return undefined;
    const end = at + 4 + data.readUInt32BE(at);
    if (end > data.length) return undefined;
    queries.push(data.toString('utf8', at + 4, end));
    at = end;
  }
  return queries.length === queryCount ? { exportName: data.subarray(4, nameEnd), queries } : undefined;
}

/** What there is of what was asked for: all without a query, a namespace's for a bare `base:`. */
export function listMetaContexts(queries: readonly string[]): MetaContext[] {
  if (queries.length === 0) return [...CONTEXTS];
  return CONTEXTS.filter(({ name }) => queries.some((query) => query === name || query === namespaceOf(name)));
}

/** Those named in full; the rest is left out without complaint. A wildcard chooses nothing. */
export function selectMetaContexts(queries: readonly string[]): MetaContext[] {
  return CONTEXTS.filter(({ name }) => queries.includes(name));
}

function namespaceOf(name: string): string {
  return name.slice(0, name.indexOf(':') + 1);
}

/** The data of one NBD_REP_META_CONTEXT. */
export function encodeMetaContext(id: number, name: string): Buffer {
  const bytes = Buffer.alloc(4 + Buffer.byteLength(name));
  bytes.writeUInt32BE(id, 0);
  bytes.write(name, 4);
  return bytes;
}
