/** The tables of `audit.db`. A record goes when it is too old; of refusals only the latest hundred thousand stay. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { AuditEvent, AuditFilter, AuditOutcome, AuditRecord } from './audit-event.ts';

const REFUSALS_KEPT = 100_000;

export const AUDIT_SCHEMA = `
  CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, at_ms INTEGER NOT NULL, event_name TEXT NOT NULL,
    service TEXT NOT NULL, is_write INTEGER NOT NULL, user_name TEXT NOT NULL, access_key_id TEXT NOT NULL,
    refused INTEGER NOT NULL, event TEXT NOT NULL, outcome TEXT);
  CREATE INDEX IF NOT EXISTS events_by_time ON events (at_ms);
  CREATE INDEX IF NOT EXISTS events_by_id ON events (event_id);
  CREATE INDEX IF NOT EXISTS events_by_name ON events (event_name, seq);
  CREATE INDEX IF NOT EXISTS events_by_user ON events (user_name, seq);
  CREATE INDEX IF NOT EXISTS events_by_key ON events (access_key_id, seq);
  CREATE INDEX IF NOT EXISTS events_refused ON events (seq) WHERE refused = 1;
  CREATE INDEX IF NOT EXISTS events_open ON events (seq) WHERE outcome IS NULL;
  CREATE TABLE IF NOT EXISTS event_resources (
    resource TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (resource, seq)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS event_resources_by_seq ON event_resources (seq);
`;

interface Row {
  seq: number;
  event: string;
  outcome: string | null;
}

export class AuditTable {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** With an outcome: refused before it began. */
  insert(event: AuditEvent, outcome: AuditOutcome | null): void {
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO events (event_id, at_ms, event_name, service, is_write, user_name, access_key_id, refused, event, outcome)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        ...[event.eventId, event.atMs, event.eventName, event.service, event.isWrite ? 1 : 0],
        ...[event.principal?.name ?? '', event.accessKeyId, outcome === null ? 0 : 1, JSON.stringify(event)],
        outcome === null ? null : JSON.stringify(outcome),
      );
    this.#insertResources(Number(lastInsertRowid), event.resources);
  }

  end(eventId: string, outcome: AuditOutcome): void {
    const text = JSON.stringify(outcome);
    const row = this.#database
      .prepare('UPDATE events SET outcome = ? WHERE event_id = ? AND outcome IS NULL RETURNING seq')
      .get(text, eventId) as { seq: number } | undefined;
    if (row !== undefined) this.#insertResources(row.seq, outcome.created);
  }

  /** Of those that an earlier server began and told no end of. */
  endUnknown(): void {
    const outcome: AuditOutcome = {
      errorCode: 'ResultUnknown',
      errorMessage: 'The server ended before it wrote down what came of this request.',
      created: [],
    };
    this.#database.prepare('UPDATE events SET outcome = ? WHERE outcome IS NULL').run(JSON.stringify(outcome));
  }

  select(filter: AuditFilter): { events: AuditRecord[]; nextToken: string | null } {
    const { conditions, values } = conditionsOf(filter);
    const sql = `SELECT seq, event, outcome FROM events WHERE ${conditions.join(' AND ')}
      ORDER BY seq ${filter.oldestFirst ? 'ASC' : 'DESC'} LIMIT ?`;
    const rows = this.#database.prepare(sql).all(...values, filter.limit + 1) as unknown as Row[];
    const shown = rows.slice(0, filter.limit);
    const last = shown.at(-1);
    return {
      events: shown.map(parseRow),
      nextToken: rows.length > shown.length && last !== undefined ? String(last.seq) : null,
    };
  }

  deleteOld(beforeMs: number): void {
    if (Number.isFinite(beforeMs)) this.#delete('at_ms < ?', beforeMs);
    const row = this.#database
      .prepare('SELECT seq FROM events WHERE refused = 1 ORDER BY seq DESC LIMIT 1 OFFSET ?')
      .get(REFUSALS_KEPT) as { seq: number } | undefined;
    if (row !== undefined) this.#delete('refused = 1 AND seq <= ?', row.seq);
  }

  #delete(condition: string, value: number): void {
    const which = `SELECT seq FROM events WHERE ${condition}`;
    this.#database.prepare(`DELETE FROM event_resources WHERE seq IN (${which})`).run(value);
    this.#database.prepare(`DELETE FROM events WHERE ${condition}`).run(value);
  }

  #insertResources(seq: number, resources: readonly string[]): void {
    const insert = this.#database.prepare('INSERT OR IGNORE INTO event_resources (resource, seq) VALUES (?, ?)');
    for (const resource of resources) insert.run(resource, seq);
  }
}

function conditionsOf(filter: AuditFilter): { conditions: string[]; values: SQLInputValue[] } {
  const { eventId, eventName, userName, accessKeyId, resource, service, isWrite, after } = filter;
  const wanted: [string, SQLInputValue | undefined | null][] = [
    ['at_ms >= ?', filter.fromMs],
    ['at_ms <= ?', filter.untilMs],
    ['event_id = ?', eventId],
    ['event_name = ?', eventName],
    ['user_name = ?', userName],
    ['access_key_id = ?', accessKeyId],
    ['service = ?', service],
    ['is_write = ?', isWrite === undefined ? undefined : Number(isWrite)],
    ['seq IN (SELECT seq FROM event_resources WHERE resource = ?)', resource],
    [filter.oldestFirst ? 'seq > ?' : 'seq < ?', after],
  ];
  const given = wanted.filter((one): one is [string, SQLInputValue] => one[1] !== undefined && one[1] !== null);
  return { conditions: given.map(([condition]) => condition), values: given.map(([, value]) => value) };
}

function parseRow({ event, outcome }: Row): AuditRecord {
  return {
    ...(JSON.parse(event) as AuditEvent),
    outcome: outcome === null ? null : (JSON.parse(outcome) as AuditOutcome),
  };
}
