/** An instance as DescribeInstanceAttribute shows it (`ecs-api.md` 2.4): `IoOptimized` is a word here. */
import type { Instance } from '../../ecs/resources.ts';
import { sharedInstanceFields } from './instance-shared.ts';

export function renderInstanceAttribute(instance: Instance, regionId: string): object {
  return {
    ...sharedInstanceFields(instance, regionId),
    IoOptimized: 'optimized',
    DedicatedHostAttribute: { DedicatedHostId: '', DedicatedHostName: '' },
    EnableJumboFrame: false,
    EnableNetworkEncryption: false,
    NetworkOptions: { BandwidthWeighting: '', EnableJumboFrame: false, EnableNetworkEncryption: false },
  };
}
