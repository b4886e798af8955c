/** The products whose APIs are here, told apart by Version: ECS, and of others what belongs to using it. */
import { actions } from './action-list.ts';
import type { Action, Service } from './action.ts';
import { queryAvailableInstances } from './actions/query-available-instances.ts';
import { auditActions } from './ram/audit.ts';
import { policyActions } from './ram/policies.ts';
import { roleActions, stsActions } from './ram/roles.ts';
import { userActions } from './ram/users.ts';

interface Product {
  version: string;
  actions: readonly Action[];
}

/** All of RAM, STS and ActionTrail that there is. */
export const accountActions: readonly Action[] = [
  ...userActions,
  ...policyActions,
  ...roleActions,
  ...stsActions,
  ...auditActions,
];

/** Of another product, BssOpenApi: asked by a client of ours on the way here. */
const billingVersion = '2017-12-14';

const versions: Readonly<Record<Service, string>> = {
  ecs: '2014-05-26',
  ram: '2015-05-01',
  sts: '2015-04-01',
  actiontrail: '2020-07-06',
  bssapi: billingVersion,
};

const all: readonly Action[] = [...actions, ...accountActions, queryAvailableInstances];

export const products: readonly Product[] = Object.entries(versions).map(([service, version]) => ({
  version,
  actions: all.filter((action) => action.service === service),
}));

export function versionOf(service: Service): string {
  return versions[service];
}
