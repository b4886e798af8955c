/**
 * ResizeDisk (`ecs-api.md` 2.3): makes a disk larger. Of either Type, whoever opens the disk afterwards sees the new size,
 * and whoever has it open keeps the old one until then. Subscriptions alone have an OrderId.
 */
import { defineAction } from '../action.ts';
import { integer, oneOf, required, text, withDefault } from '../parameters.ts';
import { clientToken, dryRun } from '../resource-parameters.ts';

/** Beyond any category's most: what a disk's own category allows is told with a code of its own. */
const MOST_GIB = 1_000_000;

export const resizeDisk = defineAction({
  name: 'ResizeDisk',
  parameters: {
    DiskId: required(text()),
    NewSize: required(integer({ least: 1, most: MOST_GIB, code: 'InvalidDataDiskSize.ValueNotSupported' })),
    Type: withDefault(oneOf(['offline', 'online'], 'InvalidParam.Type'), 'offline'),
    ClientToken: clientToken('InvalidParameter'),
    DryRun: dryRun,
  },
  run: async (values, { control, options }) => {
    const request = { diskId: values.DiskId, sizeGib: values.NewSize, online: values.Type === 'online' };
    await control.resizeDisk(request, options({ clientToken: values.ClientToken, dryRun: values.DryRun }));
    return {};
  },
});
