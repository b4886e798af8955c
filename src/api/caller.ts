/** Who asks, and what actions on users, keys, policies and the audit log have at hand. */
import type { Account } from '../access/account.ts';
import type { AuditLog } from '../access/audit-log.ts';
import type { RequestContext } from '../access/conditions.ts';
import type { Principal } from '../access/principal.ts';
import { AssertionError } from '../lib/errors.ts';
import { defineAction, type Action, type Service } from './action.ts';
import type { ParameterTable, Values } from './parameters.ts';

export interface Caller {
  principal: Principal;
  account: Account;
  audit: AuditLog;
  /** `acs:SourceIp` and the like. */
  facts: RequestContext;
}

/** An action on what belongs to the account, whatever region is asked. */
export function defineAccountAction<Table extends ParameterTable>(definition: {
  name: string;
  service: Service;
  parameters: Table;
  run: (values: Values<Table>, caller: Caller) => Promise<object> | object;
}): Action {
  const { run, ...rest } = definition;
  return defineAction({
    ...rest,
    regional: false,
    run: async (values, { caller }) => {
      if (caller === null) throw new AssertionError(`${definition.name} is asked by nobody`);
      return await run(values, caller);
    },
  });
}
