/** AttachDisk (`ecs-api.md` 2.3): a data disk, or with Bootable a system disk to the instance that it was made for. */
import { SYSTEM_DEVICE_NAME, isDataDeviceName } from '../../ecs/device-names.ts';
import { keyPair, password } from '../absent-features.ts';
import { defineAction } from '../action.ts';
import { boolean, invalidParameter, notBuilt, required, text, withDefault } from '../parameters.ts';
import { dryRun } from '../resource-parameters.ts';

export const attachDisk = defineAction({
  name: 'AttachDisk',
  parameters: {
    DiskId: required(text()),
    InstanceId: required(text()),
    Device: text(),
    DeleteWithInstance: withDefault(boolean(), false),
    Bootable: withDefault(boolean(), false),
    Force: notBuilt('it is for regional disks, and this service has none', { neutral: ['false'] }),
    DryRun: dryRun,
    KeyPairName: keyPair('InvalidParameter'),
    Password: password('InvalidParameter'),
  },
  run: async (values, { control, options }) => {
    checkDevice(values.Device, values.Bootable);
    const request = {
      diskId: values.DiskId,
      instanceId: values.InstanceId,
      device: values.Device,
      deleteWithInstance: values.DeleteWithInstance,
      bootable: values.Bootable,
    };
    await control.attachDisk(request, options({ dryRun: values.DryRun }));
    return {};
  },
});

function checkDevice(device: string | null, bootable: boolean): void {
  if (device === null || (bootable ? device === SYSTEM_DEVICE_NAME : isDataDeviceName(device))) return;
  const rule = bootable
    ? `a system disk is ${SYSTEM_DEVICE_NAME}; leave it out`
    : 'it must be /dev/xvdb … /dev/xvdz, /dev/xvdaa …; leave it out to get the next free one';
  throw invalidParameter('InvalidDevice.Malformed', 'Device', device, rule);
}
