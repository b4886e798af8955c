/** What one region tells in GET /metrics, asked of the catalog, the data plane and the repository each time it is read. */
import { sql } from 'kysely';
import type { Catalog } from '../catalog/catalog.ts';
import { EVERY_DAY } from '../catalog/listing-schema.ts';
import type { Subscription } from '../control/webhooks.ts';
import type { DataPlane } from '../control/parts.ts';
import type { DiskState } from '../disk/protocol.ts';
import { freeSpace, planSpaceLimits } from '../lib/disk-space.ts';
import type { MetricName, Sample } from './metrics.ts';

export interface MeasuredRegion {
  regionId: string;
  catalog: Pick<Catalog, 'queries'>;
  dataPlane: DataPlane;
  /** Operations that failed for good since the start, by kind. */
  failureCounts: () => ReadonlyMap<string, number>;
  listWebhooks: () => Promise<Subscription[]>;
  repository: () => Promise<RepositoryMeasures>;
  catalogCopyAtMs: () => number | null;
  /** By what they are for. */
  folders: Readonly<Record<string, string>>;
  spaceLimits: { reserveBytes: number | null; highWaterBytes: number | null };
}

export interface RepositoryMeasures {
  packCount: number;
  packBytes: number;
  condemnedBytes: number;
  badCopyCount: number;
  /** 0: none yet. */
  lastPassMs: number;
}

const DATA_PLANE_TIMEOUT_MS = 2000;

/** `hasDisks`: also what each open disk does. */
export async function measureRegion(region: MeasuredRegion, hasDisks: boolean): Promise<Sample[]> {
  const samples = [
    ...(await measureCatalog(region)),
    ...(await measureDisks(region, hasDisks)),
    ...(await measureRepository(region)),
    ...(await measureSpace(region)),
    ...(await measureWebhooks(region)),
  ];
  return samples.map((one) => ({ ...one, labels: { region: region.regionId, ...one.labels } }));
}

const gauge = (name: MetricName, value: number, labels: Record<string, string> = {}): Sample => ({
  name,
  value,
  labels,
});

async function measureCatalog({ catalog, failureCounts }: MeasuredRegion): Promise<Sample[]> {
  const tally = async (table: string) => {
    const { rows } = await sql<{ status: string; total: number }>`SELECT status, sum(total) AS total
      FROM ${sql.raw(table)} WHERE day = ${EVERY_DAY} GROUP BY status`.execute(catalog.queries);
    return rows;
  };
  const { rows: operations } = await sql<{ kind: string; undoing: number; total: number }>`SELECT kind, undoing,
    count(*) AS total FROM operations GROUP BY kind, undoing`.execute(catalog.queries);
  return [
    ...operations.map(({ kind, undoing, total }) =>
      gauge('hupo_operations', total, { kind, undoing: undoing === 1 ? 'true' : 'false' }),
    ),
    ...[...failureCounts()].map(([kind, count]) => gauge('hupo_operation_failures_total', count, { kind })),
    ...(await tally('snapshot_tally')).map(({ status, total }) => gauge('hupo_snapshots', total, { status })),
    ...(await tally('disk_tally')).map(({ status, total }) => gauge('hupo_disks', total, { status })),
  ];
}

async function measureDisks({ dataPlane }: MeasuredRegion, hasDisks: boolean): Promise<Sample[]> {
  const answer = await dataPlane.call('listDisks', {}, { timeoutMs: DATA_PLANE_TIMEOUT_MS }).catch(() => null);
  if (answer === null) return [gauge('hupo_data_plane_up', 0)];
  const open = answer.disks.filter(({ socketPath }) => socketPath !== null);
  return [
    gauge('hupo_data_plane_up', 1),
    gauge('hupo_open_disks', open.length),
    gauge(
      'hupo_nbd_clients',
      open.reduce((sum, { clientCount }) => sum + clientCount, 0),
    ),
    gauge('hupo_disks_sync_failed', answer.disks.filter(({ syncFailure }) => syncFailure !== null).length),
    ...(hasDisks ? open.flatMap(measureDisk) : []),
  ];
}

function measureDisk({ diskId: disk, counters }: DiskState): Sample[] {
  return [
    gauge('hupo_disk_reads_total', counters.readCount, { disk }),
    gauge('hupo_disk_writes_total', counters.writeCount, { disk }),
    gauge('hupo_disk_read_bytes_total', counters.readBytes, { disk }),
    gauge('hupo_disk_written_bytes_total', counters.writtenBytes, { disk }),
  ];
}

async function measureRepository({ repository, catalogCopyAtMs }: MeasuredRegion): Promise<Sample[]> {
  const { packCount, packBytes, condemnedBytes, badCopyCount, lastPassMs } = await repository();
  const copyAtMs = catalogCopyAtMs();
  return [
    gauge('hupo_repository_packs', packCount),
    gauge('hupo_repository_bytes', packBytes),
    gauge('hupo_repository_garbage_bytes', condemnedBytes),
    gauge('hupo_repository_bad_copies', badCopyCount),
    ...(lastPassMs === 0 ? [] : [gauge('hupo_verification_last_pass_timestamp_seconds', lastPassMs / 1000)]),
    ...(copyAtMs === null ? [] : [gauge('hupo_catalog_copy_timestamp_seconds', copyAtMs / 1000)]),
  ];
}

/** What has no size (some of FUSE) is not told. */
async function measureSpace({ folders, spaceLimits }: MeasuredRegion): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const [folder, at] of Object.entries(folders)) {
    const { freeBytes, sizeBytes } = await freeSpace(at);
    if (!Number.isFinite(sizeBytes)) continue;
    const { reserveBytes, highWaterBytes } = planSpaceLimits(sizeBytes, spaceLimits);
    samples.push(
      gauge('hupo_filesystem_free_bytes', freeBytes, { folder }),
      gauge('hupo_filesystem_size_bytes', sizeBytes, { folder }),
      gauge('hupo_filesystem_reserve_bytes', reserveBytes, { folder }),
      gauge('hupo_filesystem_high_water_bytes', highWaterBytes, { folder }),
    );
  }
  return samples;
}

async function measureWebhooks({ listWebhooks }: MeasuredRegion): Promise<Sample[]> {
  return (await listWebhooks()).flatMap(({ subscriptionId: webhook, backlogCount, failureCount, missedCount }) => [
    gauge('hupo_webhook_backlog', backlogCount, { webhook }),
    gauge('hupo_webhook_failures', failureCount, { webhook }),
    gauge('hupo_webhook_missed_total', missedCount, { webhook }),
  ]);
}
