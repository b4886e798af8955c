/**
 * How every list finds its page and its total, at any size (docs/adr/0008): newest first by (creation, id), which no two rows
 * share, so a page after a row shows each row that is there all the time exactly once, whatever comes and goes meanwhile.
 *
 * | asked by | the page | the total |
 * |---|---|---|
 * | something that few rows have (`few`) | its index | counted |
 * | else values in a tally that few rows have, with more | those rows, by the index of the tally's columns | counted |
 * | else a name (`some`) | its index | counted |
 * | else tags | the index of the rarest of them, which has the order of the list | the tally of tags; with more conditions counted |
 * | else, in a table with a tally | of each combination of values in it, its first rows: one index has them in order | summed up |
 * | else | the index of the creation | counted |
 *
 * A page far down a tallied list begins where the tally says that its day begins.
 */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Paging, ResourceFilter, TagFilter } from '../ecs/list-filters.ts';
import type { Page, TaggedType } from '../ecs/resources.ts';
import { EVERY_DAY } from './listing-schema.ts';
import type { Tally } from './listing-schema.ts';
import { startOf, toPage } from './paging.ts';
import type { Position } from './paging.ts';
import type { Queries, Schema } from './schema.ts';
import { countTagged, hasTag, isTag } from './tags.ts';

type Condition = RawBuilder<boolean>;

/** A list: its table, the column of its ids, what its tags are kept under, and its tally if it has one. */
export interface List {
  table: keyof Schema;
  id: string;
  /** What holds for rows that are in answers. */
  listed: Condition;
  type?: TaggedType;
  tally?: Tally;
  /** For tests. */
  limits?: { fewRows: number; farDown: number };
}

export interface Wanted extends Pick<ResourceFilter, 'createdFromMs' | 'createdUntilMs' | 'tags'> {
  /** Conditions that an index answers with few rows, or that no index can. */
  few: Condition[];
  /** Conditions that an index answers, maybe with many rows. */
  some?: Condition[];
  /** Values of columns that have few values; undefined: any. With a tally, columns of it. */
  many: Record<string, string | number | undefined>;
}

/** Where the rows of a page are, one more than it has where more follow. */
interface Found {
  total: number;
  /** Selects these columns of them, in order. */
  select: (columns: RawBuilder<unknown>) => RawBuilder<unknown>;
}

interface Bounds {
  fromMs: number | undefined;
  untilMs: number | undefined;
  after: Position | null;
  offset: number;
  limit: number;
}

/** What has rows with an id and a creation. */
interface Place {
  from: RawBuilder<unknown>;
  id: string;
}

const placeOf = ({ table, id }: List): Place => ({ from: sql.table(table), id });

/** A page of rows, in order. `Row`: of the list's table. */
export async function listPage<Row>(
  queries: Queries,
  list: List,
  wanted: Wanted,
  paging: Paging,
  columns: RawBuilder<unknown> = sql`*`,
): Promise<Page<Row>> {
  const { total, select } = await find(queries, list, wanted, paging);
  const { rows } = await sql<Row & { created_at_ms: number }>`${select(columns)}`.execute(queries);
  const idOf = (row: Row) => (row as Record<string, string>)[list.id] ?? '';
  return toPage(rows, paging, total, (row) => ({ createdAtMs: row.created_at_ms, id: idOf(row) }));
}

/** A column of any table. */
type Column = { [table in keyof Schema]: keyof Schema[table] }[keyof Schema];

/** `column = value`; none for an undefined value. */
export function is(column: Column, value: string | number | undefined): Condition[] {
  return value === undefined ? [] : [sql<boolean>`${sql.ref(column)} = ${value}`];
}

/** Any of the values; `IN ()` is no portable SQL, so none of them is one that nothing has. */
export function isIn(column: Column, values: readonly string[] | undefined): Condition[] {
  if (values === undefined) return [];
  return [sql<boolean>`${sql.ref(column)} IN (${sql.join(values.length === 0 ? [''] : values)})`];
}

async function find(queries: Queries, list: List, wanted: Wanted, paging: Paging): Promise<Found> {
  const { createdFromMs: fromMs, createdUntilMs: untilMs, tags = [] } = wanted;
  const bounds = { ...startOf(paging), fromMs, untilMs, limit: paging.pageSize + 1 };
  const { tally, type } = list;
  const { few, some = [] } = wanted;
  const rest = [...some, ...tags.map((tag) => hasTag(list.id, tag))];
  if (few.length === 0 && tally !== undefined) {
    const tallied = { ...list, tally };
    const values = given(wanted.many);
    if (rest.length === 0) return await findByTally(queries, tallied, values, bounds);
    const isSelective = values.length > 0 && (await sumUp(queries, tallied, values)) <= limitsOf(list).fewRows;
    if (isSelective) return await findInCells(queries, tallied, values, { conditions: rest, bounds });
  }
  if (few.length === 0 && some.length === 0 && type !== undefined && tags.length > 0) {
    return await findByTags(queries, { ...list, type }, { ...wanted, tags }, bounds);
  }
  const conditions = [list.listed, ...few, ...rest, ...restOf(list, wanted.many)];
  return await findRows(queries, placeOf(list), conditions, bounds);
}

async function findRows(
  queries: Queries,
  place: Place,
  conditions: readonly Condition[],
  bounds: Bounds,
): Promise<Found> {
  return {
    total: await countRows(queries, place, conditions, bounds),
    select: (columns) => selectRows(columns, place, conditions, bounds),
  };
}

function selectIds(place: Place, conditions: readonly Condition[], bounds: Bounds): RawBuilder<unknown> {
  return selectRows(sql.ref(place.id), place, conditions, bounds);
}

/** Of the rows with these ids, which are those of a page. */
function selectThese({ table, id }: List, ids: RawBuilder<unknown>, columns: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`SELECT ${columns} FROM ${sql.table(table)} WHERE ${sql.ref(id)} IN (${ids}) ORDER BY ${newestFirst(id)}`;
}

function given(many: Wanted['many']): [string, string | number][] {
  return Object.entries(many).flatMap(
    ([name, value]) => (value === undefined ? [] : [[name, value] as const]) as never,
  );
}

/** Beside what an index is chosen for. Without statistics SQLite would rather choose the tally's: an expression has none. */
function restOf({ tally }: List, many: Wanted['many']): Condition[] {
  return given(many).map(([name, value]) => {
    const column = sql.ref(name);
    if (tally === undefined) return sql<boolean>`${column} = ${value}`;
    return typeof value === 'string'
      ? sql<boolean>`(${column} || '') = ${value}`
      : sql<boolean>`(${column} + 0) = ${value}`;
  });
}

function all(conditions: readonly Condition[]): RawBuilder<unknown> {
  return conditions.length === 0 ? sql`1 = 1` : sql.join(conditions, sql` AND `);
}

function newestFirst(id: string): RawBuilder<unknown> {
  return sql`created_at_ms DESC, ${sql.ref(id)} DESC`;
}

function within({ fromMs, untilMs }: Pick<Bounds, 'fromMs' | 'untilMs'>): Condition[] {
  return [
    ...(fromMs === undefined ? [] : [sql<boolean>`created_at_ms >= ${fromMs}`]),
    ...(untilMs === undefined ? [] : [sql<boolean>`created_at_ms <= ${untilMs}`]),
  ];
}

function inBounds(id: string, bounds: Bounds): Condition[] {
  const { after } = bounds;
  if (after === null) return within(bounds);
  return [...within(bounds), sql<boolean>`(created_at_ms, ${sql.ref(id)}) < (${after.createdAtMs}, ${after.id})`];
}

function selectRows(
  columns: RawBuilder<unknown>,
  { from, id }: Place,
  conditions: readonly Condition[],
  bounds: Bounds,
): RawBuilder<unknown> {
  return sql`SELECT ${columns} FROM ${from} WHERE ${all([...conditions, ...inBounds(id, bounds)])}
    ORDER BY ${newestFirst(id)} LIMIT ${bounds.limit} OFFSET ${bounds.offset}`;
}

async function countRows(
  queries: Queries,
  { from }: Place,
  conditions: readonly Condition[],
  bounds: Pick<Bounds, 'fromMs' | 'untilMs'>,
): Promise<number> {
  const { rows } = await sql<{ total: number }>`SELECT count(*) AS total FROM ${from}
    WHERE ${all([...conditions, ...within(bounds)])}`.execute(queries);
  return rows[0]?.total ?? 0;
}

async function findByTags(
  queries: Queries,
  list: List & { type: TaggedType },
  { tags, many }: Wanted & { tags: TagFilter[] },
  bounds: Bounds,
): Promise<Found> {
  const counted = await Promise.all(
    tags.map(async (tag) => ({ tag, total: await countTagged(queries, list.type, tag) })),
  );
  const [rarest, ...others] = counted.toSorted((a, b) => a.total - b.total);
  const { key, value } = rarest?.tag ?? { key: '', value: null };
  const rest = restOf(list, many);
  const conditions = [
    sql<boolean>`resource_type = ${list.type}`,
    ...is('tag_key', key),
    ...is('tag_value', value ?? undefined),
    ...others.map(({ tag }) => isTaggedToo(list.type, tag)),
    ...(rest.length === 0 ? [] : [isRow(list, rest)]),
  ];
  const tagged = { from: sql`tags AS tagged`, id: 'resource_id' };
  const isTold = conditions.length === (value === null ? 2 : 3) && within(bounds).length === 0;
  const total = isTold ? (rarest?.total ?? 0) : await countRows(queries, tagged, conditions, bounds);
  const ids = selectIds(tagged, conditions, bounds);
  return { total, select: (columns) => selectThese(list, ids, columns) };
}

function isRow({ table, id }: List, conditions: readonly Condition[]): Condition {
  return sql<boolean>`EXISTS (SELECT 1 FROM ${sql.table(table)} WHERE ${sql.ref(id)} = tagged.resource_id AND ${all(conditions)})`;
}

/** In the order of the list, as the rarest tag is read: what is next to each other is looked up next to each other. */
function isTaggedToo(type: TaggedType, tag: TagFilter): Condition {
  return sql<boolean>`EXISTS (SELECT 1 FROM tags AS other WHERE resource_type = ${type} AND ${isTag(tag)}
    AND created_at_ms = tagged.created_at_ms AND resource_id = tagged.resource_id)`;
}

type Tallied = List & { tally: Tally };
type Values = [string, string | number][];

const limitsOf = ({ limits }: List) =>
  limits ?? {
    /** So many rows are looked at one by one rather than more of another kind. */
    fewRows: 5000,
    /** From this row on a page by number begins at its day. */
    farDown: 1000,
  };

async function findByTally(queries: Queries, list: Tallied, values: Values, asked: Bounds): Promise<Found> {
  const { farDown } = limitsOf(list);
  const isWhole = asked.fromMs === undefined && asked.untilMs === undefined;
  if (isWhole && asked.offset < farDown) {
    const total = await sumUp(queries, list, values);
    return { total, select: selectTallied(list, values, asked) };
  }
  const days = await countDays(queries, list, values, asked);
  const total = days.reduce((sum, day) => sum + day.total, 0);
  const bounds = asked.offset < farDown ? asked : narrow(days, asked);
  if (bounds.offset < farDown) return { total, select: selectTallied(list, values, bounds) };
  const conditions = [list.listed, ...restOf(list, Object.fromEntries(values))];
  return { total, select: (columns) => selectRows(columns, placeOf(list), conditions, bounds) };
}

function equalValues(values: Values): Condition[] {
  return values.map(([name, value]) => sql<boolean>`${sql.ref(name)} = ${value}`);
}

async function sumUp(queries: Queries, { tally }: Tallied, values: Values): Promise<number> {
  const { rows } = await sql<{ total: number | null }>`SELECT sum(total) AS total FROM ${sql.table(tally.name)}
    WHERE ${all([sql<boolean>`day = ${EVERY_DAY}`, ...equalValues(values)])}`.execute(queries);
  return rows[0]?.total ?? 0;
}

const DAY_MS = 86_400_000;

interface Day {
  day: number;
  total: number;
}

/** How many match on each day, latest first; the first and the last day of the time that is asked for are counted one by one. */
async function countDays(queries: Queries, list: Tallied, values: Values, { fromMs, untilMs }: Bounds): Promise<Day[]> {
  const first = fromMs === undefined ? EVERY_DAY : Math.max(EVERY_DAY, Math.floor(fromMs / DAY_MS));
  const last = untilMs === undefined ? null : Math.floor(untilMs / DAY_MS);
  const between = [
    sql<boolean>`day > ${first}`,
    ...(last === null ? [] : [sql<boolean>`day < ${last}`]),
    ...equalValues(values),
  ];
  const { rows } = await sql<Day>`SELECT day, sum(total) AS total FROM ${sql.table(list.tally.name)}
    WHERE ${all(between)} GROUP BY day ORDER BY day DESC`.execute(queries);
  const edge = async (day: number): Promise<Day> => {
    const bounds = {
      fromMs: Math.max(fromMs ?? 0, day * DAY_MS),
      untilMs: Math.min(untilMs ?? Infinity, (day + 1) * DAY_MS - 1),
    };
    return {
      day,
      total: await countRows(
        queries,
        placeOf(list),
        [list.listed, ...restOf(list, Object.fromEntries(values))],
        bounds,
      ),
    };
  };
  const late = last === null || last < first ? [] : [await edge(last)];
  const early = fromMs === undefined || first === last || (last !== null && last < first) ? [] : [await edge(first)];
  return [...late, ...rows, ...early];
}

/** The same page, looked for only in the days that it is of. */
function narrow(days: readonly Day[], asked: Bounds): Bounds {
  let { offset, untilMs, fromMs } = asked;
  let found = 0;
  for (const { day, total } of days) {
    if (found === 0 && offset >= total) {
      offset -= total;
      continue;
    }
    if (found === 0) untilMs = Math.min(untilMs ?? Infinity, (day + 1) * DAY_MS - 1);
    found += total;
    if (found < offset + asked.limit) continue;
    fromMs = Math.max(fromMs ?? 0, day * DAY_MS);
    break;
  }
  if (found === 0) return { ...asked, limit: 0 };
  return { ...asked, offset, untilMs, fromMs };
}

/** A combination of values that is asked for. */
function isAsked(values: Values): Condition[] {
  const equal = values.map(([name, value]) => sql<boolean>`${sql.ref(`cell.${name}`)} = ${value}`);
  return [sql<boolean>`cell.day = ${EVERY_DAY}`, ...equal];
}

function hasCell({ table, tally }: Tallied): Condition[] {
  return tally.columns.map(({ name }) => sql<boolean>`${sql.ref(`${table}.${name}`)} = ${sql.ref(`cell.${name}`)}`);
}

/** The tally comes first. */
function besideCells({ table, id, tally }: Tallied): Place {
  return { from: sql`${sql.table(tally.name)} AS cell CROSS JOIN ${sql.table(table)}`, id };
}

async function findInCells(
  queries: Queries,
  list: Tallied,
  values: Values,
  { conditions, bounds }: { conditions: Condition[]; bounds: Bounds },
): Promise<Found> {
  const ofCells = [...isAsked(values), list.listed, ...hasCell(list), ...conditions];
  const place = besideCells(list);
  const total = await countRows(queries, place, ofCells, bounds);
  const ids = selectIds(place, ofCells, bounds);
  return { total, select: (columns) => selectThese(list, ids, columns) };
}

/** Of each combination that is asked for the first rows, by the index of all its columns, and of those the first. */
function selectTallied(list: Tallied, values: Values, bounds: Bounds): Found['select'] {
  if (values.length === 0) return (columns) => selectRows(columns, placeOf(list), [list.listed], bounds);
  const ofCell = { ...bounds, limit: bounds.offset + bounds.limit, offset: 0 };
  const first = selectIds(placeOf(list), [list.listed, ...hasCell(list)], ofCell);
  const isFirst = sql<boolean>`${sql.ref(`${list.table}.${list.id}`)} IN (${first})`;
  const { limit, offset } = bounds;
  const whole = { fromMs: undefined, untilMs: undefined, after: null, limit, offset };
  const ids = selectIds(besideCells(list), [...isAsked(values), isFirst], whole);
  return (columns) => selectThese(list, ids, columns);
}
