/**
 * QueryAvailableInstances of BssOpenApi (2017-12-14): what an account has bought. Terraform's provider asks it before anything
 * else, to tell which kind of account it has, and is content with an empty list (`clients.md` 6).
 */
import { defineAction } from '../action.ts';
import { integer, withDefault } from '../parameters.ts';

const number = (most: number, value: number) => withDefault(integer({ least: 1, most }), value);

export const queryAvailableInstances = defineAction({
  name: 'QueryAvailableInstances',
  service: 'bssapi',
  regional: false,
  parameters: { PageNum: number(1_000_000_000, 1), PageSize: number(300, 20) },
  run: ({ PageNum, PageSize }) =>
    Promise.resolve({ Success: true, Data: { PageNum, PageSize, TotalCount: 0, InstanceList: [] } }),
});
