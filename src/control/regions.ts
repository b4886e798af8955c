/** The regions of one server: each is a data folder of its own, and all that they know of each other is here. */
import type { DiskType } from '../ecs/resources.ts';
import type { RepositoryPlace } from '../repository/stores.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import type { ChangeOptions, CopyImageRequest, CopySnapshotRequest } from './requests.ts';

/** A stored snapshot that is to be copied. */
export interface CopySource {
  regionId: string;
  snapshotId: string;
  diskId: string;
  diskType: DiskType;
  sizeGib: number;
  tree: TreeRef;
  generation: number;
  incarnation: number;
}

/** An image that is to be copied. */
export interface CopiedImage {
  regionId: string;
  imageId: string;
  platform: string;
  architecture: string;
  imageFamily: string;
  imageVersion: string;
  bootMode: string;
  disks: {
    device: string;
    type: DiskType;
    sizeGib: number;
    /** Null: it holds nothing. */ source: CopySource | null;
  }[];
}

/** What a region does for others. */
export interface RegionDesk {
  repositoryPlace: RepositoryPlace;
  /** Begins a copy in this region; `readSource` is asked unless an earlier request with the token was answered. */
  receiveSnapshot(
    request: CopySnapshotRequest,
    readSource: () => Promise<CopySource>,
    options: ChangeOptions,
  ): Promise<{ snapshotId: string }>;
  receiveImage(
    request: CopyImageRequest,
    readSource: () => Promise<CopiedImage>,
    options: ChangeOptions,
  ): Promise<{ imageId: string }>;
  hasSnapshot(snapshotId: string): Promise<boolean>;
  /** The copies that are being made here of a snapshot, or for a copy of an image. */
  listCopiesOf(source: { regionId: string; snapshotId?: string; imageId?: string }): Promise<string[]>;
}

export class Regions {
  readonly #desks = new Map<string, RegionDesk>();

  add(regionId: string, desk: RegionDesk): void {
    this.#desks.set(regionId, desk);
  }

  find(regionId: string): RegionDesk | undefined {
    return this.#desks.get(regionId);
  }

  get regionIds(): string[] {
    return [...this.#desks.keys()];
  }

  /** The first copy that is being made of it in any region, or null. */
  async findCopyOf(source: { regionId: string; snapshotId?: string; imageId?: string }): Promise<string | null> {
    const lists = await Promise.all([...this.#desks.values()].map((desk) => desk.listCopiesOf(source)));
    return lists.flat()[0] ?? null;
  }
}
