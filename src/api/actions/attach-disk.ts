/** AttachDisk (`ecs-api.md` 2.3). */
import { isDataDeviceName } from '../../ecs/device-names.ts';
import { defineAction } from '../action.ts';
import { boolean, noEffect, notBuilt, required, text, withDefault } from '../parameters.ts';
import { unbuiltDryRun } from '../resource-parameters.ts';

export const attachDisk = defineAction({
  name: 'AttachDisk',
  parameters: {
    DiskId: required(text()),
    InstanceId: required(text()),
    Device: text('InvalidDevice.Malformed', (name) =>
      isDataDeviceName(name)
        ? null
        : 'it must be /dev/xvdb … /dev/xvdz, /dev/xvdaa …; leave it out to get the next free one',
    ),
    DeleteWithInstance: withDefault(boolean(), false),
    Bootable: notBuilt('system disks cannot be exchanged yet', { neutral: ['false'] }),
    Force: notBuilt('it is for regional disks, and this service has none', { neutral: ['false'] }),
    DryRun: unbuiltDryRun,
    KeyPairName: noEffect('only matters with Bootable, and that is refused'),
    Password: noEffect('only matters with Bootable, and that is refused'),
  },
  run: async (values, { control }) => {
    await control.attachDisk({
      diskId: values.DiskId,
      instanceId: values.InstanceId,
      device: values.Device,
      deleteWithInstance: values.DeleteWithInstance,
    });
    return {};
  },
});
