/** What the actions on several instances at once have in common (`ecs-api.md` 2.4). */
import type { PowerRequest } from '../control/requests.ts';
import { RequestError } from '../lib/errors.ts';
import type { Call } from './action.ts';
import { oneOf, repeated, withDefault, type Parameter, type Values } from './parameters.ts';
import { renderPowerOutcomes } from './render/power-outcome.ts';
import { dryRun } from './resource-parameters.ts';

/** A dry run that finds nothing wrong is told so in a word of their own. */
export const batchCodes = { DryRunOperation: 'DRYRUN.SUCCESS' };

const INSTANCE_ID = /^[A-Za-z0-9-]{1,64}$/;
const MOST = 100;

/** `InstanceId.1` … `InstanceId.100`; the same one twice counts once. */
export function instanceIds(): Parameter<string[]> {
  const list = repeated(MOST, 'InvalidParameter.TooManyInstanceIds');
  return {
    ...list,
    read: (set, name) => {
      const ids = list.read(set, name);
      const malformed = ids.find((id) => !INSTANCE_ID.test(id));
      if (malformed !== undefined) {
        throw new RequestError(
          'Abs.InvalidInstanceIds.MalFormed',
          `The parameter "${name}" is malformed at ${JSON.stringify(malformed.slice(0, 64))}: give one id each as ${name}.1, ${name}.2, ….`,
        );
      }
      if (ids.length > 0) return [...new Set(ids)];
      throw new RequestError(
        'MissingParameter',
        `The input parameter "${name}.N" that is mandatory for processing this request is not supplied.`,
      );
    },
  };
}

/** Of StartInstances, StopInstances and RebootInstances: all of them or none, or each by itself. */
export const powerBatchParameters = {
  InstanceId: instanceIds(),
  BatchOptimization: withDefault(oneOf(['AllTogether', 'SuccessFirst']), 'AllTogether'),
  DryRun: dryRun,
};

/** Starts, stops or reboots them, and tells what became of each. */
export async function powerBatch(
  asked: Pick<PowerRequest, 'change' | 'force'>,
  values: Values<typeof powerBatchParameters>,
  { control, options }: Call,
): Promise<object> {
  const { InstanceId: ids, BatchOptimization: optimization, DryRun } = values;
  const request = { ...asked, instanceIds: ids, successFirst: optimization === 'SuccessFirst' };
  return renderPowerOutcomes(await control.powerInstances(request, options({ dryRun: DryRun })));
}
