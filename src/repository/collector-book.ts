/**
 * What collectors and those who write to the repository agree on: who is writing, and which packs are condemned. It is kept
 * in the catalog, so that every server sees the same; each call is one transaction.
 *
 * - **G1** A pack is deleted only when it is _dying_. It becomes that when it was condemned, when all sessions that began before
 *   its condemnation had ended, and when a look at all needed trees after that found none with its home in the pack; and only
 *   if nothing in the book has changed since that look.
 * - **G2** A session takes nothing for known that lies in a pack which was condemned when it began.
 * - **G3** A new tree is written down as needed in the transaction that ends its session; one that was ended by others (its
 *   server died) can do that no more. All other trees that are needed were needed before: they are copied in one transaction.
 * - **G4** What a session begins from (its parent tree) is needed as long as it lives.
 * - **G5** The home of what is needed is a pack that is there; one that is condemned only where there is no other.
 *
 * So nothing that is needed is deleted: say that at the look no needed tree has its home in the pack. A tree that is needed later
 * for the first time is of a session that had not ended at the look, and so began after the condemnation (G1); what it took for
 * known lies in other packs (G2), what it wrote in newer ones, and the rest is in its parent, which was needed at the look or
 * is of such a session itself (G4). And two collectors that see different homes cannot each let the other's die: whoever
 * comes second finds the book changed, and looks again. So one that was held up for long does no harm either.
 */
import type { NamedTree } from './ledger.ts';

export interface OpenSession {
  session: number;
  /** Of the book when it began: it knows all that was condemned at this epoch and before. */
  epoch: number;
}

export interface CondemnedPacks {
  /** Rises with every change of the list. */
  epoch: number;
  packs: { packId: string; epoch: number }[];
  /** They may be deleted at any moment. */
  dying: { packId: string; epoch: number }[];
  /** Those that were deleted lately: another server's index may still have them. */
  deleted: { packId: string; epoch: number }[];
  /** All that were deleted after this epoch are told. */
  deletedSince: number;
}

/** Everything at one instant. */
export interface Look {
  /** All that is needed beside the manifests: disks' bases, images, what operations work with. */
  trees: NamedTree[];
  sessions: OpenSession[];
  condemned: CondemnedPacks;
}

export interface CollectorBook {
  look(): Promise<Look>;
  condemn(packIds: readonly string[]): Promise<CondemnedPacks>;
  /** Condemned packs that stay after all, and those that die; null, and nothing, when the book is not at `epoch` any more. */
  settle(change: {
    epoch: number;
    pardoned: readonly string[];
    dying: readonly string[];
  }): Promise<CondemnedPacks | null>;
  /** Dying packs that are deleted. */
  forget(packIds: readonly string[]): Promise<CondemnedPacks>;
}
