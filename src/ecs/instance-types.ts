/**
 * Instance types. `external` ones are machines that the user runs and that reach their disks over NBD: their CPU and
 * memory are only what the API shows.
 */

export interface InstanceType {
  instanceTypeId: string;
  family: string;
  cpuCount: number;
  memoryGib: number;
  /** Disks with the system disk. */
  diskLimit: number;
  /** Of the images that it can start. */
  architectures: readonly string[];
}

/** Data disks and the system disk (`ecs-api.md` 3.8). */
const DISK_LIMIT = 17;

const EXTERNAL_FAMILY = 'ecs.external';
const X86: readonly string[] = ['x86_64', 'i386'];

/** In the order in which they are shown. */
export const instanceTypes: readonly InstanceType[] = [
  {
    instanceTypeId: 'ecs.external.large',
    family: EXTERNAL_FAMILY,
    cpuCount: 2,
    memoryGib: 8,
    diskLimit: DISK_LIMIT,
    architectures: X86,
  },
  {
    instanceTypeId: 'ecs.external.xlarge',
    family: EXTERNAL_FAMILY,
    cpuCount: 4,
    memoryGib: 16,
    diskLimit: DISK_LIMIT,
    architectures: X86,
  },
];

export function findInstanceType(instanceTypeId: string): InstanceType | undefined {
  return instanceTypes.find((type) => type.instanceTypeId === instanceTypeId);
}
