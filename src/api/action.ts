/** What an action is: a name, a table of parameters, and what it does with them. One file an action in `actions/`. */
import type { ChangeOptions } from '../control/requests.ts';
import { RequestError } from '../lib/errors.ts';
import type { Caller } from './caller.ts';
import type { ControlPlane } from './control-plane.ts';
import type { ParameterSet } from './parameter-set.ts';
import { readParameters, type ParameterTable, type Values } from './parameters.ts';
import { sha256Hex } from './signature-acs3.ts';

export interface Region {
  regionId: string;
  /** The first is the default. */
  zoneIds: readonly string[];
  /** `HOST:PORT` of this server, as clients are told. */
  endpoint: string;
}

/** What an action has at hand. */
export interface Call {
  control: ControlPlane;
  region: Region;
  /** All of this server. */
  regions: readonly Region[];
  /** Who asks; null where nobody does, in tests. */
  caller: Caller | null;
  /** How a change is asked for, from the request's `ClientToken` and `DryRun`. */
  options: (asked?: { clientToken?: string | null; dryRun?: boolean | null }) => ChangeOptions;
}

/** As policies call it: `ecs` in `ecs:CreateSnapshot`. */
export type Service = 'ecs' | 'ram' | 'sts' | 'actiontrail' | 'bssapi';

export interface Action {
  name: string;
  service: Service;
  parameters: ParameterTable;
  /** Whether a `RegionId` of a region that is not here is refused; only listing regions works from anywhere. */
  regional: boolean;
  /** The answer without its RequestId. */
  run(set: ParameterSet, resources: Resources): Promise<object>;
}

export type Resources = Omit<Call, 'options'>;

/** Common parameters that are in no table: `RegionId` says which region is asked (`regions.ts`), the owners are for accounts (`ecs-api.md` 1.2). */
const NOT_BUSINESS = ['regionid', 'clienttoken', 'dryrun'];

export function defineAction<Table extends ParameterTable>(definition: {
  name: string;
  service?: Service;
  parameters: Table;
  regional?: boolean;
  /** The action's own word for what other actions call otherwise: their code → its own. */
  ownCodes?: Readonly<Record<string, string>>;
  run: (values: Values<Table>, call: Call) => Promise<object>;
}): Action {
  const { name, service = 'ecs', parameters, regional = true, ownCodes = {}, run } = definition;
  return {
    name,
    service,
    parameters,
    regional,
    run: async (set, { control, region, regions, caller }) => {
      const options: Call['options'] = ({ clientToken: given = null, dryRun } = {}) => {
        const token = given === null ? null : tokenOf(given, caller);
        return {
          idempotency:
            token === null ? null : { action: name, token, parametersDigest: businessDigest(parameters, set) },
          dryRun: dryRun ?? false,
        };
      };
      try {
        return await run(readParameters(parameters, set), { control, region, regions, caller, options });
      } catch (error) {
        const ownCode = error instanceof RequestError ? ownCodes[error.code] : undefined;
        if (!(error instanceof RequestError) || ownCode === undefined) throw error;
        throw new RequestError(ownCode, error.message);
      }
    },
  };
}

/** A token is of whoever sent it: of another user the same text is another token. No token that is sent holds a line break. */
function tokenOf(token: string, caller: Caller | null): string {
  const principal = caller?.principal;
  return principal === undefined || principal.kind === 'root' ? token : `${token}\n${principal.principalId}`;
}

/** RequestError InvalidZoneId.NotFound unless the region has the zone. */
export function checkZone(zoneId: string, region: Region): void {
  if (region.zoneIds.includes(zoneId)) return;
  throw new RequestError(
    'InvalidZoneId.NotFound',
    `The specified zone ${JSON.stringify(zoneId.slice(0, 64))} does not exist; this region has ${region.zoneIds.join(', ')}.`,
  );
}

/**
 * SHA-256 over the parameters that a ClientToken stands for: those of the action's table, without regard to case of
 * names, blanks, order, and whatever belongs to the transport (`ecs-api.md` 1.9).
 */
function businessDigest(parameters: ParameterTable, set: ParameterSet): string {
  const roots = new Set(Object.keys(parameters).map((name) => name.toLowerCase()));
  const pairs = [...set.entries()].filter(([name]) => {
    const root = name.split('.', 1)[0] ?? '';
    return roots.has(root) && !NOT_BUSINESS.includes(root);
  });
  return sha256Hex(JSON.stringify(pairs));
}
