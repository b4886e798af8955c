/** The region is part of every id and answer, so a data folder keeps the one that it was made with. */
import type { Catalog } from '../catalog/catalog.ts';
import { findSetting, putSetting } from '../catalog/settings.ts';
import { OperationalError } from '../lib/errors.ts';

/** Throws an OperationalError for what is no region id. */
export function assertRegionId(regionId: string): void {
  if (/^[a-z][a-z0-9-]*[a-z0-9]$/.test(regionId)) return;
  throw new OperationalError(
    `${JSON.stringify(regionId)} is no region id: lower-case letters, digits and "-", as in cn-hangzhou`,
    { retryable: false },
  );
}

/** Throws an OperationalError for another one. */
export async function rememberRegion(catalog: Catalog, regionId: string, folder: string): Promise<void> {
  const remembered = await findSetting(catalog.queries, 'region');
  if (remembered === undefined) await putSetting(catalog.queries, 'region', regionId);
  else if (remembered !== regionId) {
    throw new OperationalError(
      `${folder} belongs to the region ${remembered}: start with --region ${remembered}, or choose another folder with --data for ${regionId}`,
      { retryable: false },
    );
  }
}

export function zonesOf(regionId: string): string[] {
  return [`${regionId}-a`, `${regionId}-b`];
}
