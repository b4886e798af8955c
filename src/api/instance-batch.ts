/** What the actions on several instances at once have in common (`ecs-api.md` 2.4). */
import { RequestError } from '../lib/errors.ts';
import { oneOf, repeated, withDefault, type Parameter } from './parameters.ts';

/** What a request to start, stop, reboot or delete several instances says when a dry run finds nothing wrong. */
export const BATCH_DRY_RUN_CODE = 'DRYRUN.SUCCESS';

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

/** All of them or none, or each by itself. */
export function batchOptimization(): Parameter<'AllTogether' | 'SuccessFirst'> {
  return withDefault(oneOf(['AllTogether', 'SuccessFirst']), 'AllTogether');
}
