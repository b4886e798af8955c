/** The disks of CreateInstance and RunInstances (`ecs-api.md` 2.4, 4.4): `SystemDisk.*` and `DataDisk.N.*`. */
import type { NewDisk } from '../../control/requests.ts';
import { isDataDeviceName } from '../../ecs/device-names.ts';
import { offeredCategories, performanceLevels } from '../../ecs/disk-categories.ts';
import { findDescriptionProblem, findNameProblem } from '../../ecs/names.ts';
import { RequestError } from '../../lib/errors.ts';
import { unbuiltDiskFeatures } from '../absent-features.ts';
import { boolean, group, groups, integer, knowingWords, text, withDefault, type Values } from '../parameters.ts';
import { autoSnapshotPolicy, checkDiskKind } from '../resource-parameters.ts';

const DATA_DISK_LIMIT = 16;

const diskParameters = {
  Category: withDefault(knowingWords(text(), offeredCategories), 'cloud_efficiency'),
  PerformanceLevel: knowingWords(text(), performanceLevels),
  DiskName: withDefault(text('InvalidDiskName.Malformed', findNameProblem), ''),
  Description: withDefault(text('InvalidDiskDescription.Malformed', findDescriptionProblem), ''),
};

const systemDiskParameters = {
  ...diskParameters,
  Size: integer({ least: 1, most: 65536, code: 'InvalidSystemDiskSize.ValueNotSupported' }),
};

const dataDiskParameters = {
  ...diskParameters,
  Size: integer({ least: 1, most: 65536, code: 'InvalidDataDiskSize.ValueNotSupported' }),
  SnapshotId: text(),
  Device: text('InvalidDataDevice.Malformed', (name) =>
    isDataDeviceName(name) ? null : 'it must be /dev/xvdb … /dev/xvdz, /dev/xvdaa …',
  ),
  DeleteWithInstance: withDefault(boolean(), true),
};

const dataDiskLimit = { most: DATA_DISK_LIMIT, code: 'InstanceDiskNumber.LimitExceed' };
const { Encrypted, KMSKeyId, EncryptAlgorithm, StorageClusterId } = unbuiltDiskFeatures;

/** Of CreateInstance, whose documentation has fewer. */
export const createInstanceDisks = {
  SystemDisk: group({ ...systemDiskParameters, StorageClusterId }),
  DataDisk: groups({ ...dataDiskParameters, Encrypted, KMSKeyId, EncryptAlgorithm, StorageClusterId }, dataDiskLimit),
};

export const runInstancesDisks = {
  SystemDisk: group({
    ...systemDiskParameters,
    AutoSnapshotPolicyId: autoSnapshotPolicy,
    ...unbuiltDiskFeatures,
  }),
  DataDisk: groups(
    { ...dataDiskParameters, AutoSnapshotPolicyId: autoSnapshotPolicy, ...unbuiltDiskFeatures },
    dataDiskLimit,
  ),
};

/** What both actions tell of their disks. */
export interface DiskValues {
  SystemDisk: Values<typeof systemDiskParameters> & WithPolicy;
  DataDisk: DataDiskValues[];
}

/** Only RunInstances has it. */
interface WithPolicy {
  AutoSnapshotPolicyId?: string | null;
}

type DataDiskValues = Values<typeof dataDiskParameters> & WithPolicy & { name: string };

/** The data disks in the order of N. */
export function dataDisksOf(values: DataDiskValues[]): NewDisk[] {
  return values.map((disk) => dataDiskOf(disk));
}

export function systemDiskOf(values: DiskValues['SystemDisk']): NewDisk {
  const kind = checkDiskKind(
    { category: values.Category, performanceLevel: values.PerformanceLevel, sizeGib: values.Size },
    'system',
    namesOf('SystemDisk'),
    {
      unknownCategory: 'InvalidSystemDiskCategory.ValueNotSupported',
      categoryNotOffered: 'InvalidSystemDiskCategory.ValueNotSupported',
      size: 'InvalidSystemDiskSize.ValueNotSupported',
    },
  );
  const { DiskName: diskName, Description: description } = values;
  const { AutoSnapshotPolicyId: policyId = null } = values;
  return { ...kind, diskName, description, snapshotId: null, device: null, deleteWithInstance: true, policyId };
}

/**
 * With a snapshot the size is the snapshot's, whatever is asked (`ecs-api.md` 4.4). With a device it may be a disk of the
 * image, whose size is known: whether a size is needed then is the control plane's to say.
 */
function dataDiskOf(values: DataDiskValues): NewDisk {
  const { name, DiskName: diskName, Description: description, SnapshotId: snapshotId, Device: device } = values;
  if (snapshotId === null && device === null && values.Size === null) {
    throw new RequestError(
      'MissingParameter',
      `The input parameter "${name}.Size" that is mandatory for processing this request is not supplied; only a disk from a snapshot, or one of the image, can do without.`,
    );
  }
  const kind = checkDiskKind(
    {
      category: values.Category,
      performanceLevel: values.PerformanceLevel,
      sizeGib: snapshotId === null ? values.Size : null,
    },
    'data',
    namesOf(name),
    {
      unknownCategory: 'InvalidDataDiskCategory.ValueNotSupported',
      categoryNotOffered: 'InvalidDataDiskCategory.ValueNotSupported',
      size: 'InvalidDataDiskSize.ValueNotSupported',
    },
  );
  const { DeleteWithInstance: deleteWithInstance, AutoSnapshotPolicyId: policyId = null } = values;
  return { ...kind, diskName, description, snapshotId, device, deleteWithInstance, policyId };
}

function namesOf(disk: string): { category: string; performanceLevel: string; size: string } {
  return { category: `${disk}.Category`, performanceLevel: `${disk}.PerformanceLevel`, size: `${disk}.Size` };
}
