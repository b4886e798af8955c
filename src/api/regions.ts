/** The regions of a server, and which of them a request is for. */
import { regionCode, regionCodesIn } from '../ecs/ids.ts';
import type { Tag } from '../ecs/resources.ts';
import { RequestError } from '../lib/errors.ts';
import type { Region } from './action.ts';
import type { ControlPlane } from './control-plane.ts';
import { hostOf, type ApiRequest } from './request.ts';

export interface ServedRegion {
  control: ControlPlane;
  region: Region;
  /** Of resources, by id; those without any are absent. */
  readTags: (resourceIds: string[]) => Promise<ReadonlyMap<string, readonly Tag[]>>;
}

export class ApiRegions {
  readonly #served: readonly [ServedRegion, ...ServedRegion[]];

  /** The first is that of requests which do not say. */
  constructor(served: readonly [ServedRegion, ...ServedRegion[]]) {
    this.#served = served;
  }

  /** As clients are told, and errors tell. */
  get endpoint(): string {
    return this.#served[0].region.endpoint;
  }

  get regions(): readonly Region[] {
    return this.#served.map(({ region }) => region);
  }

  /** Once it is known. */
  tellEndpoint(endpoint: string): void {
    for (const { region } of this.#served) region.endpoint = endpoint;
  }

  /**
   * By `RegionId`; else by the region's own host name, as clients behind HTTP_PROXY ask for it; else by the first id of a resource
   * (`ecs/ids.ts`); else the first region. RequestError InvalidRegionId.NotFound where `isRegional`.
   */
  find(request: Pick<ApiRequest, 'parameters' | 'target' | 'headers'>, isRegional: boolean): ServedRegion {
    const named = request.parameters.find('RegionId');
    const [first] = this.#served;
    if (named === null) return this.#findByHost(request) ?? this.#findByIds(request) ?? first;
    const found = this.#served.find(({ region }) => region.regionId === named);
    if (found !== undefined || !isRegional) return found ?? first;
    const ids = this.#served.map(({ region }) => region.regionId).join(', ');
    throw new RequestError(
      'InvalidRegionId.NotFound',
      `The specified region ${JSON.stringify(named.slice(0, 64))} does not exist; this server is ${ids}.`,
    );
  }

  #findByHost(request: Pick<ApiRequest, 'target' | 'headers'>): ServedRegion | undefined {
    const name = /^ecs(?:-vpc)?[.-]([a-z0-9-]+)\.aliyuncs\.com$/.exec(hostOf(request) ?? '')?.[1];
    return this.#served.find(({ region }) => region.regionId === name);
  }

  #findByIds({ parameters }: Pick<ApiRequest, 'parameters'>): ServedRegion | undefined {
    if (this.#served.length === 1) return undefined;
    const codes = new Map(this.#served.map((served) => [regionCode(served.region.regionId), served]));
    for (const [name, value] of parameters.entries()) {
      const found = /ids?(\.\d+)?$/.test(name) ? regionCodesIn(value).find((code) => codes.has(code)) : undefined;
      if (found !== undefined) return codes.get(found);
    }
    return undefined;
  }
}
