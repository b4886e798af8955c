/**
 * What the collector does with each pack. Pure. Packs without anything live are deleted; of the others, those with the
 * largest dead share are rewritten until little of what has newly died is left.
 */

/** A pack by what its entries take, stored; bytes. */
export interface PackUsage {
  packId: string;
  liveBytes: number;
  deadBytes: number;
}

export interface CollectPlan {
  deletes: string[];
  rewrites: string[];
  /** Dead bytes that stay in packs. */
  leftDeadBytes: number;
}

/** Of newly dead bytes, so much may stay. A deleted snapshot so returns at least 9/10 of what only it held. */
const LEFT_SHARE = 0.1;

/**
 * `toleratedBytes` is what the last collection left dead: only beyond that is there something to gain, so a collection
 * with nothing newly dead rewrites nothing, and small deletions after a large one return their space too.
 */
export function planCollect(packs: readonly PackUsage[], toleratedBytes: number): CollectPlan {
  const deletes = packs.filter((pack) => pack.liveBytes === 0).map((pack) => pack.packId);
  const foundBytes = packs.reduce((sum, pack) => sum + pack.deadBytes, 0);
  const newBytes = foundBytes - toleratedBytes;
  const mixed = packs.filter((pack) => pack.liveBytes > 0 && pack.deadBytes > 0);
  let leftDeadBytes = mixed.reduce((sum, pack) => sum + pack.deadBytes, 0);
  const rewrites: string[] = [];
  if (newBytes <= 0) return { deletes, rewrites, leftDeadBytes };
  mixed.sort((a, b) => deadShare(b) - deadShare(a));
  for (const pack of mixed) {
    if (leftDeadBytes <= newBytes * LEFT_SHARE) break;
    rewrites.push(pack.packId);
    leftDeadBytes -= pack.deadBytes;
  }
  return { deletes, rewrites, leftDeadBytes };
}

function deadShare({ liveBytes, deadBytes }: PackUsage): number {
  return deadBytes / (liveBytes + deadBytes);
}

/** Below this share of its plain bytes a pack is worth compressing better. */
const COMPRESSIBLE = 0.95;

/**
 * Packs to be rewritten in large groups, oldest first, about `budgetBytes` of plain bytes: those that uploads have written, that
 * came before `addedBeforeMs`, and that compress.
 */
export function planDense(
  packs: readonly { packId: string; isDense: boolean; addedAtMs: number; groupBytes: number; plainBytes: number }[],
  { addedBeforeMs, budgetBytes }: { addedBeforeMs: number; budgetBytes: number },
): string[] {
  const planned: string[] = [];
  let bytes = 0;
  for (const { packId, isDense, addedAtMs, groupBytes, plainBytes } of packs) {
    if (isDense || addedAtMs >= addedBeforeMs || groupBytes > COMPRESSIBLE * plainBytes) continue;
    if (bytes >= budgetBytes) break;
    planned.push(packId);
    bytes += plainBytes;
  }
  return planned;
}
