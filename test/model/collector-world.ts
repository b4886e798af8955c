/**
 * F4: uploads, deletions, disks made from snapshots, lazy reads and collectors on two machines that share a catalog and an object
 * store, under a seeded scheduler that kills, stalls and fences them. The catalog is a few maps; all else is the real code,
 * on chunks of a few bytes.
 */
import assert from 'node:assert/strict';
import { OperationalError } from '../../src/lib/errors.ts';
import { collectGarbage } from '../../src/repository/collect.ts';
import { digestOf } from '../../src/repository/digest.ts';
import type { Digest } from '../../src/repository/digest.ts';
import { EntryReader } from '../../src/repository/entry-reader.ts';
import { Ledger } from '../../src/repository/ledger.ts';
import type { NamedTree } from '../../src/repository/ledger.ts';
import { LedgerStore } from '../../src/repository/ledger-store.ts';
import { commitManifest, deleteManifest } from '../../src/repository/manifest.ts';
import { snapshotTreeName } from '../../src/repository/needed-trees.ts';
import { MemoryStore } from '../../src/repository/object-store/memory-store.ts';
import type { ByteRange, ObjectStore } from '../../src/repository/object-store/object-store.ts';
import { PackIndex } from '../../src/repository/pack-index.ts';
import { PackWriter } from '../../src/repository/pack-writer.ts';
import { PageReader } from '../../src/repository/page-reader.ts';
import { rewritePacks } from '../../src/repository/rewrite.ts';
import { takeCondemned } from '../../src/repository/stores.ts';
import type { Stores } from '../../src/repository/stores.ts';
import { findChunkDigest, updateTree } from '../../src/repository/tree.ts';
import type { TreeChange } from '../../src/repository/tree.ts';
import { emptyTree } from '../../src/repository/tree-ref.ts';
import type { TreeRef } from '../../src/repository/tree-ref.ts';
import { DelayedStore } from '../support/delayed-store.ts';
import { MemoryBook } from '../support/memory-book.ts';
import { manifestOf, seededRandom } from '../support/repositories.ts';
import { Schedule, chanceOf } from './schedule.ts';
import type { Actor } from './schedule.ts';

/** Chunk → which of the few contents it has. */
type Content = ReadonlyMap<number, number>;

interface Image {
  tree: TreeRef;
  content: Content;
}

interface Operation {
  machine: number;
  /** What it reads, and what it has stored once its session has ended. */
  parent: Image;
  result: Image | null;
  snapshotId: string;
  /** A disk's, where the tree is no snapshot. */
  diskId: string;
}

/** Positions in two leaf pages, under another inner page, and one level higher. */
const POSITIONS = [0, 1, 2, 3, 127, 128, 129, 16_384, 16_385, 2_097_152];
const CONTENTS = 9;
const WRITING = {
  groupBytes: 600,
  packBytes: 500,
  compressor: { compress: async (plain: Buffer) => ({ codec: 0, bytes: plain }), close: () => undefined },
};

export interface WorldSize {
  uploaders: number;
  uploads: number;
}

export class CollectorWorld {
  readonly #chance: (limit: number) => number;
  readonly #schedule: Schedule;
  readonly #store = new MemoryStore();
  readonly #random;
  readonly #indexes: [PackIndex, PackIndex] = [PackIndex.open(':memory:'), PackIndex.open(':memory:')];
  readonly #ledgers: [LedgerStore, LedgerStore] = [LedgerStore.open(':memory:'), LedgerStore.open(':memory:')];
  readonly #book = new MemoryBook(() => this.#listTrees());
  readonly #sessionMachines = new Map<number, number>();
  readonly #snapshots = new Map<string, Image & { diskId: string }>();
  /** Deletions that are begun: an operation, which is done again after a crash. */
  readonly #deleting = new Set<string>();
  readonly #disks = new Map<string, Image>();
  readonly #operations = new Map<string, Operation>();
  readonly #actors = new Set<Actor>();
  #nextId = 1;
  deletedPacks = 0;
  /** How often each thing happened, to see that they do. */
  readonly events = new Map<string, number>();

  constructor(seed: number) {
    this.#chance = chanceOf(seed);
    this.#schedule = new Schedule(this.#chance);
    this.#random = seededRandom(seed + 1);
    this.#book.remembered = this.#chance(3) === 0 ? 1 : 1000;
  }

  async run({ uploaders, uploads }: WorldSize): Promise<void> {
    for (let number = 0; number < uploaders; number++) {
      this.#start(number % 2, 'upload', async (actor) => {
        for (let left = uploads; left > 0; left--) await this.#upload(actor);
      });
    }
    this.#start(0, 'delete', async (actor) => {
      for (let left = uploads; left > 0; left--) await this.#delete(actor);
    });
    this.#start(0, 'disks', async (actor) => {
      for (let left = uploads; left > 0; left--) await this.#changeDisks(actor);
    });
    this.#start(1, 'read', async (actor) => {
      for (let left = 3 * uploads; left > 0; left--) await this.#read(actor);
    });
    for (const machine of [0, 1] as const) {
      this.#start(machine, 'collect', async (actor) => {
        for (let left = uploads; left > 0; left--) await this.#collect(actor);
      });
    }
    await this.#schedule.run(() => this.#disturb());
    await this.#finish();
  }

  close(): void {
    for (const index of this.#indexes) index.close();
    for (const ledger of this.#ledgers) ledger.close();
  }

  #note(event: string): void {
    this.events.set(event, (this.events.get(event) ?? 0) + 1);
  }

  #start(machine: number, name: string, work: (actor: Actor) => Promise<void>): void {
    this.#actors.add(this.#schedule.start(machine, name, work));
  }

  /** Now and then somebody is stalled or killed, or a machine is taken for dead although it is not. */
  #disturb(): void {
    const dice = this.#chance(400);
    const actors = [...this.#actors].filter(({ isDone, isKilled }) => !isDone && !isKilled);
    const actor = actors[this.#chance(Math.max(1, actors.length))];
    if (actor === undefined) return;
    if (dice < 6) actor.stalledFor = this.#chance(150);
    if (dice === 6) this.#killOne(actor);
    if (dice === 7) this.#takeOver(actor.machine);
    if (dice === 8) this.#restart(actor.machine === 0 ? 0 : 1);
  }

  /** A worker dies; its server notices, and tries again where there is somebody left to try. */
  #killOne(actor: Actor): void {
    this.#note('kill');
    this.#schedule.kill(actor);
    this.#takeOver(actor.machine);
    if (actor.name !== 'collect') return;
    this.#start(actor.machine, 'collect', async (again) => {
      for (let left = 2; left > 0; left--) await this.#collect(again);
    });
  }

  /** Another server ends the sessions of a machine and goes on with its operations, which may go on themselves. */
  #takeOver(machine: number): void {
    this.#note('takeover');
    for (const [session, of] of this.#sessionMachines) {
      if (of === machine && this.#book.end(session)) this.#sessionMachines.delete(session);
    }
    for (const [id, operation] of this.#operations) {
      if (operation.machine !== machine) continue;
      operation.machine = 1 - machine;
      this.#start(1 - machine, 'resume', (actor) => this.#resume(actor, id));
    }
  }

  /** All of a machine's processes die, and sometimes its index is lost. */
  #restart(machine: 0 | 1): void {
    this.#note('restart');
    for (const actor of this.#actors) if (actor.machine === machine && !actor.isDone) this.#schedule.kill(actor);
    if (this.#chance(2) === 0) {
      this.#indexes[machine].close();
      this.#indexes[machine] = PackIndex.open(':memory:');
      this.#note('index lost');
    }
    this.#takeOver(machine);
    this.#start(machine, 'start', async (actor) => {
      const { index, store } = this.#stores(actor);
      await index.reconcile(store);
      for (let left = 2; left > 0; left--) await this.#upload(actor);
    });
    this.#start(machine, 'collect', async (actor) => {
      for (let left = 2; left > 0; left--) await this.#collect(actor);
    });
  }

  /** One transaction of the catalog, with a turn on the way there and back. */
  async #transact<T>(actor: Actor, work: () => T): Promise<T> {
    await actor.turn();
    const result = work();
    await actor.turn();
    return result;
  }

  #stores(actor: Actor): Stores {
    return { store: new SlowStore(this.#store, actor), index: this.#indexes[actor.machine === 0 ? 0 : 1] };
  }

  #listTrees(): NamedTree[] {
    const named = (name: string, { tree }: Image, chain = ''): NamedTree => ({ name, tree, near: [], chain });
    return [
      ...[...this.#snapshots].map(([id, snapshot]) => named(snapshotTreeName(id), snapshot, snapshot.diskId)),
      ...[...this.#disks].map(([id, disk]) => named(`disk ${id}`, disk)),
      ...[...this.#operations].flatMap(([id, { parent, result, diskId }]) => [
        named(`${id} parent`, parent),
        ...(result === null ? [] : [named(`${id} result`, result, diskId)]),
      ]),
    ];
  }

  #pick<T>(items: Iterable<T>): T | undefined {
    const all = [...items];
    return all[this.#chance(Math.max(1, all.length))];
  }

  async #upload(actor: Actor): Promise<void> {
    const id = await this.#transact(actor, () => {
      const parent = this.#pick([...this.#snapshots.values(), ...this.#disks.values()]);
      const number = this.#nextId++;
      this.#operations.set(`op-${number}`, {
        machine: actor.machine,
        parent: parent ?? { tree: emptyTree, content: new Map() },
        result: null,
        snapshotId: `s-${number}`,
        diskId: `d-${this.#chance(3)}`,
      });
      return `op-${number}`;
    });
    await this.#resume(actor, id);
  }

  async #resume(actor: Actor, id: string): Promise<void> {
    const operation = await this.#transact(actor, () => this.#operations.get(id));
    if (operation === undefined) return;
    const result = operation.result ?? (await this.#storeTree(actor, operation));
    if (result === null) {
      await this.#transact(actor, () => void (operation.result === null && this.#operations.delete(id)));
      return;
    }
    const manifest = { ...manifestOf(operation.snapshotId, result.tree), diskId: operation.diskId };
    try {
      await commitManifest(this.#stores(actor).store, manifest);
    } catch (error) {
      // Another server has gone on with it, and the snapshot was deleted since.
      if (this.#operations.has(id)) throw error;
      return;
    }
    await this.#transact(actor, () => {
      if (!this.#operations.delete(id)) return;
      this.#snapshots.set(operation.snapshotId, { ...result, diskId: operation.diskId });
      this.#note('snapshot');
    });
  }

  /** In a session; null when that was ended by others. */
  async #storeTree(actor: Actor, operation: Operation): Promise<Image | null> {
    const stores = this.#stores(actor);
    const { session, condemned } = await this.#transact(actor, () => {
      const begun = this.#book.begin();
      this.#sessionMachines.set(begun.session, actor.machine);
      return begun;
    });
    await takeCondemned(stores, condemned);
    const content = new Map(operation.parent.content);
    const changed = new Map<number, number | null>();
    for (let left = 1 + this.#chance(5); left > 0; left--) {
      const position = this.#pick(POSITIONS) ?? 0;
      changed.set(position, this.#chance(5) === 0 ? null : this.#chance(CONTENTS));
    }
    for (const [position, seed] of changed) {
      if (seed === null) content.delete(position);
      else content.set(position, seed);
    }
    const fence = { ownerEpoch: 1, session };
    const writer = new PackWriter({ ...stores, random: this.#random, fence, ...WRITING });
    const changes = async function* (): AsyncGenerator<TreeChange> {
      for (const [chunk, seed] of [...changed].sort(([a], [b]) => a - b)) {
        await actor.turn();
        if (seed !== null) await writer.put('chunk', digestOfSeed(seed), bytesOf(seed));
        yield { chunk, digest: seed === null ? null : digestOfSeed(seed) };
      }
    };
    const pages = new PageReader(new EntryReader(stores.store, stores.index));
    try {
      const tree = await updateTree(operation.parent.tree, changes(), pages, writer);
      await writer.finish();
      return await this.#transact(actor, () => this.#commit(session, operation, { tree, content }));
    } catch (error) {
      // A writer that was taken for dead may find anything.
      const isOpen = await this.#transact(actor, () => this.#book.end(session));
      if (isOpen) throw error;
      this.#note('fenced');
      return null;
    }
  }

  #commit(session: number, operation: Operation, result: Image): Image | null {
    this.#sessionMachines.delete(session);
    if (!this.#book.end(session)) {
      this.#note('fenced');
      return null;
    }
    // Somebody else has gone on with the operation, or given it up: what this one stored is garbage.
    const isCurrent = [...this.#operations.values()].includes(operation);
    if (operation.result !== null || !isCurrent) return null;
    operation.result = result;
    return result;
  }

  async #delete(actor: Actor): Promise<void> {
    const snapshotId = await this.#transact(actor, () => {
      const picked = this.#pick(this.#snapshots.keys());
      if (picked !== undefined) this.#snapshots.delete(picked);
      if (picked !== undefined) this.#deleting.add(picked);
      return picked;
    });
    if (snapshotId !== undefined) await deleteManifest(this.#stores(actor).store, snapshotId);
  }

  async #changeDisks(actor: Actor): Promise<void> {
    await this.#transact(actor, () => {
      const snapshot = this.#pick(this.#snapshots.values());
      if (this.#chance(2) === 0) this.#disks.delete(this.#pick(this.#disks.keys()) ?? '');
      else if (snapshot !== undefined) this.#disks.set(`d-${this.#nextId++}`, snapshot);
    });
  }

  /** A disk's or a snapshot's chunk, whatever the collectors do meanwhile. */
  async #read(actor: Actor): Promise<void> {
    const found = await this.#transact(actor, () =>
      this.#pick([...this.#disks.entries(), ...this.#snapshots.entries()]),
    );
    if (found === undefined) return;
    const [id, image] = found;
    try {
      await this.#assertImage(this.#stores(actor), image, [this.#pick(POSITIONS) ?? 0]);
    } catch (error) {
      const isThere = await this.#transact(actor, () => this.#disks.has(id) || this.#snapshots.has(id));
      if (isThere) throw error;
    }
  }

  async #assertImage({ store, index }: Stores, { tree, content }: Image, positions: readonly number[]): Promise<void> {
    const entries = new EntryReader(store, index);
    const pages = new PageReader(entries);
    for (const position of positions) {
      const digest = await findChunkDigest(tree, pages, position);
      const seed = content.get(position);
      assert.equal(digest?.toString('hex'), seed === undefined ? undefined : digestOfSeed(seed).toString('hex'));
      if (digest !== null) assert.ok((await entries.read(digest, 'chunk')).equals(bytesOf(seed ?? -1)));
    }
  }

  /** What it rewrites may be taken for garbage by others while it is held up: then it fails, and the next one goes on. */
  async #collect(actor: Actor): Promise<void> {
    try {
      await this.#collectAlone(actor);
    } catch (error) {
      if (!(error instanceof OperationalError) || !error.retryable) throw error;
      this.#note('outrun');
    }
  }

  async #collectAlone(actor: Actor): Promise<void> {
    const stores = this.#stores(actor);
    const ledgerStore = this.#ledgers[actor.machine === 0 ? 0 : 1];
    const { deletedPacks, rewrittenPacks } = await collectGarbage({
      stores,
      ledger: new Ledger(ledgerStore, stores.index, new EntryReader(stores.store, stores.index)),
      book: {
        look: async () => this.#transact(actor, () => this.#book.look()),
        condemn: async (packIds) => this.#transact(actor, () => this.#book.condemn(packIds)),
        settle: async (change) => this.#transact(actor, () => this.#book.settle(change)),
        forget: async (packIds) => this.#transact(actor, () => this.#book.forget(packIds)),
      },
      ...{ ownerEpoch: 1, listsStore: this.#chance(2) === 0 },
      rewrite: (job) => rewritePacks(stores, job, { random: this.#random, writing: WRITING }),
      ...(this.#chance(4) === 0 && { dense: { addedBeforeMs: Infinity, budgetBytes: 1000 } }),
    });
    if (deletedPacks > 0) this.#note('collected');
    if (rewrittenPacks > 0) this.#note('rewritten');
    this.deletedPacks += deletedPacks;
  }

  /** Nobody disturbs any more: what was begun ends, everything reads back, and without needs nothing is stored. */
  async #finish(): Promise<void> {
    for (const { session } of [...this.#book.sessions]) this.#book.end(session);
    await this.#act(async (actor) => {
      for (const id of this.#operations.keys()) await this.#resume(actor, id);
    });
    for (const machine of [0, 1]) {
      const stores = { store: this.#store, index: PackIndex.open(':memory:') };
      await stores.index.reconcile(this.#store);
      for (const image of [...this.#snapshots.values(), ...this.#disks.values()]) {
        await this.#assertImage(stores, image, POSITIONS);
      }
      stores.index.close();
      await this.#act(async (actor) => this.#collectAlone(actor), machine);
    }
    this.#disks.clear();
    for (const snapshotId of [...this.#deleting, ...this.#snapshots.keys()]) {
      await deleteManifest(this.#store, snapshotId);
    }
    this.#snapshots.clear();
    await this.#act(async (actor) => {
      await this.#indexes[0].reconcile(this.#store);
      await this.#collectAlone(actor);
    });
    const left = [...this.#store.objects.keys()].filter((name) => name.startsWith('packs/'));
    assert.deepEqual(left, [], 'with nothing needed, nothing is stored');
  }

  async #act(work: (actor: Actor) => Promise<void>, machine = 0): Promise<void> {
    this.#schedule.start(machine, 'finish', work);
    await this.#schedule.run(() => undefined);
  }
}

/** The effect of a call and its answer are apart, so that a killed or stalled caller may have had the one without the other. */
class SlowStore extends DelayedStore implements ObjectStore {
  readonly #actor: Actor;

  constructor(inner: ObjectStore, actor: Actor) {
    super(inner, () => actor.turn());
    this.#actor = actor;
  }

  override async put(name: string, parts: readonly Uint8Array[]): Promise<boolean> {
    const created = await super.put(name, parts);
    await this.#actor.turn();
    return created;
  }

  override async find(name: string, range?: ByteRange): Promise<Buffer | undefined> {
    const found = await super.find(name, range);
    await this.#actor.turn();
    return found;
  }

  override async delete(name: string): Promise<void> {
    await super.delete(name);
    await this.#actor.turn();
  }
}

const contents = Array.from({ length: CONTENTS }, (_, seed) => Buffer.from(`content ${seed} `.padEnd(48, '.')));
const digests = contents.map((bytes) => digestOf(bytes));

function bytesOf(seed: number): Buffer {
  return contents[seed] ?? Buffer.alloc(0);
}

function digestOfSeed(seed: number): Digest {
  return digests[seed] ?? Buffer.alloc(0);
}
