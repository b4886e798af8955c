/** What the model of the control plane asks: batches of random requests, and what goes on meanwhile. */
import fc from 'fast-check';

/** One request: what is asked, which of the things that are there it is about, and how. */
export interface Asked {
  kind: Kind;
  pick: number;
  other: number;
  flag: boolean;
  /** About something that it may be allowed for, rather than about anything. */
  likely: boolean;
  token: number | null;
  dryRun: boolean;
}

export interface Batch {
  asked: Asked[];
  /** The server dies before or after this act; null: it lives. */
  death: { at: number; after: boolean } | null;
  /** No upload ends before the first batch without. */
  holds: boolean;
  /** So many uploads fail for good. */
  failures: number;
}

const kinds = [
  'createDisk',
  'attachDisk',
  'detachDisk',
  'deleteDisk',
  'resizeDisk',
  'resetDisk',
  'reInitDisk',
  'replaceSystemDisk',
  'modifyDiskSpec',
  'modifyDisk',
  'createSnapshot',
  'copySnapshot',
  'deleteSnapshot',
  'createGroup',
  'deleteGroup',
  'runInstance',
  'start',
  'stop',
  'reboot',
  'deleteInstance',
  'createImage',
  'imageOfInstance',
  'deleteImage',
  'tag',
  'fetch',
  'restore',
  'restore',
  'emptyBin',
] as const;
export type Kind = (typeof kinds)[number];

/** What uses snapshots before they are stored, and what keeps it going. */
const instantKinds: Kind[] = [
  ...(['createSnapshot', 'createSnapshot', 'createSnapshot', 'createSnapshot'] as const),
  ...(['createDisk', 'createDisk', 'createDisk', 'resetDisk', 'resetDisk', 'attachDisk', 'attachDisk'] as const),
  ...(['deleteSnapshot', 'deleteDisk', 'start', 'stop', 'fetch', 'createGroup', 'createGroup'] as const),
];

const asked = fc.record<Asked>({
  kind: fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom(...kinds) },
    { weight: 2, arbitrary: fc.constantFrom(...instantKinds) },
  ),
  pick: fc.nat(7),
  other: fc.nat(7),
  flag: fc.boolean(),
  likely: fc.nat(3).map((number) => number > 0),
  token: fc.option(fc.nat(2), { freq: 2 }),
  dryRun: fc.nat(9).map((number) => number === 0),
});

export const batch = fc.record<Batch>({
  asked: fc.array(asked, { minLength: 1, maxLength: 4 }),
  death: fc.oneof(
    fc.constant(null),
    fc.constant(null),
    fc.record({ at: fc.integer({ min: 1, max: 20 }), after: fc.boolean() }),
  ),
  holds: fc.nat(3).map((number) => number > 0),
  failures: fc.nat(11).map((number) => Math.max(0, number - 9)),
});
